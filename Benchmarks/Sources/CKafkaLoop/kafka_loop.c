#include "kafka_loop.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char reason[256];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK)
        fprintf(stderr, "%s\n", reason);
}

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *context) {
    (void)client;
    (void)message;
    int *delivered = context;
    if (!message->err) ++*delivered;
}

double kafka_loop_produce(
    const char *brokers, const char *topic, int count, const char *values, int value_count, size_t value_length) {
    int delivered = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "acks", "all");
    set(conf, "compression.codec", "lz4");
    set(conf, "linger.ms", "1");
    set(conf, "partitioner", "murmur2_random");
    rd_kafka_conf_set_opaque(conf, &delivered);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    if (!client) return -1;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    /* Connect first. */
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(client, 0, handle, &metadata, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
    double begun = now();
    char key[32];
    for (int i = 0; i < count; i++) {
        int length = snprintf(key, sizeof key, "key-%d", 10000000 + i);
        const char *value = values + (size_t)(i % value_count) * value_length;
        while (rd_kafka_producev(
                   client, RD_KAFKA_V_RKT(handle), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                   RD_KAFKA_V_KEY(key, (size_t)length), RD_KAFKA_V_VALUE((void *)value, value_length),
                   RD_KAFKA_V_HEADER("workspace", "ws_bench", 8), RD_KAFKA_V_HEADER("how", "pull", 4),
                   RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(client, 10);
        rd_kafka_poll(client, 0);
    }
    rd_kafka_flush(client, 60000);
    double seconds = now() - begun;
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return delivered == count ? seconds : -1;
}

double kafka_loop_consume(const char *brokers, const char *topic, const char *group, int count) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", group);
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "earliest");
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    if (!client) return -1;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    static rd_kafka_message_t *messages[1000];
    double begun = 0, deadline = now() + 60;
    long first = 0, got = 0;
    volatile size_t bytes = 0;
    while (got < count && now() < deadline) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, got ? 20 : 100, messages, 1000);
        for (ssize_t i = 0; i < n; i++) {
            if (!messages[i]->err) {
                bytes += messages[i]->len;
                got++;
            }
            rd_kafka_message_destroy(messages[i]);
        }
        if (got && !first) {
            first = got;
            begun = now();
        }
    }
    double seconds = now() - begun;
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return got >= count ? (double)(got - first) / seconds : -1;
}

int kafka_loop_delete_topic(const char *brokers, const char *topic) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    if (!client) return -1;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopic_t *deletion = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(client, &deletion, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
    int outcome = -1;
    if (event && !rd_kafka_event_error(event)) {
        size_t count = 0;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
        rd_kafka_resp_err_t error = count ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
        if (!error || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) outcome = 0;
    }
    if (event) rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(deletion);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return outcome;
}
