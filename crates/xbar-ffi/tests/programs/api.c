// Everything that C can do, in one process: messages of all kinds, values, requests, logs, what is there, other threads.
#include "check.h"

#include <pthread.h>

static const char *dir;

typedef struct quote {
    double bid, ask;
    int64_t shares;
} quote;

static xbar_subscriber *connect_to(const char *name) {
    const xbar_connect_options options = {.struct_size = sizeof options, .dir = dir, .timeout_ns = 10000000000};
    xbar_subscriber *subscriber = NULL;
    OK(xbar_subscriber_connect(name, &options, &subscriber));
    return subscriber;
}

static void loans_are_written_in_place_and_grow(xbar_publisher *publisher, xbar_subscriber *subscriber) {
    xbar_topic *topic = NULL;
    OK(xbar_publisher_register(publisher, "/loans", NULL, &topic));
    xbar_stream *stream = NULL;
    OK(xbar_subscriber_subscribe(subscriber, "/loans", NULL, &stream));
    xbar_loan loans[3];
    for (int at = 0; at < 3; at++) {
        OK(xbar_topic_loan(topic, 10, &loans[at]));
        fill(loans[at].data, 5, 10);
    }
    // From the slot into a block, with what was written.
    OK(xbar_loan_set_len(&loans[0], 2000));
    unsigned char before[10];
    fill(before, 5, sizeof before);
    CHECK(loans[0].len == 2000 && (uintptr_t)loans[0].data % 64 == 0 && memcmp(loans[0].data, before, sizeof before) == 0);
    fill(loans[0].data, 8, 2000);
    OK(xbar_loan_set_len(&loans[1], 4));
    xbar_loan_abandon(&loans[2]);
    uint64_t sequence = 9;
    OK(xbar_loan_publish(&loans[1], &sequence));
    CHECK(sequence == 0);
    OK(xbar_loan_try_publish(&loans[0], &sequence));
    CHECK(sequence == 1);
    OK(xbar_topic_loan(topic, 0, &loans[0]));
    OK(xbar_loan_publish_timeout(&loans[0], 1, NULL));
    xbar_sample small, large, empty;
    OK(xbar_stream_recv(stream, &small));
    OK(xbar_stream_recv(stream, &large));
    OK(xbar_stream_recv(stream, &empty));
    CHECK(small.len == 4 && large.len == 2000 && is_filled(large.data, 8, 2000) && (uintptr_t)large.data % 64 == 0);
    CHECK(empty.len == 0 && empty.data != NULL && empty.sequence == 2);
    CHECK(small.publish_time_ns != 0 && large.publish_time_ns >= small.publish_time_ns);
    xbar_sample_release(&large);
    xbar_sample_release(&small);
    xbar_sample_release(&empty);
    CHECK(xbar_stream_received(stream) == 3 && xbar_stream_missed(stream) == 0 && xbar_stream_pending(stream) == 0);
    // Places are used again, thousands of times.
    for (uint64_t number = 0; number < 5000; number++) {
        OK(xbar_topic_loan(topic, 100, &loans[0]));
        fill(loans[0].data, number, 100);
        OK(xbar_loan_publish(&loans[0], NULL));
        OK(xbar_stream_recv_timeout(stream, &small, XBAR_FOREVER));
        CHECK(is_filled(small.data, number, 100));
        xbar_sample_release(&small);
    }
    xbar_stream_close(stream);
    xbar_topic_close(topic);
}

