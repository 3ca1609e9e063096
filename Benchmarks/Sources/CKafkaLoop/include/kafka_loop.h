#pragma once
#include <stddef.h>

/* Bare loops over librdkafka, with nothing around: what a producer and a consumer could reach at best. */

/* Sends `count` messages, values in turn from `values`, with a key and two headers, acks=all, idempotent, lz4.
   Returns the seconds until the last was reported delivered, or -1. */
double kafka_loop_produce(
    const char *brokers, const char *topic, int count, const char *values, int value_count, size_t value_length);

/* Reads `count` messages as a group's only member, a thousand at once. Returns messages a second from the first
   batch on, or -1. */
double kafka_loop_consume(const char *brokers, const char *topic, const char *group, int count);

/* Deletes a topic. Returns 0 once the broker has taken that in, also where there is no such topic, or -1. */
int kafka_loop_delete_topic(const char *brokers, const char *topic);
