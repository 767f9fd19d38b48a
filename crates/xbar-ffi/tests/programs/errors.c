// Every way to be refused: the result, one line that says what to do, nothing written where it fails, nothing left behind.
#include "check.h"

static const char *dir;

static void arguments_are_looked_at(void) {
    xbar_publisher *publisher = (xbar_publisher *)&dir;
    FAILS(xbar_publisher_create(NULL, NULL, &publisher), XBAR_INVALID, "name is NULL");
    CHECK(publisher == NULL);
    FAILS(xbar_publisher_create("r", NULL, NULL), XBAR_INVALID, "handle is NULL");
    FAILS(xbar_publisher_create("\xff", NULL, &publisher), XBAR_INVALID, "not utf-8");
    FAILS(xbar_publisher_create("a/b", NULL, &publisher), XBAR_BAD_NAME, "a/b");
    FAILS(xbar_publisher_open("nobody", dir, &publisher), XBAR_NOT_FOUND, "no region nobody");
    xbar_config config = {.dir = dir};
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_INVALID, "struct_size of xbar_config is 0");
    config.struct_size = sizeof config - 1;
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_INVALID, "sizeof(xbar_config)");
    config.struct_size = (size_t)-1;
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_INVALID, "sizeof(xbar_config)");
    config.struct_size = sizeof config;
    config.publish_times = 2;
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_INVALID, "publish_times is 2");
    config.publish_times = 0;
    config.shared_with = 7;
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_INVALID, "shared_with is 7");
    config.shared_with = 0;
    config.size_class_count = 1;
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_INVALID, "size_classes is NULL");
    config.size_class_count = 0;
    config.depth = 1u << 20;
    FAILS(xbar_publisher_create("r", &config, &publisher), XBAR_BAD_CONFIG, "depth is 1048576");
    uint64_t bytes = 7;
    FAILS(xbar_config_footprint_bytes(&config, &bytes), XBAR_BAD_CONFIG, "depth");
    CHECK(bytes == 0);
    FAILS(xbar_config_footprint_bytes(NULL, NULL), XBAR_INVALID, "bytes is NULL");
    OK(xbar_config_footprint_bytes(NULL, &bytes));
    CHECK(bytes > 64 * 64 * 4096);

    // A newer program's struct: longer than this library's, which is well as long as nothing is said there.
    struct {
        xbar_config known;
        uint64_t unknown;
    } newer = {{.struct_size = sizeof newer, .dir = dir}, 0};
    OK(xbar_publisher_create("r", &newer.known, &publisher));
    xbar_publisher_close(publisher);
    newer.unknown = 1;
    FAILS(xbar_publisher_create("r", &newer.known, &publisher), XBAR_INVALID, "use a newer library");
    CHECK(publisher == NULL);
}