static void history_is_read_from_anywhere(xbar_publisher *publisher, xbar_subscriber *subscriber) {
    xbar_topic *topic = NULL;
    OK(xbar_publisher_register(publisher, "/history", NULL, &topic));
    for (uint64_t number = 0; number < 10; number++) {
        OK(xbar_topic_send(topic, &number, sizeof number, NULL));
    }
    const uint32_t starts[3] = {XBAR_START_OLDEST, XBAR_START_LAST, XBAR_START_NOW};
    const uint64_t first[3] = {0, 7, 10};
    for (int at = 0; at < 3; at++) {
        for (uint64_t timeout = 0; timeout < 2; timeout++) {
            const xbar_subscribe_options options = {
                .struct_size = sizeof options, .start = starts[at], .messages = 3, .timeout_ns = timeout};
            xbar_stream *stream = NULL;
            OK(xbar_subscriber_subscribe(subscriber, "/history", &options, &stream));
            CHECK(xbar_stream_pending(stream) == 10 - first[at]);
            xbar_sample sample;
            for (uint64_t number = first[at]; number < 10; number++) {
                OK(xbar_stream_try_recv(stream, &sample));
                CHECK(sample.sequence == number && *(const uint64_t *)sample.data == number);
                xbar_sample_release(&sample);
            }
            FAILS(xbar_stream_try_recv(stream, &sample), XBAR_EMPTY, "nothing there yet");
            xbar_stream_close(stream);
        }
    }
    xbar_topic_close(topic);
}

static void the_latest_of_a_pinned_topic_stays(xbar_publisher *publisher, xbar_subscriber *subscriber) {
    const xbar_topic_config kind = {.struct_size = sizeof kind, .delivery = XBAR_PINNED, .value_size = sizeof(quote),
                                    .value_align = _Alignof(quote), .value_name = "quote"};
    xbar_topic *topic = NULL;
    OK(xbar_publisher_register(publisher, "/pinned", &kind, &topic));
    CHECK(xbar_topic_delivery(topic) == XBAR_PINNED);
    xbar_stream *stream = NULL;
    OK(xbar_subscriber_subscribe(subscriber, "/pinned", NULL, &stream));
    CHECK(xbar_stream_delivery(stream) == XBAR_PINNED);
    xbar_sample sample;
    FAILS(xbar_stream_try_latest(stream, &sample), XBAR_EMPTY, "nothing there yet");
    FAILS(xbar_stream_latest_timeout(stream, &sample, 1), XBAR_TIMEOUT, "nothing came in time");
    for (int64_t shares = 1; shares < 4; shares++) {
        const quote now = {223.01, 223.02, shares};
        OK(xbar_topic_send(topic, &now, sizeof now, NULL));
    }
    for (int times = 0; times < 3; times++) {
        OK(times == 1 ? xbar_stream_latest_timeout(stream, &sample, 1) : xbar_stream_try_latest(stream, &sample));
        CHECK(sample.len == sizeof(quote) && ((const quote *)sample.data)->shares == 3);
        xbar_sample_release(&sample);
    }
    xbar_stream_close(stream);
    xbar_topic_close(topic);
}

static void *release(void *sample) {
    CHECK(is_filled(((xbar_sample *)sample)->data, 3, 1000));
    xbar_sample_release(sample);
    return NULL;
}

static void *stop(void *shutdown) {
    OK(xbar_shutdown_stop(shutdown));
    return NULL;
}

