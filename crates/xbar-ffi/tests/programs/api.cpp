// Everything that C++ can do, in one process: objects that close themselves, errors as exceptions, values of types.
#include "xbar.hpp"

#include <cstdlib>
#include <iostream>
#include <thread>

#define CHECK(what)                                                                                     \
    do {                                                                                                \
        if (!(what)) {                                                                                  \
            std::cerr << __FILE__ << ":" << __LINE__ << ": " << #what << ": " << xbar_last_error() << "\n"; \
            std::exit(1);                                                                               \
        }                                                                                               \
    } while (0)

struct Quote {
    double bid, ask;
    std::int64_t shares;
};

static bool operator==(const Quote &a, const Quote &b) {
    return a.bid == b.bid && a.ask == b.ask && a.shares == b.shares;
}

static std::string dir;

template <class F>
static xbar::Error error_of(F work) {
    try {
        work();
    } catch (const xbar::Error &error) {
        return error;
    }
    std::cerr << "nothing was thrown\n";
    std::exit(1);
}

static void topics() {
    using std::chrono::seconds;
    xbar::Config config;
    config.depth = 8;
    config.publish_times = 1;
    config.in(dir).add({1 << 20, 1, 2, 0, 0, 0});
    CHECK(config.footprint_bytes() > (2u << 20));
    std::optional<xbar::Publisher> publisher = xbar::Publisher::create("r", config);
    CHECK(error_of([&] { xbar::Publisher::create("r", config); }).result() == XBAR_TAKEN);
    xbar::Topic quotes = publisher->topic("/quotes", xbar::TopicConfig::of<Quote>("quote").lossless());
    const auto subscriber = xbar::Subscriber::connect("r", dir, seconds(10));
    xbar::Stream stream = subscriber.subscribe("/quotes", xbar::SubscribeOptions::of<Quote>("quote").wait(seconds(10)));
    CHECK(quotes.reader_count() == 1 && publisher->subscriber_count() == 1 && subscriber.publisher_count() == 1);
    const xbar::Error other =
        error_of([&] { subscriber.subscribe("/quotes", xbar::SubscribeOptions::of<std::int32_t>()); });
    CHECK(other.result() == XBAR_DIFFERS && std::string(other.what()).find("24 bytes") != std::string::npos);

    // By copy, in place; as values, as bytes, as text.
    const Quote quote{223.01, 223.02, 100};
    CHECK(quotes.send(quote) == 0);
    {
        xbar::Loan loan = quotes.loan(sizeof(Quote));
        loan.as<Quote>() = {1, 2, 3};
        CHECK(error_of([&] { loan.as<double>(); }).result() == XBAR_DIFFERS);
        xbar::Loan moved = std::move(loan);
        CHECK(loan.data() == nullptr && moved.publish() == 1);
        CHECK(error_of([&] { moved.publish(); }).result() == XBAR_INVALID);
        xbar::Loan abandoned = quotes.loan(10);
        abandoned.resize(100);
        CHECK(abandoned.size() == 100 && abandoned.capacity() >= 4096);
    }
    CHECK(quotes.send("text") == 2);
    CHECK(quotes.send(std::string("more")) == 3);
    CHECK(*quotes.try_send("abc", 3) == 4 && *quotes.send_for("abc", 3, xbar::forever) == 5);
    CHECK(*quotes.loan(1).try_publish() == 6 && *quotes.loan(1).publish_for(seconds(1)) == 7);

    CHECK(stream.recv<Quote>() == quote);
    xbar::Sample sample = stream.recv();
    CHECK((sample.as<Quote>() == Quote{1, 2, 3}) && sample.sequence() == 1 && sample.publish_time_ns() > 0);
    sample = stream.recv();
    CHECK(sample.text() == "text");
    CHECK(error_of([&] { sample.as<Quote>(); }).result() == XBAR_DIFFERS);
    CHECK(error_of([&] { stream.recv<Quote>(); }).result() == XBAR_DIFFERS);
    CHECK(stream.try_recv()->text() == "abc" && stream.recv_for(xbar::forever)->size() == 3);
    CHECK(stream.pending() == 2 && stream.received() == 6 && stream.missed() == 0);
    CHECK(stream.try_recv() && stream.try_recv());
    xbar::Result<xbar::Sample> none = stream.try_recv();
    CHECK(!none && none.result() == XBAR_EMPTY && error_of([&] { none.value(); }).result() == XBAR_EMPTY);
    CHECK(stream.recv_for(seconds(-1)).result() == XBAR_TIMEOUT);
    CHECK(error_of([&] { (void)stream.try_latest(); }).result() == XBAR_NOT_PINNED);

    // Overwritten, and counted once.
    xbar::Topic lossy = publisher->topic("/lossy");
    xbar::Stream slow = subscriber.subscribe("/lossy");
    for (int number = 0; number < 100; ++number) lossy.send(number);
    const xbar::Error lagged = error_of([&] { slow.recv(); });
    CHECK(lagged.result() == XBAR_LAGGED && lagged.missed() == slow.missed() && lagged.missed() >= 92);
    CHECK(slow.recv<int>() == static_cast<int>(lagged.missed()));
    for (int number = 0; number < 100; ++number) lossy.send(number);
    const xbar::Result<xbar::Sample> again = slow.try_recv();
    CHECK(again.result() == XBAR_LAGGED && again.missed() > 0);
    CHECK(subscriber.subscribe("/lossy", xbar::SubscribeOptions().from_last(3)).pending() == 3);
    CHECK(subscriber.subscribe("/lossy", xbar::SubscribeOptions().from_oldest()).pending() == 8);

    xbar::Topic pinned = publisher->topic("/pinned", xbar::TopicConfig().pinned());
    xbar::Stream state = subscriber.subscribe("/pinned");
    CHECK(state.try_latest().result() == XBAR_EMPTY);
    pinned.send(quote);
    CHECK(state.latest_for(seconds(1))->as<Quote>() == quote && state.try_latest()->as<Quote>() == quote);

    const auto found = xbar::discover("/**", dir);
    CHECK(found.size() == 1 && found[0].name == "r" && found[0].topics.size() == 3 && found[0].participants.size() == 2);
    CHECK(found[0].topics[0].uri == "/quotes" && found[0].topics[0].value_type == "quote of 24 bytes aligned to 8");

    // To another thread, and beyond the stream.
    lossy.send("far");
    xbar::Stream last = subscriber.subscribe("/lossy", xbar::SubscribeOptions().from_last(1));
    xbar::Sample far = last.recv();
    far.detach();
    std::thread([far = std::move(far)] { CHECK(far.text() == "far"); }).join();
    xbar::Shutdown shutdown;
    last.set_waiting(XBAR_WAIT_PARK, &shutdown);
    std::thread stopper([&] { shutdown.stop(); });
    CHECK(error_of([&] { last.recv(); }).result() == XBAR_STOPPED && shutdown.is_stopped());
    stopper.join();

    publisher.reset();
    CHECK(stream.wait_connected(seconds(0)));
    quotes = std::move(lossy);
    CHECK(error_of([&] { stream.recv(); }).result() == XBAR_DISCONNECTED);
}

