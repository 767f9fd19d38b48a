// Receives what a test publishes, compares every byte, and tells what it missed and how it ended.
#include "check.h"

int main(int count, char **arguments) {
    CHECK(count == 2);
    const xbar_connect_options options = {.struct_size = sizeof options, .dir = arguments[1]};
    xbar_subscriber *subscriber = NULL;
    OK(xbar_subscriber_connect("r", &options, &subscriber));
    xbar_stream *stream = NULL;
    OK(xbar_subscriber_subscribe(subscriber, "/a", NULL, &stream));
    xbar_subscriber_close(subscriber);
    tell("ready");
    hear("sent");
    // The first ones were overwritten: told once, exactly.
    xbar_sample sample;
    FAILS(xbar_stream_try_recv(stream, &sample), XBAR_LAGGED, "overwritten");
    CHECK(sample.data == NULL && sample.missed > 0);
    uint64_t next = sample.missed;
    tell("lagged");
    for (;;) {
        const xbar_result result = xbar_stream_recv_timeout(stream, &sample, XBAR_FOREVER);
        if (result == XBAR_DISCONNECTED) {
            break;
        }
        CHECK(result == XBAR_OK);
        CHECK(sample.sequence == next && sample.missed == 0);
        CHECK(sample.len == LENGTHS[next % LENGTH_COUNT] && is_filled(sample.data, next, sample.len));
        next++;
        xbar_sample_release(&sample);
        CHECK(sample.data == NULL);
    }
    CHECK(xbar_stream_received(stream) + xbar_stream_missed(stream) == next);
    CHECK(xbar_stream_pending(stream) == 0);
    printf("%llu\n", (unsigned long long)next);
    fflush(stdout);
    xbar_stream_close(stream);
    return 0;
}