static void detached_samples_go_to_other_threads(xbar_publisher *publisher, xbar_subscriber *subscriber) {
    xbar_topic *topic = NULL;
    OK(xbar_publisher_register(publisher, "/threads", NULL, &topic));
    xbar_stream *stream = NULL;
    OK(xbar_subscriber_subscribe(subscriber, "/threads", NULL, &stream));
    static unsigned char bytes[1000];
    fill(bytes, 3, sizeof bytes);
    xbar_sample large, small;
    OK(xbar_topic_send(topic, bytes, sizeof bytes, NULL));
    OK(xbar_topic_send(topic, "small", 5, NULL));
    OK(xbar_stream_recv(stream, &large));
    OK(xbar_stream_recv(stream, &small));
    OK(xbar_sample_detach(&large));
    OK(xbar_sample_detach(&small));
    OK(xbar_sample_detach(&small));
    CHECK(large.sequence == 0 && small.sequence == 1 && small.len == 5 && memcmp(small.data, "small", 5) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, release, &large) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(large.data == NULL);

    // A token ends a wait in another thread.
    xbar_shutdown *shutdown = NULL;
    OK(xbar_shutdown_new(&shutdown));
    OK(xbar_stream_set_waiting(stream, XBAR_WAIT_ADAPTIVE, shutdown));
    CHECK(pthread_create(&thread, NULL, stop, shutdown) == 0);
    FAILS(xbar_stream_recv(stream, &large), XBAR_STOPPED, "told to stop");
    CHECK(pthread_join(thread, NULL) == 0);
    xbar_shutdown_close(shutdown);
    const uint32_t waits[4] = {XBAR_WAIT_SPIN, XBAR_WAIT_YIELD, XBAR_WAIT_PARK, XBAR_WAIT_ADAPTIVE};
    for (int at = 0; at < 4; at++) {
        OK(xbar_stream_set_waiting(stream, waits[at], NULL));
        FAILS(xbar_stream_recv_timeout(stream, &large, 1000), XBAR_TIMEOUT, "nothing came in time");
        OK(xbar_topic_send(topic, "x", 1, NULL));
        OK(xbar_stream_recv(stream, &large));
        xbar_sample_release(&large);
    }
    xbar_stream_close(stream);
    xbar_topic_close(topic);
    CHECK(memcmp(small.data, "small", 5) == 0);
    xbar_sample_release(&small);
}

static void what_is_there_is_found(void) {
    xbar_discovery *found = NULL;
    OK(xbar_discover("/pinned", dir, &found));
    CHECK(xbar_discovery_count(found) == 1);
    xbar_region_info region = {.struct_size = sizeof region};
    OK(xbar_discovery_region(found, 0, &region));
    CHECK(strcmp(region.name, "all") == 0 && region.publishers == 1 && region.subscribers == 1);
    CHECK(region.topic_count == 1 && region.participant_count == 2 && region.footprint_bytes > 0);
    xbar_topic_info topic = {.struct_size = sizeof topic};
    OK(xbar_discovery_topic(found, 0, 0, &topic));
    CHECK(strcmp(topic.uri, "/pinned") == 0 && topic.published == 3 && topic.delivery == XBAR_PINNED);
    CHECK(strcmp(topic.value_type, "quote of 24 bytes aligned to 8") == 0 && topic.publishers == 0);
    xbar_participant_info participant = {.struct_size = sizeof participant};
    OK(xbar_discovery_participant(found, 0, 0, &participant));
    CHECK(participant.is_publisher == 1 && participant.pid == region.creator_pid);
    OK(xbar_discovery_participant(found, 0, 1, &participant));
    CHECK(participant.is_publisher == 0);
    FAILS(xbar_discovery_participant(found, 0, 2, &participant), XBAR_INVALID, "no participant 2");
    FAILS(xbar_discovery_topic(found, 0, 1, &topic), XBAR_INVALID, "no topic 1");
    FAILS(xbar_discovery_region(found, 1, &region), XBAR_INVALID, "no region 1");
    xbar_discovery_close(found);
}

static void values_of_all_shapes_cross_a_bus(void) {
    const uint32_t shapes[8][2] = {{1, 1}, {2, 2}, {4, 4}, {12, 4}, {64, 4}, {8, 8}, {24, 8}, {256, 8}};
    for (int at = 0; at < 8; at++) {
        const uint32_t size = shapes[at][0];
        for (uint32_t bounded = 0; bounded < 2; bounded++) {
            const xbar_bus_config config = {.struct_size = sizeof config, .dir = dir, .value_size = size, .value_align = shapes[at][1],
                                            .capacity = 8, .bounded = bounded, .timeout_ns = 1};
            xbar_bus *bus = NULL;
            OK(xbar_bus_create("values", &config, &bus));
            xbar_bus_reader *reader = NULL;
            OK(xbar_bus_connect("values", &config, &reader));
            CHECK(xbar_bus_subscriber_count(bus) == 1);
            unsigned char sent[256], received[256];
            uint64_t missed = 0, number = 0;
            // One after the other.
            for (; number < 20; number++) {
                fill(sent, number, size);
                OK(xbar_bus_publish(bus, sent, size));
                OK(number % 2 ? xbar_bus_recv(reader, received, size, &missed)
                              : xbar_bus_recv_timeout(reader, received, size, XBAR_FOREVER, NULL));
                CHECK(memcmp(sent, received, size) == 0 && missed == 0);
            }
            // More than there is room for: lost and counted, or refused.
            xbar_result result = XBAR_OK;
            for (int times = 0; times < 100 && result == XBAR_OK; times++, number++) {
                fill(sent, number, size);
                result = xbar_bus_publish_timeout(bus, sent, size, 0);
            }
            CHECK(result == (bounded ? XBAR_FULL : XBAR_OK));
            if (!bounded) {
                FAILS(xbar_bus_try_recv(reader, received, size, &missed), XBAR_LAGGED, "overwritten");
                CHECK(missed > 0 && missed == xbar_bus_reader_missed(reader));
                OK(xbar_bus_latest(reader, received, size, &missed));
                CHECK(missed == 0 && is_filled(received, number - 1, size));
            }
            CHECK(xbar_bus_published(bus) == number - bounded);
            xbar_bus_reader_close(reader);
            xbar_bus_close(bus);
        }
    }
}

