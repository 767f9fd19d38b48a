// Waits for a message that never comes, without an end, and tells that its publisher is gone.
#include "check.h"

int main(int count, char **arguments) {
    CHECK(count == 2);
    const xbar_connect_options options = {.struct_size = sizeof options, .dir = arguments[1]};
    xbar_subscriber *subscriber = NULL;
    OK(xbar_subscriber_connect("r", &options, &subscriber));
    xbar_stream *stream = NULL;
    OK(xbar_subscriber_subscribe(subscriber, "/lossless", NULL, &stream));
    tell("waiting");
    xbar_sample sample;
    FAILS(xbar_stream_recv(stream, &sample), XBAR_DISCONNECTED, "gone");
    xbar_subscriber_close(subscriber);
    FAILS(xbar_subscriber_connect("r", &options, &subscriber), XBAR_NO_PUBLISHER, "every publisher of region r");
    CHECK(subscriber == NULL);
    tell("disconnected");
    xbar_stream_close(stream);
    return 0;
}
