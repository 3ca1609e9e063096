#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/* rd_kafka_producev is variadic, which Swift cannot call; the calls that are not take no headers. */

/* Copies key and value; takes the headers over, unless it fails. */
static inline rd_kafka_resp_err_t earshot_rdkafka_produce(
    rd_kafka_t *client, rd_kafka_topic_t *topic, const void *key, size_t key_length, const void *value,
    size_t value_length, int64_t timestamp, rd_kafka_headers_t *headers, void *context) {
    return rd_kafka_producev(
        client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
        RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_TIMESTAMP(timestamp),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(context), RD_KAFKA_V_END);
}