static void messages_of_all_lengths_cross_a_byte_bus(void) {
    xbar_byte_bus_config config = {.struct_size = sizeof config, .dir = dir, .capacity_bytes = 4096, .timeout_ns = 1};
    xbar_byte_bus *bus = NULL;
    OK(xbar_byte_bus_create("bytes", &config, &bus));
    xbar_byte_bus_reader *reader = NULL, *late = NULL;
    OK(xbar_byte_bus_connect("bytes", &config, &reader));
    CHECK(xbar_byte_bus_subscriber_count(bus) == 1 && xbar_byte_bus_most_bytes(bus) == 1016);
    static unsigned char bytes[1016];
    uint64_t sequence = 7, number = 0;
    xbar_byte_message message;
    for (; number <= sizeof bytes; number++) {
        fill(bytes, number, number);
        OK(xbar_byte_bus_send(bus, (uint16_t)number, bytes, number, &sequence));
        CHECK(sequence == number);
        OK(number % 3 == 0   ? xbar_byte_bus_recv(reader, &message)
           : number % 3 == 1 ? xbar_byte_bus_recv_timeout(reader, &message, XBAR_FOREVER)
                             : xbar_byte_bus_try_recv(reader, &message));
        CHECK(message.len == number && message.sequence == number && message.kind == number && message.missed == 0);
        CHECK(is_filled(message.data, number, number));
    }
    // More than there is room for: lost and counted, and all of it told.
    for (int times = 0; times < 100; times++, number++) {
        OK(xbar_byte_bus_send(bus, 1, bytes, 500, NULL));
    }
    FAILS(xbar_byte_bus_try_recv(reader, &message), XBAR_LAGGED, "overwritten");
    CHECK(message.missed > 0 && message.missed == xbar_byte_bus_reader_missed(reader) && message.data == NULL);
    OK(xbar_byte_bus_latest(reader, &message));
    CHECK(message.sequence == number - 1 && xbar_byte_bus_reader_skipped(reader) > 0);
    CHECK(xbar_byte_bus_reader_received(reader) + xbar_byte_bus_reader_skipped(reader) + xbar_byte_bus_reader_missed(reader) == number);
    CHECK(xbar_byte_bus_sent(bus) == number);
    // From before.
    config.start = XBAR_START_LAST;
    config.messages = 2;
    OK(xbar_byte_bus_connect("bytes", &config, &late));
    OK(xbar_byte_bus_try_recv(late, &message));
    CHECK(message.sequence == number - 2);
    xbar_byte_bus_reader_close(late);
    config.start = XBAR_START_OLDEST;
    OK(xbar_byte_bus_connect("bytes", &config, &late));
    OK(xbar_byte_bus_try_recv(late, &message));
    CHECK(message.sequence < number - 2);
    xbar_byte_bus_reader_close(late);
    xbar_byte_bus_close(bus);
    FAILS(xbar_byte_bus_recv(reader, &message), XBAR_DISCONNECTED, "gone");
    xbar_byte_bus_reader_close(reader);
}