static void buses() {
    std::optional<xbar::Bus<Quote>> bus = xbar::Bus<Quote>::create("bus", {}, dir);
    auto reader = xbar::BusReader<Quote>::connect("bus", {}, dir);
    CHECK(reader.try_recv().result() == XBAR_EMPTY && bus->subscriber_count() == 1);
    for (int number = 0; number < 4; ++number) bus->publish({1, 2, number});
    CHECK(reader.recv().shares == 0 && reader.try_recv()->shares == 1 && reader.recv_for(xbar::forever)->shares == 2);
    CHECK(bus->try_publish({1, 2, 9}) && reader.latest()->shares == 9 && reader.received() == 4);
    CHECK(error_of([] { xbar::BusReader<double>::connect("bus", {}, dir); }).result() == XBAR_DIFFERS);
    bus.reset();
    CHECK(error_of([&] { reader.recv(); }).result() == XBAR_DISCONNECTED);
}

static void byte_buses() {
    std::optional<xbar::ByteBus> bus = xbar::ByteBus::create("bytes", {}, dir);
    auto reader = xbar::ByteBusReader::connect("bytes", {}, dir);
    CHECK(reader.try_recv().result() == XBAR_EMPTY && bus->subscriber_count() == 1);
    const Quote quote{1, 2, 3};
    CHECK(bus->send("one") == 0 && bus->send(&quote, sizeof quote, 7) == 1 && bus->send("") == 2);
    CHECK(reader.recv().text() == "one");
    const xbar::Result<xbar::ByteMessage> second = reader.try_recv();
    CHECK(second->as<Quote>().shares == 3 && second->kind == 7 && second->sequence == 1);
    CHECK(error_of([&] { second->as<int>(); }).result() == XBAR_DIFFERS);
    CHECK(reader.recv_for(xbar::forever)->len == 0 && reader.recv_for(std::chrono::seconds(0)).result() == XBAR_TIMEOUT);
    bus->send("three");
    bus->send("four");
    CHECK(reader.latest()->text() == "four" && reader.skipped() == 1 && reader.received() == 4 && reader.missed() == 0);
    const std::string large(bus->most_bytes() + 1, 'x');
    CHECK(error_of([&] { bus->send(large); }).result() == XBAR_TOO_LARGE && bus->sent() == 5);
    xbar::Shutdown shutdown;
    reader.set_waiting(XBAR_WAIT_ADAPTIVE, &shutdown);
    shutdown.stop();
    CHECK(error_of([&] { reader.recv(); }).result() == XBAR_STOPPED);
    bus.reset();
    CHECK(error_of([&] { reader.recv(); }).result() == XBAR_DISCONNECTED);
}