static void null_is_refused_everywhere(void) {
    xbar_sample sample;
    xbar_loan loan;
    xbar_request request;
    xbar_reply_loan reply_loan;
    xbar_reply reply;
    xbar_record record;
    xbar_byte_message byte_message;
    uint64_t number = 0;
    xbar_topic *topic = NULL;
    xbar_stream *stream = NULL;
    xbar_region_info region = {.struct_size = sizeof region};
    FAILS(xbar_publisher_register(NULL, "/a", NULL, &topic), XBAR_INVALID, "publisher is NULL");
    FAILS(xbar_publisher_set_waiting(NULL, 0, NULL), XBAR_INVALID, "publisher is NULL");
    FAILS(xbar_topic_send(NULL, "x", 1, NULL), XBAR_INVALID, "topic is NULL");
    FAILS(xbar_topic_try_send(NULL, "x", 1, NULL), XBAR_INVALID, "topic is NULL");
    FAILS(xbar_topic_send_timeout(NULL, "x", 1, 0, NULL), XBAR_INVALID, "topic is NULL");
    FAILS(xbar_topic_loan(NULL, 1, &loan), XBAR_INVALID, "topic is NULL");
    CHECK(loan.data == NULL && loan.internal == NULL);
    FAILS(xbar_loan_publish(&loan, NULL), XBAR_INVALID, "published or abandoned before");
    FAILS(xbar_loan_publish(NULL, NULL), XBAR_INVALID, "loan is NULL");
    FAILS(xbar_loan_try_publish(NULL, NULL), XBAR_INVALID, "loan is NULL");
    FAILS(xbar_loan_publish_timeout(NULL, 1, NULL), XBAR_INVALID, "loan is NULL");
    FAILS(xbar_loan_set_len(NULL, 1), XBAR_INVALID, "loan is NULL");
    FAILS(xbar_subscriber_subscribe(NULL, "/a", NULL, &stream), XBAR_INVALID, "subscriber is NULL");
    FAILS(xbar_stream_recv(NULL, &sample), XBAR_INVALID, "stream is NULL");
    FAILS(xbar_stream_try_recv(NULL, &sample), XBAR_INVALID, "stream is NULL");
    FAILS(xbar_stream_recv_timeout(NULL, &sample, 0), XBAR_INVALID, "stream is NULL");
    FAILS(xbar_stream_try_latest(NULL, &sample), XBAR_INVALID, "stream is NULL");
    FAILS(xbar_stream_latest_timeout(NULL, &sample, 0), XBAR_INVALID, "stream is NULL");
    FAILS(xbar_stream_set_waiting(NULL, 0, NULL), XBAR_INVALID, "stream is NULL");
    FAILS(xbar_sample_detach(&sample), XBAR_INVALID, "no message");
    FAILS(xbar_sample_detach(NULL), XBAR_INVALID, "sample is NULL");
    FAILS(xbar_discovery_region(NULL, 0, &region), XBAR_INVALID, "discovery is NULL");
    FAILS(xbar_shutdown_stop(NULL), XBAR_INVALID, "shutdown is NULL");
    FAILS(xbar_shutdown_new(NULL), XBAR_INVALID, "handle is NULL");
    FAILS(xbar_server_recv(NULL, &request), XBAR_INVALID, "server is NULL");
    FAILS(xbar_request_reply(&request, "x", 1), XBAR_INVALID, "answered or dropped before");
    FAILS(xbar_request_loan(&request, 1, &reply_loan), XBAR_INVALID, "answered or dropped before");
    FAILS(xbar_reply_loan_send(&reply_loan), XBAR_INVALID, "sent or abandoned before");
    FAILS(xbar_client_send(NULL, "x", 1, 0, &number), XBAR_INVALID, "client is NULL");
    FAILS(xbar_client_send(NULL, "x", 1, 0, NULL), XBAR_INVALID, "id is NULL");
    FAILS(xbar_client_wait(NULL, 0, &reply), XBAR_INVALID, "client is NULL");
    FAILS(xbar_client_give_up(NULL, 0), XBAR_INVALID, "client is NULL");
    FAILS(xbar_bus_publish(NULL, "x", 1), XBAR_INVALID, "bus is NULL");
    FAILS(xbar_bus_recv(NULL, &number, sizeof number, NULL), XBAR_INVALID, "reader is NULL");
    FAILS(xbar_byte_bus_send(NULL, 0, "x", 1, NULL), XBAR_INVALID, "bus is NULL");
    FAILS(xbar_byte_bus_recv(NULL, &byte_message), XBAR_INVALID, "reader is NULL");
    FAILS(xbar_byte_bus_try_recv(NULL, NULL), XBAR_INVALID, "message is NULL");
    FAILS(xbar_log_writer_append(NULL, 0, "x", 1, NULL), XBAR_INVALID, "writer is NULL");
    FAILS(xbar_log_writer_flush(NULL), XBAR_INVALID, "writer is NULL");
    FAILS(xbar_log_reader_next(NULL, &record), XBAR_INVALID, "reader is NULL");
    FAILS(xbar_log_cursor_store(NULL, 0), XBAR_INVALID, "cursor is NULL");
    // What closes or counts takes NULL for nothing.
    xbar_publisher_close(NULL);
    xbar_topic_close(NULL);
    xbar_loan_abandon(NULL);
    xbar_subscriber_close(NULL);
    xbar_stream_close(NULL);
    xbar_sample_release(NULL);
    xbar_sample_release(&sample);
    xbar_discovery_close(NULL);
    xbar_shutdown_close(NULL);
    xbar_server_close(NULL);
    xbar_request_drop(NULL);
    xbar_request_drop(&request);
    xbar_reply_loan_abandon(NULL);
    xbar_client_close(NULL);
    xbar_reply_release(NULL);
    xbar_reply_release(&reply);
    xbar_bus_close(NULL);
    xbar_bus_reader_close(NULL);
    xbar_byte_bus_close(NULL);
    xbar_byte_bus_reader_close(NULL);
    CHECK(xbar_byte_bus_sent(NULL) == 0 && xbar_byte_bus_most_bytes(NULL) == 0 && xbar_byte_bus_reader_missed(NULL) == 0);
    xbar_log_writer_close(NULL);
    xbar_log_reader_close(NULL);
    xbar_log_cursor_close(NULL);
    CHECK(xbar_stream_received(NULL) == 0 && xbar_topic_reader_count(NULL) == 0 && xbar_discovery_count(NULL) == 0);
    CHECK(!xbar_shutdown_is_stopped(NULL) && !xbar_stream_wait_connected(NULL, 0));
}

