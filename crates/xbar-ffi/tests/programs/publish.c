// Publishes messages of every length, by copy and in place, on topics of every kind and a byte bus; then stays until it is told to end, or killed.
#include "check.h"

int main(int count, char **arguments) {
    CHECK(count == 2);
    const xbar_config config = {.struct_size = sizeof config, .dir = arguments[1], .topics = 4, .depth = 64};
    xbar_publisher *publisher = NULL;
    OK(xbar_publisher_create("r", &config, &publisher));
    const char *uris[3] = {"/lossy", "/lossless", "/many"};
    const xbar_topic_config kinds[3] = {
        {.struct_size = sizeof kinds[0]},
        {.struct_size = sizeof kinds[0], .delivery = XBAR_LOSSLESS},
        {.struct_size = sizeof kinds[0], .delivery = XBAR_LOSSLESS, .many_publishers = 1},
    };
    xbar_topic *topics[3] = {NULL, NULL, NULL};
    for (int at = 0; at < 3; at++) {
        OK(xbar_publisher_register(publisher, uris[at], &kinds[at], &topics[at]));
    }
    const xbar_byte_bus_config bus_config = {.struct_size = sizeof bus_config, .dir = arguments[1]};
    xbar_byte_bus *bus = NULL;
    OK(xbar_byte_bus_create("bytes", &bus_config, &bus));
    tell("ready");
    hear("go");
    static unsigned char bytes[4096];
    for (int at = 0; at < 3; at++) {
        for (uint64_t number = 0; number < 2 * LENGTH_COUNT; number++) {
            const size_t len = LENGTHS[number / 2];
            uint64_t sequence = 99;
            if (number % 2 == 0) {
                fill(bytes, number, len);
                OK(xbar_topic_send(topics[at], bytes, len, &sequence));
            } else {
                xbar_loan loan;
                OK(xbar_topic_loan(topics[at], len, &loan));
                CHECK(loan.len == len && loan.capacity >= len);
                fill(loan.data, number, len);
                OK(xbar_loan_publish(&loan, &sequence));
                CHECK(loan.data == NULL);
            }
            CHECK(sequence == number);
        }
    }
    for (uint64_t number = 0; number < LENGTH_COUNT; number++) {
        fill(bytes, number, LENGTHS[number]);
        OK(xbar_byte_bus_send(bus, (uint16_t)number, bytes, LENGTHS[number], NULL));
    }
    tell("sent");
    hear("end");
    xbar_byte_bus_close(bus);
    for (int at = 0; at < 3; at++) {
        xbar_topic_close(topics[at]);
    }
    xbar_publisher_close(publisher);
    return 0;
}
