// Talks to a test of Rust in values of one type: on a topic, on buses both ways, as a server.
#include "xbar.hpp"

#include <iostream>
#include <string>

struct Quote {
    double bid, ask;
    std::int64_t shares;
};

int main(int, char **arguments) {
    const std::string dir = arguments[1];
    auto publisher = xbar::Publisher::create("cpp", xbar::Config().in(dir));
    auto topic = publisher.topic("/quotes", xbar::TopicConfig::of<Quote>("quote"));
    auto bus = xbar::Bus<Quote>::create("cpp-bus", {}, dir);
    auto server = xbar::Server::serve("cpp-server", {}, dir);
    auto back = xbar::BusReader<Quote>::connect("rust-bus", {}, dir);
    std::cout << "ready" << std::endl;
    std::string line;
    std::getline(std::cin, line);
    for (std::int64_t number = 0; number < 50; ++number) {
        topic.send(Quote{1.5, 2.5, number});
        bus.publish({1.5, 2.5, number});
    }
    std::int64_t shares = 0;
    for (int number = 0; number < 50; ++number) shares += back.recv().shares;
    xbar::Request request = server.recv();
    request.reply(Quote{request.as<Quote>().ask, request.as<Quote>().bid, shares});
    std::getline(std::cin, line);
}
