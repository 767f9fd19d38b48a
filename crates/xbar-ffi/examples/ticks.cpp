// Ticks of stocks, from one process to others, in C++17: values of a type.
//
//   ticks publish                 publishes each line "SYMBOL PRICE" of its input on topic /tick/SYMBOL
//   ticks receive SYMBOL COUNT    prints COUNT prices of SYMBOL, beginning with the oldest that is still there
//
// Compiled with: g++ -std=c++17 ticks.cpp $(pkg-config --cflags --libs xbar) -o ticks
#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <xbar.hpp>

struct Tick {
    double price;
    std::int64_t number; // among those of its symbol
};

static void publish() {
    xbar::Config config;
    config.topics = 16;
    config.depth = 1000;
    auto publisher = xbar::Publisher::create("market", config);
    std::map<std::string, xbar::Topic> topics;
    std::map<std::string, std::int64_t> numbers;
    std::string symbol;
    double price;
    while (std::cin >> symbol >> price) {
        auto topic = topics.find(symbol);
        if (topic == topics.end()) {
            topic = topics.emplace(symbol, publisher.topic("/tick/" + symbol, xbar::TopicConfig::of<Tick>("tick"))).first;
        }
        topic->second.send(Tick{price, numbers[symbol]++});
    }
}

static void receive(const std::string &symbol, int count) {
    const auto patience = std::chrono::seconds(10);
    const auto subscriber = xbar::Subscriber::connect("market", "", patience);
    auto how = xbar::SubscribeOptions::of<Tick>("tick");
    auto stream = subscriber.subscribe("/tick/" + symbol, how.from_oldest().wait(patience));
    while (count > 0) {
        auto sample = stream.recv_for(xbar::forever);
        if (sample.result() == XBAR_LAGGED) { // told once; the next call goes on behind the gap
            std::cerr << "ticks: missed " << sample.missed() << "\n";
            continue;
        }
        std::printf("%.2f\n", sample.value().as<Tick>().price); // read in place
        --count;
    }
}

int main(int count, char **arguments) {
    const std::string what = count > 1 ? arguments[1] : "";
    try {
        if (count == 2 && what == "publish") {
            publish();
        } else if (count == 4 && what == "receive") {
            receive(arguments[2], std::stoi(arguments[3]));
        } else {
            std::cerr << "usage: ticks publish | ticks receive SYMBOL COUNT\n";
            return 2;
        }
    } catch (const std::exception &error) {
        std::cerr << "ticks: " << error.what() << "\n";
        return 1;
    }
}