static void what_does_not_fit_is_refused(void) {
    const xbar_config config = {
        .struct_size = sizeof config, .dir = dir, .topics = 5, .depth = 4, .block_bytes = 100, .loans = 1, .samples = 1, .publishers = 2,
        .subscribers = 1, .lossless_streams = 1};
    xbar_publisher *publisher = NULL, *other = NULL;
    OK(xbar_publisher_create("r", &config, &publisher));
    FAILS(xbar_publisher_create("r", &config, &other), XBAR_TAKEN, "region r is alive");
    OK(xbar_publisher_open("r", dir, &other));
    xbar_publisher *third = NULL;
    FAILS(xbar_publisher_open("r", dir, &third), XBAR_LIMIT, "publishers");

    xbar_topic *topic = NULL, *refused = NULL;
    OK(xbar_publisher_register(publisher, "/a", NULL, &topic));
    FAILS(xbar_publisher_register(publisher, "a", NULL, &refused), XBAR_BAD_NAME, "a");
    FAILS(xbar_publisher_register(publisher, NULL, NULL, &refused), XBAR_INVALID, "uri is NULL");
    FAILS(xbar_publisher_register(other, "/a", NULL, &refused), XBAR_TAKEN, "/a");
    xbar_topic_config kind = {.struct_size = sizeof kind, .delivery = 9};
    FAILS(xbar_publisher_register(publisher, "/b", &kind, &refused), XBAR_INVALID, "delivery is 9");
    kind.delivery = XBAR_PINNED;
    kind.many_publishers = 1;
    FAILS(xbar_publisher_register(publisher, "/b", &kind, &refused), XBAR_BAD_CONFIG, "many publishers");
    kind = (xbar_topic_config){.struct_size = sizeof kind, .max_bytes = 101};
    FAILS(xbar_publisher_register(publisher, "/b", &kind, &refused), XBAR_BAD_CONFIG, "101");
    kind = (xbar_topic_config){.struct_size = sizeof kind, .value_size = 12, .value_align = 8};
    FAILS(xbar_publisher_register(publisher, "/b", &kind, &refused), XBAR_INVALID, "12 bytes aligned to 8");
    kind = (xbar_topic_config){.struct_size = sizeof kind, .delivery = XBAR_LOSSLESS, .value_size = 16, .value_align = 8};
    xbar_topic *typed = NULL;
    OK(xbar_publisher_register(publisher, "/typed", &kind, &typed));

    // Sending.
    static const char bytes[101];
    FAILS(xbar_topic_send(topic, bytes, sizeof bytes + 64, NULL), XBAR_TOO_LARGE, "/a");
    FAILS(xbar_topic_send(topic, NULL, 1, NULL), XBAR_INVALID, "data is NULL, and 1 long");
    FAILS(xbar_topic_send(topic, bytes, SIZE_MAX, NULL), XBAR_INVALID, "cannot be");
    OK(xbar_topic_send(topic, NULL, 0, NULL));
    xbar_loan loan, second;
    FAILS(xbar_topic_loan(topic, 4096, &loan), XBAR_TOO_LARGE, "4096");
    FAILS(xbar_topic_loan(topic, 1, NULL), XBAR_INVALID, "loan is NULL");
    OK(xbar_topic_loan(topic, 100, &loan));
    FAILS(xbar_topic_loan(topic, 100, &second), XBAR_LIMIT, "1 loans are out");
    FAILS(xbar_loan_set_len(&loan, 4096), XBAR_TOO_LARGE, "4096");
    CHECK(loan.data != NULL && loan.len == 100);
    xbar_loan_abandon(&loan);
    xbar_loan_abandon(&loan);
    FAILS(xbar_loan_publish(&loan, NULL), XBAR_INVALID, "published or abandoned before");

    // Subscribing.
    xbar_connect_options options = {.struct_size = sizeof options, .dir = dir};
    xbar_subscriber *subscriber = NULL, *too_many = NULL;
    FAILS(xbar_subscriber_connect("nobody", &options, &subscriber), XBAR_NOT_FOUND, "there is no region nobody");
    options.timeout_ns = 1;
    FAILS(xbar_subscriber_connect("nobody", &options, &subscriber), XBAR_TIMEOUT, "gave up");
    options.of_user = 1;
    FAILS(xbar_subscriber_connect("r", &options, &subscriber), XBAR_INVALID, "timeout_ns of 0");
    options = (xbar_connect_options){.struct_size = sizeof options, .dir = dir, .of_user = 2};
    FAILS(xbar_subscriber_connect("r", &options, &subscriber), XBAR_INVALID, "of_user is 2");
    options.of_user = 0;
    OK(xbar_subscriber_connect("r", &options, &subscriber));
    FAILS(xbar_subscriber_connect("r", &options, &too_many), XBAR_LIMIT, "subscribers");
    xbar_stream *stream = NULL, *none = NULL;
    FAILS(xbar_subscriber_subscribe(subscriber, "/none", NULL, &none), XBAR_NOT_FOUND, "/none");
    xbar_subscribe_options how = {.struct_size = sizeof how, .timeout_ns = 1};
    FAILS(xbar_subscriber_subscribe(subscriber, "/none", &how, &none), XBAR_TIMEOUT, "/none");
    how = (xbar_subscribe_options){.struct_size = sizeof how, .start = 3};
    FAILS(xbar_subscriber_subscribe(subscriber, "/a", &how, &none), XBAR_INVALID, "start is 3");
    how = (xbar_subscribe_options){.struct_size = sizeof how, .value_size = 8, .value_align = 8};
    FAILS(xbar_subscriber_subscribe(subscriber, "/typed", &how, &none), XBAR_DIFFERS, "of 16 bytes aligned to 8, and was asked for");
    FAILS(xbar_subscriber_subscribe(subscriber, "/a", &how, &none), XBAR_DIFFERS, "any bytes");
    CHECK(none == NULL);
    how.value_size = 16;
    OK(xbar_subscriber_subscribe(subscriber, "/typed", &how, &stream));
    FAILS(xbar_subscriber_subscribe(subscriber, "/typed", &how, &none), XBAR_LIMIT, "lossless_streams");

    // Receiving, and a lossless topic without room.
    xbar_sample sample, held;
    FAILS(xbar_stream_try_recv(stream, NULL), XBAR_INVALID, "sample is NULL");
    FAILS(xbar_stream_try_recv(stream, &sample), XBAR_EMPTY, "nothing there yet");
    FAILS(xbar_stream_recv_timeout(stream, &sample, 1), XBAR_TIMEOUT, "nothing came in time");
    FAILS(xbar_stream_try_latest(stream, &sample), XBAR_NOT_PINNED, "not pinned");
    FAILS(xbar_stream_set_waiting(stream, 4, NULL), XBAR_INVALID, "no wait 4");
    xbar_result sent = XBAR_OK;
    for (int tries = 0; sent == XBAR_OK && tries < 100; tries++) {
        sent = xbar_topic_try_send(typed, bytes, 100, NULL);
    }
    CHECK(sent == XBAR_FULL && strstr(xbar_last_error(), "/typed is full") != NULL);
    FAILS(xbar_topic_send_timeout(typed, bytes, 16, 1, NULL), XBAR_FULL, "has not received the oldest");
    OK(xbar_topic_loan(typed, 100, &loan));
    memset(loan.data, 7, 100);
    FAILS(xbar_loan_try_publish(&loan, NULL), XBAR_FULL, "full");
    FAILS(xbar_loan_publish_timeout(&loan, 1, NULL), XBAR_FULL, "full");
    CHECK(loan.data != NULL && ((unsigned char *)loan.data)[99] == 7);
    xbar_shutdown *shutdown = NULL;
    OK(xbar_shutdown_new(&shutdown));
    OK(xbar_publisher_set_waiting(publisher, XBAR_WAIT_ADAPTIVE, shutdown));
    OK(xbar_stream_set_waiting(stream, XBAR_WAIT_PARK, shutdown));
    OK(xbar_shutdown_stop(shutdown));
    CHECK(xbar_shutdown_is_stopped(shutdown));
    xbar_shutdown_close(shutdown);
    FAILS(xbar_topic_send(typed, bytes, 16, NULL), XBAR_STOPPED, "/typed was stopped");
    FAILS(xbar_loan_publish(&loan, NULL), XBAR_STOPPED, "/typed was stopped");
    CHECK(loan.data != NULL && ((unsigned char *)loan.data)[99] == 7);
    OK(xbar_stream_recv(stream, &held));
    CHECK(held.len == 100);
    FAILS(xbar_stream_try_recv(stream, &sample), XBAR_LIMIT, "1 samples are held");
    xbar_sample_release(&held);
    xbar_sample_release(&held);
    while (xbar_stream_try_recv(stream, &sample) == XBAR_OK) {
        xbar_sample_release(&sample);
    }
    FAILS(xbar_stream_recv(stream, &sample), XBAR_STOPPED, "told to stop");
    OK(xbar_loan_publish(&loan, NULL));
    OK(xbar_stream_recv(stream, &sample));
    CHECK(sample.len == 100 && ((const unsigned char *)sample.data)[99] == 7);

    // In an order that no one would choose: what is held keeps what it needs. A small one lies in memory of its stream.
    xbar_stream *others = NULL;
    xbar_sample small;
    OK(xbar_subscriber_subscribe(subscriber, "/a", NULL, &others));
    OK(xbar_topic_send(topic, "small", 5, NULL));
    OK(xbar_stream_recv(others, &small));
    xbar_stream_close(others);
    OK(xbar_topic_loan(topic, 100, &loan));
    xbar_topic_close(topic);
    xbar_topic_close(typed);
    xbar_publisher_close(other);
    xbar_publisher_close(publisher);
    xbar_subscriber_close(subscriber);
    xbar_stream_close(stream);
    memset(loan.data, 1, loan.len);
    OK(xbar_loan_publish(&loan, NULL));
    CHECK(((const unsigned char *)sample.data)[0] == 7 && memcmp(small.data, "small", 5) == 0);
    xbar_sample_release(&sample);
    xbar_sample_release(&small);
}

