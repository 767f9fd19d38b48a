// Ticks of stocks, from one process to others, in C.
//
//   ticks publish                 publishes each line "SYMBOL PRICE" of its input on topic /tick/SYMBOL
//   ticks receive SYMBOL COUNT    prints COUNT prices of SYMBOL, beginning with the oldest that is still there
//
// Compiled with: gcc ticks.c $(pkg-config --cflags --libs xbar) -o ticks
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xbar.h>

#define TOPICS 16

// Ends the program with the words of what failed.
static void must(xbar_result result) {
    if (result != XBAR_OK) {
        fprintf(stderr, "ticks: %s\n", xbar_last_error());
        exit(1);
    }
}

static int publish(void) {
    const xbar_config config = {.struct_size = sizeof config, .topics = TOPICS, .depth = 1000};
    xbar_publisher *publisher;
    must(xbar_publisher_create("market", &config, &publisher));

    char symbols[TOPICS][16] = {{0}};
    xbar_topic *topics[TOPICS] = {NULL};
    int known = 0;
    char symbol[16];
    double price;
    while (scanf("%15s %lf", symbol, &price) == 2) {
        int at = 0;
        while (at < known && strcmp(symbols[at], symbol) != 0) {
            at++;
        }
        if (at == known) {
            if (known == TOPICS) {
                fprintf(stderr, "ticks: %d symbols are enough\n", TOPICS);
                break;
            }
            char uri[32];
            snprintf(uri, sizeof uri, "/tick/%s", symbol);
            memcpy(symbols[known], symbol, sizeof symbol);
            must(xbar_publisher_register(publisher, uri, NULL, &topics[known]));
            known++;
        }
        must(xbar_topic_send(topics[at], &price, sizeof price, NULL)); // one cache line moves
    }
    for (int at = 0; at < known; at++) {
        xbar_topic_close(topics[at]);
    }
    xbar_publisher_close(publisher);
    return 0;
}

static int receive(const char *symbol, long count) {
    const xbar_connect_options connect = {.struct_size = sizeof connect, .timeout_ns = UINT64_C(10000000000)};
    xbar_subscriber *subscriber;
    must(xbar_subscriber_connect("market", &connect, &subscriber));
    char uri[32];
    snprintf(uri, sizeof uri, "/tick/%.20s", symbol);
    const xbar_subscribe_options subscribe = {
        .struct_size = sizeof subscribe, .start = XBAR_START_OLDEST, .timeout_ns = UINT64_C(10000000000)};
    xbar_stream *stream;
    must(xbar_subscriber_subscribe(subscriber, uri, &subscribe, &stream));

    while (count > 0) {
        xbar_sample sample;
        const xbar_result result = xbar_stream_recv(stream, &sample);
        if (result == XBAR_LAGGED) { // told once; the next call goes on behind the gap
            fprintf(stderr, "ticks: missed %" PRIu64 "\n", sample.missed);
            continue;
        }
        must(result);
        printf("%.2f\n", *(const double *)sample.data); // read in place
        xbar_sample_release(&sample);
        count--;
    }
    xbar_stream_close(stream);
    xbar_subscriber_close(subscriber);
    return 0;
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "publish") == 0) {
        return publish();
    }
    if (count == 4 && strcmp(arguments[1], "receive") == 0) {
        return receive(arguments[2], atol(arguments[3]));
    }
    fprintf(stderr, "usage: ticks publish | ticks receive SYMBOL COUNT\n");
    return 2;
}