static void requests_are_answered(void) {
    const xbar_server_config config = {.struct_size = sizeof config, .dir = dir, .clients = 2, .max_bytes = 1000};
    xbar_server *server = NULL;
    OK(xbar_server_serve("answers", &config, &server));
    xbar_client *client = NULL;
    OK(xbar_client_connect("answers", dir, &client));
    uint64_t ids[3];
    for (int at = 0; at < 3; at++) {
        OK(xbar_client_send(client, &at, sizeof at, 60000000000, &ids[at]));
    }
    xbar_request requests[3];
    OK(xbar_server_recv(server, &requests[0]));
    OK(xbar_server_try_recv(server, &requests[1]));
    OK(xbar_server_recv_timeout(server, &requests[2], 60000000000));
    CHECK(xbar_request_time_left_ns(&requests[2]) > 0);
    // By copy, in place, in another order, and one not at all.
    OK(xbar_request_reply(&requests[2], "two", 3));
    xbar_reply_loan loan;
    OK(xbar_request_loan(&requests[0], 900, &loan));
    CHECK(requests[0].data == NULL && loan.len == 900);
    fill(loan.data, 6, 900);
    OK(xbar_reply_loan_send(&loan));
    OK(xbar_request_loan(&requests[1], 900, &loan));
    xbar_reply_loan_abandon(&loan);
    xbar_reply first, second, third;
    OK(xbar_client_wait(client, ids[0], &first));
    FAILS(xbar_client_wait(client, ids[1], &second), XBAR_REFUSED, "without an answer");
    OK(xbar_client_try_recv(client, ids[2], &third));
    CHECK(first.len == 900 && is_filled(first.data, 6, 900) && memcmp(third.data, "two", 3) == 0);
    OK(xbar_client_send(client, "x", 1, XBAR_FOREVER, &ids[0]));
    OK(xbar_client_give_up(client, ids[0]));
    CHECK(xbar_client_in_flight(client) == 0);
    // In the wrong order: what is held keeps what it needs.
    xbar_request late;
    OK(xbar_server_recv(server, &late));
    xbar_server_close(server);
    xbar_client_close(client);
    CHECK(late.len == 1 && first.len == 900 && is_filled(first.data, 6, 900));
    CHECK(xbar_request_reply(&late, "late", 4) != XBAR_PANIC);
    xbar_reply_release(&first);
    xbar_reply_release(&third);
    xbar_reply_release(&third);
}