static void other_families_refuse_too(void) {
    xbar_discovery *found = NULL;
    FAILS(xbar_discover("a", dir, &found), XBAR_BAD_NAME, "a");
    FAILS(xbar_discover(NULL, dir, &found), XBAR_INVALID, "pattern is NULL");
    OK(xbar_discover("/**", dir, &found));
    CHECK(xbar_discovery_count(found) == 0);
    xbar_region_info region = {.struct_size = sizeof region};
    FAILS(xbar_discovery_region(found, 0, &region), XBAR_INVALID, "there is no region 0");
    xbar_discovery_close(found);

    xbar_bus_config bus_config = {.struct_size = sizeof bus_config, .dir = dir, .value_size = 24, .value_align = 16};
    xbar_bus *bus = NULL;
    FAILS(xbar_bus_create("b", &bus_config, &bus), XBAR_INVALID, "24 bytes aligned to 16");
    bus_config.value_align = 8;
    xbar_bus_reader *reader = NULL;
    FAILS(xbar_bus_connect("b", &bus_config, &reader), XBAR_NOT_FOUND, "b");
    OK(xbar_bus_create("b", &bus_config, &bus));
    xbar_bus *second = NULL;
    const xbar_result taken = xbar_bus_create("b", &bus_config, &second);
    CHECK(taken == XBAR_TAKEN || taken == XBAR_LIMIT);
    bus_config.value_size = 16;
    FAILS(xbar_bus_connect("b", &bus_config, &reader), XBAR_DIFFERS, "16 bytes");
    bus_config.value_size = 24;
    OK(xbar_bus_connect("b", &bus_config, &reader));
    double value[3] = {1, 2, 3};
    FAILS(xbar_bus_publish(bus, value, 8), XBAR_INVALID, "24 bytes, not 8");
    FAILS(xbar_bus_publish(bus, NULL, 24), XBAR_INVALID, "value is NULL");
    uint64_t missed = 7;
    FAILS(xbar_bus_try_recv(reader, value, 8, &missed), XBAR_INVALID, "24 bytes");
    CHECK(missed == 0);
    FAILS(xbar_bus_try_recv(reader, NULL, 24, NULL), XBAR_INVALID, "NULL");
    FAILS(xbar_bus_try_recv(reader, value, 24, NULL), XBAR_EMPTY, "nothing there yet");
    CHECK(value[2] == 3);
    xbar_bus_close(bus);
    FAILS(xbar_bus_recv(reader, value, 24, NULL), XBAR_DISCONNECTED, "gone");
    xbar_bus_reader_close(reader);

    xbar_byte_bus_config byte_config = {.struct_size = sizeof byte_config, .dir = dir, .capacity_bytes = 100};
    xbar_byte_bus *byte_bus = NULL;
    FAILS(xbar_byte_bus_create("y", &byte_config, &byte_bus), XBAR_BAD_CONFIG, "100");
    byte_config.capacity_bytes = (uint64_t)1 << 60;
    FAILS(xbar_byte_bus_create("y", &byte_config, &byte_bus), XBAR_BAD_CONFIG, "power of two");
    byte_config.capacity_bytes = 64;
    xbar_byte_bus_reader *byte_reader = NULL;
    FAILS(xbar_byte_bus_connect("y", &byte_config, &byte_reader), XBAR_NOT_FOUND, "y");
    byte_config.timeout_ns = 1000;
    FAILS(xbar_byte_bus_connect("y", &byte_config, &byte_reader), XBAR_TIMEOUT, "y");
    OK(xbar_byte_bus_create("y", &byte_config, &byte_bus));
    byte_config.start = 9;
    FAILS(xbar_byte_bus_connect("y", &byte_config, &byte_reader), XBAR_INVALID, "start is 9");
    byte_config.start = XBAR_START_NOW;
    OK(xbar_byte_bus_connect("y", &byte_config, &byte_reader));
    uint64_t sequence = 7;
    FAILS(xbar_byte_bus_send(byte_bus, 0, "123456789", 9, &sequence), XBAR_TOO_LARGE, "takes up to 8");
    CHECK(sequence == 0);
    FAILS(xbar_byte_bus_send(byte_bus, 0, NULL, 3, NULL), XBAR_INVALID, "data is NULL");
    FAILS(xbar_byte_bus_try_recv(byte_reader, NULL), XBAR_INVALID, "message is NULL");
    xbar_byte_message byte_message;
    FAILS(xbar_byte_bus_try_recv(byte_reader, &byte_message), XBAR_EMPTY, "nothing there yet");
    CHECK(byte_message.data == NULL && byte_message.len == 0);
    FAILS(xbar_byte_bus_reader_set_waiting(byte_reader, 9, NULL), XBAR_INVALID, "no wait 9");
    FAILS(xbar_bus_connect("y", &bus_config, &reader), XBAR_DIFFERS, "y");
    xbar_byte_bus_close(byte_bus);
    xbar_byte_bus_reader_close(byte_reader);

    xbar_client *client = NULL;
    FAILS(xbar_client_connect("s", dir, &client), XBAR_NOT_FOUND, "s");
    xbar_server_config server_config = {.struct_size = sizeof server_config, .dir = dir, .max_bytes = 100};
    xbar_server *server = NULL, *other = NULL;
    OK(xbar_server_serve("s", &server_config, &server));
    FAILS(xbar_server_serve("s", &server_config, &other), XBAR_TAKEN, "s");
    OK(xbar_client_connect("s", dir, &client));
    static const char bytes[4096];
    uint64_t id = 0;
    FAILS(xbar_client_send(client, bytes, sizeof bytes, XBAR_FOREVER, &id), XBAR_TOO_LARGE, "blocks");
    xbar_reply reply;
    FAILS(xbar_client_wait(client, 77, &reply), XBAR_NOT_FOUND, "request 77");
    OK(xbar_client_send(client, "x", 1, XBAR_FOREVER, &id));
    FAILS(xbar_client_try_recv(client, id, &reply), XBAR_EMPTY, "nothing there yet");
    CHECK(xbar_client_in_flight(client) == 1);
    xbar_request request;
    OK(xbar_server_recv(server, &request));
    CHECK(xbar_request_time_left_ns(&request) == XBAR_FOREVER);
    xbar_request_drop(&request);
    CHECK(xbar_request_time_left_ns(&request) == 0);
    xbar_request_drop(&request);
    FAILS(xbar_client_wait(client, id, &reply), XBAR_REFUSED, "dropped the request");
    OK(xbar_client_send(client, "x", 1, 1, &id));
    FAILS(xbar_client_wait(client, id, &reply), XBAR_TIMEOUT, "answer");
    FAILS(xbar_server_recv_timeout(server, &request, 1), XBAR_TIMEOUT, "no answer within");
    CHECK(xbar_server_expired(server) == 1);
    OK(xbar_client_send(client, "x", 1, XBAR_FOREVER, &id));
    OK(xbar_server_recv(server, &request));
    FAILS(xbar_request_reply(&request, bytes, sizeof bytes), XBAR_TOO_LARGE, "blocks");
    FAILS(xbar_client_wait(client, id, &reply), XBAR_REFUSED, "dropped the request");
    xbar_server_close(server);
    FAILS(xbar_client_send(client, "x", 1, XBAR_FOREVER, &id), XBAR_DISCONNECTED, "gone");
    xbar_client_close(client);

    char folder[1024];
    snprintf(folder, sizeof folder, "%s-logs", dir);
    xbar_log_reader *log_reader = NULL;
    FAILS(xbar_log_reader_open(folder, "l", &log_reader), XBAR_NOT_FOUND, "there is no log l");
    xbar_log_options options = {.struct_size = sizeof options, .segment_bytes = 5};
    xbar_log_writer *writer = NULL, *another = NULL;
    FAILS(xbar_log_writer_open(folder, "l", &options, &writer), XBAR_BAD_CONFIG, "5 bytes are impossible");
    options = (xbar_log_options){.struct_size = sizeof options, .durability = 4};
    FAILS(xbar_log_writer_open(folder, "l", &options, &writer), XBAR_INVALID, "durability is 4");
    options = (xbar_log_options){.struct_size = sizeof options, .segment_bytes = 16384, .no_helper = 1};
    FAILS(xbar_log_writer_open(NULL, "l", &options, &writer), XBAR_INVALID, "folder is NULL");
    FAILS(xbar_log_writer_open(folder, "a/b", &options, &writer), XBAR_BAD_NAME, "a/b");
    OK(xbar_log_writer_open(folder, "l", &options, &writer));
    FAILS(xbar_log_writer_open(folder, "l", &options, &another), XBAR_TAKEN, "log l is written by");
    static const char large[20000];
    FAILS(xbar_log_writer_append(writer, 0, large, sizeof large, NULL), XBAR_TOO_LARGE, "20000 bytes");
    OK(xbar_log_reader_open(folder, "l", &log_reader));
    xbar_record record;
    FAILS(xbar_log_reader_try_next(log_reader, &record), XBAR_EMPTY, "nothing there yet");
    FAILS(xbar_log_reader_next_timeout(log_reader, &record, 1), XBAR_TIMEOUT, "nothing came in time");
    FAILS(xbar_log_reader_seek(log_reader, 9, 0), XBAR_INVALID, "start is 9");
    FAILS(xbar_log_reader_seek(log_reader, XBAR_SEEK_SEQ, 9), XBAR_EMPTY, "message 9");
    xbar_log_writer_close(writer);
    FAILS(xbar_log_reader_next(log_reader, &record), XBAR_DISCONNECTED, "closed the log");
    CHECK(record.clean == 1 && record.data == NULL);
    xbar_log_reader_close(log_reader);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    dir = arguments[1];
    CHECK(strcmp(xbar_last_error(), "") == 0);
    CHECK(xbar_abi_version() == XBAR_ABI_VERSION && strlen(xbar_version()) >= 5);
    arguments_are_looked_at();
    null_is_refused_everywhere();
    what_does_not_fit_is_refused();
    other_families_refuse_too();
    tell("done");
    return 0;
}