static void requests() {
    using std::chrono::seconds;
    auto server = xbar::Server::serve("server", {}, dir);
    auto client = xbar::Client::connect("server", dir);
    std::thread serving([&] {
        CHECK(server.recv().as<int>() == 7);
        xbar::Request second = server.recv();
        second.reply(second.text());
        xbar::Request third = server.recv();
        xbar::ReplyLoan loan = third.loan(2);
        std::memcpy(loan.data(), "ok", loan.size());
        loan.send();
        server.recv().reply(Quote{1, 2, 3});
    });
    CHECK(error_of([&] { client.call(7, seconds(60)); }).result() == XBAR_REFUSED);
    CHECK(client.call("echo", seconds(60)).text() == "echo");
    CHECK(client.wait(client.send("x", 1)).text() == "ok");
    CHECK(client.call(1.0, seconds(60)).as<Quote>().shares == 3);
    serving.join();
    CHECK(server.try_recv().result() == XBAR_EMPTY && server.recv_for(seconds(0)).result() == XBAR_TIMEOUT);
    const std::uint64_t id = client.send("x", 1);
    CHECK(client.try_recv(id).result() == XBAR_EMPTY && client.in_flight() == 1);
    client.give_up(id);
    CHECK(client.in_flight() == 0);
}

static void logs() {
    const std::string folder = dir + "-logs";
    xbar::LogOptions options;
    options.segment_bytes = 1 << 20;
    std::optional<xbar::LogWriter> writer = xbar::LogWriter::open(folder, "log", options);
    CHECK(writer->append("one") == 0 && writer->append(Quote{1, 2, 3}, 5) == 1 && writer->next_seq() == 2);
    CHECK(writer->recovery().clean == 1);
    writer->flush();
    auto reader = xbar::LogReader::open(folder, "log");
    CHECK(reader.next().text() == "one");
    CHECK(reader.try_next()->as<Quote>().shares == 3 && reader.try_next().result() == XBAR_EMPTY);
    CHECK(reader.try_previous()->tag == 5 && reader.next_for(xbar::forever)->seq == 1);
    auto cursor = xbar::LogCursor::open(folder, "log", "here");
    cursor.store(1);
    cursor.flush();
    reader.seek(XBAR_SEEK_SEQ, cursor.seq());
    CHECK(reader.next_seq() == 1);
    writer.reset();
    (void)reader.next();
    CHECK(error_of([&] { reader.next(); }).result() == XBAR_DISCONNECTED);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    dir = arguments[1];
    topics();
    buses();
    byte_buses();
    requests();
    logs();
    std::cout << "done\n";
}