static void logs_are_kept(void) {
    char folder[1024];
    snprintf(folder, sizeof folder, "%s-logs", dir);
    const xbar_log_options options = {.struct_size = sizeof options, .segment_bytes = 1 << 20, .durability = XBAR_DURABLE_EVERY_RECORDS,
                                      .durability_number = 10, .retain_bytes = 1u << 30, .no_helper = 1};
    xbar_log_writer *writer = NULL;
    OK(xbar_log_writer_open(folder, "ticks", &options, &writer));
    static unsigned char bytes[4096];
    uint64_t seq = 0;
    for (uint64_t number = 0; number < LENGTH_COUNT; number++) {
        fill(bytes, number, LENGTHS[number]);
        OK(xbar_log_writer_append_at(writer, (uint16_t)number, 1000 + number, bytes, LENGTHS[number], &seq));
        CHECK(seq == number);
    }
    OK(xbar_log_writer_flush(writer));
    size_t deleted = 9;
    OK(xbar_log_writer_retain(writer, &deleted));
    CHECK(deleted == 0 && xbar_log_writer_next_seq(writer) == LENGTH_COUNT && xbar_log_writer_most_bytes(writer) > 4096);
    xbar_log_recovery recovery = {.struct_size = sizeof recovery};
    OK(xbar_log_writer_recovery(writer, &recovery));
    CHECK(recovery.clean == 1 && recovery.records_kept == 0);

    xbar_log_reader *reader = NULL;
    OK(xbar_log_reader_open(folder, "ticks", &reader));
    OK(xbar_log_reader_set_waiting(reader, XBAR_WAIT_PARK, NULL));
    xbar_record record;
    for (uint64_t number = 0; number < LENGTH_COUNT; number++) {
        OK(number % 2 ? xbar_log_reader_next(reader, &record) : xbar_log_reader_next_timeout(reader, &record, 1000000000));
        CHECK(record.seq == number && record.tag == number && record.timestamp_ns == 1000 + number);
        CHECK(record.len == LENGTHS[number] && is_filled(record.data, number, record.len));
    }
    OK(xbar_log_reader_try_previous(reader, &record));
    CHECK(record.seq == LENGTH_COUNT - 1);
    OK(xbar_log_reader_seek(reader, XBAR_SEEK_TIME, 1003));
    OK(xbar_log_reader_try_next(reader, &record));
    CHECK(record.seq == 3);
    OK(xbar_log_reader_seek(reader, XBAR_SEEK_OLDEST, 0));
    CHECK(xbar_log_reader_next_seq(reader) == 0);
    OK(xbar_log_reader_seek(reader, XBAR_SEEK_LIVE, 0));
    FAILS(xbar_log_reader_try_next(reader, &record), XBAR_EMPTY, "nothing there yet");

    xbar_log_cursor *cursor = NULL;
    OK(xbar_log_cursor_open(folder, "ticks", "billing", &cursor));
    CHECK(xbar_log_cursor_seq(cursor) == 0);
    OK(xbar_log_cursor_store(cursor, 5));
    OK(xbar_log_cursor_flush(cursor));
    xbar_log_cursor_close(cursor);
    OK(xbar_log_cursor_open(folder, "ticks", "billing", &cursor));
    CHECK(xbar_log_cursor_seq(cursor) == 5);
    xbar_log_cursor_close(cursor);
    bool removed = false;
    OK(xbar_log_cursor_remove(folder, "ticks", "billing", &removed));
    CHECK(removed);
    xbar_log_writer_close(writer);
    xbar_log_reader_close(reader);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    dir = arguments[1];
    const xbar_size_class frames = {.block_bytes = 1 << 20, .topics = 1, .depth = 2};
    const xbar_config config = {.struct_size = sizeof config, .dir = dir, .topics = 8, .publish_times = 1, .size_classes = &frames,
                                .size_class_count = 1, .lossless_streams = XBAR_NONE};
    xbar_publisher *publisher = NULL;
    OK(xbar_publisher_create("all", &config, &publisher));
    CHECK(xbar_publisher_epoch(publisher) > 0 && xbar_publisher_subscriber_count(publisher) == 0);
    xbar_subscriber *subscriber = connect_to("all");
    CHECK(xbar_subscriber_epoch(subscriber) == xbar_publisher_epoch(publisher));
    CHECK(xbar_publisher_subscriber_count(publisher) == 1 && xbar_subscriber_publisher_count(subscriber) == 1);
    const xbar_topic_config large = {.struct_size = sizeof large, .max_bytes = 1 << 20, .depth = 2};
    xbar_topic *camera = NULL;
    OK(xbar_publisher_register(publisher, "/camera", &large, &camera));
    xbar_loan frame;
    OK(xbar_topic_loan(camera, 1 << 20, &frame));
    OK(xbar_loan_publish(&frame, NULL));
    xbar_topic_close(camera);

    loans_are_written_in_place_and_grow(publisher, subscriber);
    history_is_read_from_anywhere(publisher, subscriber);
    the_latest_of_a_pinned_topic_stays(publisher, subscriber);
    detached_samples_go_to_other_threads(publisher, subscriber);
    what_is_there_is_found();
    xbar_subscriber_close(subscriber);
    xbar_publisher_close(publisher);
    values_of_all_shapes_cross_a_bus();
    messages_of_all_lengths_cross_a_byte_bus();
    requests_are_answered();
    logs_are_kept();
    tell("done");
    return 0;
}
