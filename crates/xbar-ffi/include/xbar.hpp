// xbar for C++17: messages between the processes of one machine, through shared memory. Header-only, upon xbar.h.
//
// - Handles are move-only objects that close themselves. Which threads may use one stands at its type in xbar.h.
// - What fails throws xbar::Error, with the xbar_result and the words. Forms that are called try_*, or that take a time limit, throw only
//   for what is wrong; what is to be expected (empty, timeout, lagged, disconnected, full, stopped) is in the xbar::Result
//   that they return.
// - Values of a type T go as their bytes: T is trivially copyable, has no pointers that mean anything elsewhere, and is the same
//   at both ends.
//
// docs/c.md says how to compile with this.
#ifndef XBAR_HPP
#define XBAR_HPP

#include "xbar.h"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace xbar {

using std::chrono::nanoseconds;

// Time without an end.
inline constexpr nanoseconds forever = nanoseconds::max();

// What went wrong: what() has the words.
class Error : public std::runtime_error {
  public:
    Error(xbar_result result, const std::string &words, std::uint64_t missed = 0)
        : std::runtime_error(words), result_(result), missed_(missed) {}

    xbar_result result() const noexcept { return result_; }
    // Messages that were lost, when the result is XBAR_LAGGED, or XBAR_DAMAGED of a log.
    std::uint64_t missed() const noexcept { return missed_; }

  private:
    xbar_result result_;
    std::uint64_t missed_;
};

// A value, or why there is none.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)), result_(XBAR_OK), missed_(0) {}
    Result(xbar_result result, std::uint64_t missed) : result_(result), missed_(missed) {}

    explicit operator bool() const noexcept { return value_.has_value(); }
    xbar_result result() const noexcept { return result_; }
    std::uint64_t missed() const noexcept { return missed_; }
    // The value. Undefined when there is none.
    T &operator*() noexcept { return *value_; }
    T *operator->() noexcept { return &*value_; }
    const T &operator*() const noexcept { return *value_; }
    const T *operator->() const noexcept { return &*value_; }
    // The value, or an Error.
    T &value() & {
        if (!value_) throw Error(result_, words(result_), missed_);
        return *value_;
    }
    T &&value() && { return std::move(value()); }

  private:
    static const char *words(xbar_result result) {
        switch (result) {
        case XBAR_EMPTY: return "nothing there yet: try again later, or wait";
        case XBAR_TIMEOUT: return "nothing came in time: wait for longer";
        case XBAR_LAGGED: return "messages were lost before they were received: receive faster, or use a larger depth";
        case XBAR_DISCONNECTED: return "the other side is gone: connect again when it is there";
        case XBAR_FULL: return "there is no room: try again later, or wait";
        default: return "told to stop: nothing was done";
        }
    }

    std::optional<T> value_;
    xbar_result result_;
    std::uint64_t missed_;
};

namespace detail {

// What is to be expected of a call, as against what is wrong.
inline bool is_expected(xbar_result result) { return result >= XBAR_OK && result <= XBAR_STOPPED; }

inline void check(xbar_result result, std::uint64_t missed = 0) {
    if (result != XBAR_OK) throw Error(result, xbar_last_error(), missed);
}

// Throws what is wrong, and gives back what is to be expected.
inline xbar_result expect(xbar_result result) {
    if (!is_expected(result)) check(result);
    return result;
}

template <class T>
Result<T> result_of(xbar_result result, T value, std::uint64_t missed = 0) {
    if (expect(result) == XBAR_OK) return Result<T>(std::move(value));
    return Result<T>(result, missed);
}

inline std::uint64_t ns(nanoseconds time) {
    if (time == forever) return XBAR_FOREVER;
    return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

inline const char *or_null(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

// Closes a handle of C.
template <class H, void (*close)(H *)>
struct Close {
    void operator()(H *handle) const noexcept { close(handle); }
};
template <class H, void (*close)(H *)>
using Handle = std::unique_ptr<H, Close<H, close>>;

// A struct of C that is to be let go once.
template <class S, void (*let_go)(S *)>
class Held {
  public:
    Held() noexcept : raw() {}
    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;
    Held(Held &&other) noexcept : raw(std::exchange(other.raw, S{})) {}
    Held &operator=(Held &&other) noexcept {
        if (this != &other) {
            let_go(&raw);
            raw = std::exchange(other.raw, S{});
        }
        return *this;
    }
    ~Held() { let_go(&raw); }

    S raw;
};

// Makes a handle with a function of C that writes it behind its last pointer.
template <class Unique, class... Parameters, class... Arguments>
Unique make(xbar_result (*function)(Parameters...), Arguments... arguments) {
    typename Unique::pointer handle = nullptr;
    check(function(arguments..., &handle));
    return Unique(handle);
}

template <class S>
S sized() {
    S options{};
    options.struct_size = sizeof(S);
    return options;
}

template <class T>
constexpr bool is_value = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_reference_v<T>;

template <class T>
constexpr bool is_text = std::is_convertible_v<const T &, std::string_view>;

// The bytes of a message as a T in place.
template <class T>
T &as(void *data, std::size_t len) {
    static_assert(is_value<std::remove_const_t<T>>, "only trivially copyable values that are no pointers can be messages");
    if (len != sizeof(T) || reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0) {
        throw Error(XBAR_DIFFERS, "a message of " + std::to_string(len) + " bytes is no value of " + std::to_string(sizeof(T)) +
                                      " bytes aligned to " + std::to_string(alignof(T)) + ": use the type that is published");
    }
    return *static_cast<T *>(data);
}

} // namespace detail

// Ends waits: give it to set_waiting of whatever waits.
class Shutdown {
  public:
    Shutdown() : handle_(detail::make<Owned>(xbar_shutdown_new)) {}
    void stop() noexcept { xbar_shutdown_stop(handle_.get()); }
    bool is_stopped() const noexcept { return xbar_shutdown_is_stopped(handle_.get()); }
    const xbar_shutdown *get() const noexcept { return handle_.get(); }

  private:
    using Owned = detail::Handle<xbar_shutdown, xbar_shutdown_close>;
    Owned handle_;
};

// What a region holds: the fields of xbar_config, 0 meaning the default.
struct Config : xbar_config {
    Config() : xbar_config(detail::sized<xbar_config>()) {}

    Config &in(std::string folder) {
        folder_ = std::move(folder);
        return *this;
    }
    Config &add(const xbar_size_class &size_class) {
        classes_.push_back(size_class);
        return *this;
    }
    // What C takes; valid as long as this object is neither changed nor gone.
    xbar_config raw() const {
        xbar_config config = *this;
        if (!folder_.empty()) config.dir = folder_.c_str();
        if (!classes_.empty()) {
            config.size_classes = classes_.data();
            config.size_class_count = classes_.size();
        }
        return config;
    }
    std::uint64_t footprint_bytes() const {
        const xbar_config config = raw();
        std::uint64_t bytes = 0;
        detail::check(xbar_config_footprint_bytes(&config, &bytes));
        return bytes;
    }

  private:
    std::string folder_;
    std::vector<xbar_size_class> classes_;
};

// What a topic is: the fields of xbar_topic_config, 0 meaning the default.
struct TopicConfig : xbar_topic_config {
    TopicConfig() : xbar_topic_config(detail::sized<xbar_topic_config>()) {}

    // Of which every message is one T. `name` outlives the call that gets this.
    template <class T>
    static TopicConfig of(const char *name = nullptr) {
        static_assert(detail::is_value<T>, "only trivially copyable values that are no pointers can be messages");
        TopicConfig config;
        config.value_size = sizeof(T);
        config.value_align = alignof(T);
        config.value_name = name;
        return config;
    }
    TopicConfig &lossless() { return deliver(XBAR_LOSSLESS); }
    TopicConfig &pinned() { return deliver(XBAR_PINNED); }
    TopicConfig &many() {
        many_publishers = 1;
        return *this;
    }

  private:
    TopicConfig &deliver(std::uint32_t how) {
        delivery = how;
        return *this;
    }
};

// Room for a message, written in place. Goes back unless it is published.
class Loan {
  public:
    void *data() noexcept { return held_.raw.data; }
    std::size_t size() const noexcept { return held_.raw.len; }
    std::size_t capacity() const noexcept { return held_.raw.capacity; }
    void resize(std::size_t len) { detail::check(xbar_loan_set_len(&held_.raw, len)); }
    // The bytes as a T in place.
    template <class T>
    T &as() {
        return detail::as<T>(data(), size());
    }

    // Publishes, waiting for room where the topic is lossless; returns the number.
    std::uint64_t publish() {
        std::uint64_t sequence = 0;
        detail::check(xbar_loan_publish(&held_.raw, &sequence));
        return sequence;
    }
    // The loan stays when there is no room.
    Result<std::uint64_t> try_publish() {
        std::uint64_t sequence = 0;
        const xbar_result result = xbar_loan_try_publish(&held_.raw, &sequence);
        return detail::result_of(result, sequence);
    }
    Result<std::uint64_t> publish_for(nanoseconds timeout) {
        std::uint64_t sequence = 0;
        const xbar_result result = xbar_loan_publish_timeout(&held_.raw, detail::ns(timeout), &sequence);
        return detail::result_of(result, sequence);
    }

  private:
    friend class Topic;
    Loan() = default;
    detail::Held<xbar_loan, xbar_loan_abandon> held_;
};

// A topic that is published here.
class Topic {
  public:
    // Publishes a copy, waiting for room where the topic is lossless; returns the number.
    std::uint64_t send(const void *data, std::size_t len) {
        std::uint64_t sequence = 0;
        detail::check(xbar_topic_send(handle_.get(), data, len, &sequence));
        return sequence;
    }
    std::uint64_t send(std::string_view text) { return send(text.data(), text.size()); }
    template <class T, std::enable_if_t<!detail::is_text<T>, int> = 0>
    std::uint64_t send(const T &value) {
        static_assert(detail::is_value<T>, "only trivially copyable values that are no pointers can be messages");
        return send(&value, sizeof(T));
    }
    Result<std::uint64_t> try_send(const void *data, std::size_t len) {
        std::uint64_t sequence = 0;
        const xbar_result result = xbar_topic_try_send(handle_.get(), data, len, &sequence);
        return detail::result_of(result, sequence);
    }
    Result<std::uint64_t> send_for(const void *data, std::size_t len, nanoseconds timeout) {
        std::uint64_t sequence = 0;
        const xbar_result result = xbar_topic_send_timeout(handle_.get(), data, len, detail::ns(timeout), &sequence);
        return detail::result_of(result, sequence);
    }
    Loan loan(std::size_t len) {
        Loan loan;
        detail::check(xbar_topic_loan(handle_.get(), len, &loan.held_.raw));
        return loan;
    }
    std::size_t reader_count() const noexcept { return xbar_topic_reader_count(handle_.get()); }

  private:
    friend class Publisher;
    using Owned = detail::Handle<xbar_topic, xbar_topic_close>;
    explicit Topic(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// Publishes into a region.
class Publisher {
  public:
    static Publisher create(const std::string &name, const Config &config = Config()) {
        const xbar_config raw = config.raw();
        return Publisher(detail::make<Owned>(xbar_publisher_create, name.c_str(), &raw));
    }
    static Publisher open(const std::string &name, const std::string &dir = "") {
        return Publisher(detail::make<Owned>(xbar_publisher_open, name.c_str(), detail::or_null(dir)));
    }
    Topic topic(const std::string &uri, const TopicConfig &config = TopicConfig()) {
        return Topic(detail::make<Topic::Owned>(xbar_publisher_register, handle_.get(), uri.c_str(), &config));
    }
    void set_waiting(std::uint32_t wait, const Shutdown *shutdown = nullptr) {
        detail::check(xbar_publisher_set_waiting(handle_.get(), wait, shutdown ? shutdown->get() : nullptr));
    }
    std::size_t subscriber_count() const noexcept { return xbar_publisher_subscriber_count(handle_.get()); }
    std::uint64_t epoch() const noexcept { return xbar_publisher_epoch(handle_.get()); }

  private:
    using Owned = detail::Handle<xbar_publisher, xbar_publisher_close>;
    explicit Publisher(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// A received message, read in place until this is gone.
class Sample {
  public:
    const void *data() const noexcept { return held_.raw.data; }
    std::size_t size() const noexcept { return held_.raw.len; }
    std::string_view text() const noexcept { return {static_cast<const char *>(data()), size()}; }
    std::uint64_t sequence() const noexcept { return held_.raw.sequence; }
    std::uint64_t publish_time_ns() const noexcept { return held_.raw.publish_time_ns; }
    // The bytes as a T in place.
    template <class T>
    const T &as() const {
        return detail::as<const T>(const_cast<void *>(data()), size());
    }
    // From here on it may go to another thread, and does not need its stream.
    void detach() { detail::check(xbar_sample_detach(&held_.raw)); }

  private:
    friend class Stream;
    Sample() = default;
    detail::Held<xbar_sample, xbar_sample_release> held_;
};

// One topic as one subscriber receives it.
class Stream {
  public:
    // The next message, however long that takes. An Error when messages were missed (XBAR_LAGGED, missed(); the next call goes on behind
    // them), or the publisher is gone.
    Sample recv() {
        Sample sample;
        const xbar_result result = xbar_stream_recv(handle_.get(), &sample.held_.raw);
        detail::check(result, sample.held_.raw.missed);
        return sample;
    }
    // The next message as a copy of a T.
    template <class T>
    T recv() {
        return recv().template as<T>();
    }
    Result<Sample> try_recv() { return received(xbar_stream_try_recv); }
    Result<Sample> recv_for(nanoseconds timeout) { return received(xbar_stream_recv_timeout, detail::ns(timeout)); }
    // The latest message of a pinned topic, received already or not.
    Result<Sample> try_latest() { return received(xbar_stream_try_latest); }
    Result<Sample> latest_for(nanoseconds timeout) { return received(xbar_stream_latest_timeout, detail::ns(timeout)); }

    void set_waiting(std::uint32_t wait, const Shutdown *shutdown = nullptr) {
        detail::check(xbar_stream_set_waiting(handle_.get(), wait, shutdown ? shutdown->get() : nullptr));
    }
    std::uint64_t received() const noexcept { return xbar_stream_received(handle_.get()); }
    std::uint64_t missed() const noexcept { return xbar_stream_missed(handle_.get()); }
    std::uint64_t pending() const noexcept { return xbar_stream_pending(handle_.get()); }
    bool wait_connected(nanoseconds timeout) const noexcept {
        return xbar_stream_wait_connected(handle_.get(), detail::ns(timeout));
    }

  private:
    friend class Subscriber;
    using Owned = detail::Handle<xbar_stream, xbar_stream_close>;
    explicit Stream(Owned handle) : handle_(std::move(handle)) {}

    template <class... Parameters, class... Arguments>
    Result<Sample> received(xbar_result (*receive)(Parameters...), Arguments... arguments) {
        Sample sample;
        const xbar_result result = receive(handle_.get(), &sample.held_.raw, arguments...);
        const std::uint64_t missed = sample.held_.raw.missed;
        return detail::result_of(result, std::move(sample), missed);
    }

    Owned handle_;
};

// How to subscribe: the fields of xbar_subscribe_options, 0 meaning the default.
struct SubscribeOptions : xbar_subscribe_options {
    SubscribeOptions() : xbar_subscribe_options(detail::sized<xbar_subscribe_options>()) {}

    // To a topic of which every message is one T. `name` outlives the call that gets this.
    template <class T>
    static SubscribeOptions of(const char *name = nullptr) {
        static_assert(detail::is_value<T>, "only trivially copyable values that are no pointers can be messages");
        SubscribeOptions options;
        options.value_size = sizeof(T);
        options.value_align = alignof(T);
        options.value_name = name;
        return options;
    }
    SubscribeOptions &from_oldest() {
        start = XBAR_START_OLDEST;
        return *this;
    }
    SubscribeOptions &from_last(std::uint64_t count) {
        start = XBAR_START_LAST;
        messages = count;
        return *this;
    }
    SubscribeOptions &wait(nanoseconds timeout) {
        timeout_ns = detail::ns(timeout);
        return *this;
    }
};

// Receives from a region.
class Subscriber {
  public:
    // Waits up to `timeout` for the region to appear.
    static Subscriber connect(const std::string &name, const std::string &dir = "", nanoseconds timeout = nanoseconds(0)) {
        auto options = detail::sized<xbar_connect_options>();
        options.dir = detail::or_null(dir);
        options.timeout_ns = detail::ns(timeout);
        return Subscriber(detail::make<Owned>(xbar_subscriber_connect, name.c_str(), &options));
    }
    // Joins a region that another user shares, whom this process trusts.
    static Subscriber connect_to_user(std::uint32_t user, const std::string &name, const std::string &dir = "") {
        auto options = detail::sized<xbar_connect_options>();
        options.dir = detail::or_null(dir);
        options.of_user = 1;
        options.user = user;
        return Subscriber(detail::make<Owned>(xbar_subscriber_connect, name.c_str(), &options));
    }
    Stream subscribe(const std::string &uri, const SubscribeOptions &options = SubscribeOptions()) const {
        return Stream(detail::make<Stream::Owned>(xbar_subscriber_subscribe, handle_.get(), uri.c_str(), &options));
    }
    std::size_t publisher_count() const noexcept { return xbar_subscriber_publisher_count(handle_.get()); }
    std::uint64_t epoch() const noexcept { return xbar_subscriber_epoch(handle_.get()); }

  private:
    using Owned = detail::Handle<xbar_subscriber, xbar_subscriber_close>;
    explicit Subscriber(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// What is there: a region and its topics and participants. In the infos, names are not to be used: they are beside them.
struct TopicInfo {
    std::string uri;
    std::string value_type;
    xbar_topic_info info;
};
struct RegionInfo {
    std::string name;
    xbar_region_info info;
    std::vector<TopicInfo> topics;
    std::vector<xbar_participant_info> participants;
};

// Regions with a topic that matches `pattern`, and those topics.
inline std::vector<RegionInfo> discover(const std::string &pattern, const std::string &dir = "") {
    using Owned = detail::Handle<xbar_discovery, xbar_discovery_close>;
    const auto found = detail::make<Owned>(xbar_discover, pattern.c_str(), detail::or_null(dir));
    std::vector<RegionInfo> regions(xbar_discovery_count(found.get()));
    for (std::size_t at = 0; at < regions.size(); ++at) {
        RegionInfo &region = regions[at];
        region.info = detail::sized<xbar_region_info>();
        detail::check(xbar_discovery_region(found.get(), at, &region.info));
        region.name = std::exchange(region.info.name, nullptr);
        for (std::size_t topic = 0; topic < region.info.topic_count; ++topic) {
            auto info = detail::sized<xbar_topic_info>();
            detail::check(xbar_discovery_topic(found.get(), at, topic, &info));
            const char *type = std::exchange(info.value_type, nullptr);
            const char *uri = std::exchange(info.uri, nullptr);
            region.topics.push_back({uri, type ? type : "", info});
        }
        for (std::size_t who = 0; who < region.info.participant_count; ++who) {
            region.participants.push_back(detail::sized<xbar_participant_info>());
            detail::check(xbar_discovery_participant(found.get(), at, who, &region.participants.back()));
        }
    }
    return regions;
}

// How buses are made and found: the fields of xbar_bus_config, 0 meaning the default.
struct BusConfig : xbar_bus_config {
    BusConfig() : xbar_bus_config(detail::sized<xbar_bus_config>()) {}
};

namespace detail {

template <class T>
xbar_bus_config bus_config(const BusConfig &asked, const std::string &folder) {
    static_assert(is_value<T>, "only trivially copyable values that are no pointers can be on a bus");
    static_assert((alignof(T) == 8 && sizeof(T) <= 256) || (alignof(T) == 4 && sizeof(T) <= 64) ||
                      (alignof(T) <= 2 && sizeof(T) == alignof(T)),
                  "a bus has no values of that size and alignment: use a topic");
    xbar_bus_config config = asked;
    config.value_size = sizeof(T);
    config.value_align = alignof(T);
    if (!folder.empty()) config.dir = folder.c_str();
    return config;
}

} // namespace detail

// Publishes values of one type on a bus.
template <class T>
class Bus {
  public:
    static Bus create(const std::string &name, const BusConfig &config = BusConfig(), const std::string &dir = "") {
        const xbar_bus_config raw = detail::bus_config<T>(config, dir);
        return Bus(detail::make<Owned>(xbar_bus_create, name.c_str(), &raw));
    }
    void publish(const T &value) { detail::check(xbar_bus_publish(handle_.get(), &value, sizeof(T))); }
    // False when there is no room in time.
    bool publish_for(const T &value, nanoseconds timeout) {
        const xbar_result result = xbar_bus_publish_timeout(handle_.get(), &value, sizeof(T), detail::ns(timeout));
        return detail::expect(result) == XBAR_OK;
    }
    bool try_publish(const T &value) { return publish_for(value, nanoseconds(0)); }
    void set_waiting(std::uint32_t wait, const Shutdown *shutdown = nullptr) {
        detail::check(xbar_bus_set_waiting(handle_.get(), wait, shutdown ? shutdown->get() : nullptr));
    }
    std::uint64_t published() const noexcept { return xbar_bus_published(handle_.get()); }
    std::size_t subscriber_count() const noexcept { return xbar_bus_subscriber_count(handle_.get()); }

  private:
    using Owned = detail::Handle<xbar_bus, xbar_bus_close>;
    explicit Bus(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// Receives values of one type from a bus.
template <class T>
class BusReader {
  public:
    static BusReader connect(const std::string &name, const BusConfig &config = BusConfig(), const std::string &dir = "") {
        const xbar_bus_config raw = detail::bus_config<T>(config, dir);
        return BusReader(detail::make<Owned>(xbar_bus_connect, name.c_str(), &raw));
    }
    T recv() {
        T value;
        std::uint64_t missed = 0;
        const xbar_result result = xbar_bus_recv(handle_.get(), &value, sizeof(T), &missed);
        detail::check(result, missed);
        return value;
    }
    Result<T> try_recv() {
        T value;
        std::uint64_t missed = 0;
        const xbar_result result = xbar_bus_try_recv(handle_.get(), &value, sizeof(T), &missed);
        return received(result, value, missed);
    }
    Result<T> recv_for(nanoseconds timeout) {
        T value;
        std::uint64_t missed = 0;
        const xbar_result result =
            xbar_bus_recv_timeout(handle_.get(), &value, sizeof(T), detail::ns(timeout), &missed);
        return received(result, value, missed);
    }
    // The newest value; those before it are passed over.
    Result<T> latest() {
        T value;
        std::uint64_t missed = 0;
        const xbar_result result = xbar_bus_latest(handle_.get(), &value, sizeof(T), &missed);
        return received(result, value, missed);
    }
    void set_waiting(std::uint32_t wait, const Shutdown *shutdown = nullptr) {
        detail::check(xbar_bus_reader_set_waiting(handle_.get(), wait, shutdown ? shutdown->get() : nullptr));
    }
    std::uint64_t received() const noexcept { return xbar_bus_reader_received(handle_.get()); }
    std::uint64_t missed() const noexcept { return xbar_bus_reader_missed(handle_.get()); }

  private:
    // A value is only read where there is one.
    static Result<T> received(xbar_result result, const T &value, std::uint64_t missed) {
        if (detail::expect(result) == XBAR_OK) return Result<T>(value);
        return Result<T>(result, missed);
    }

    using Owned = detail::Handle<xbar_bus_reader, xbar_bus_reader_close>;
    explicit BusReader(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// How byte buses are made and found: the fields of xbar_byte_bus_config, 0 meaning the default.
struct ByteBusConfig : xbar_byte_bus_config {
    ByteBusConfig() : xbar_byte_bus_config(detail::sized<xbar_byte_bus_config>()) {}
};

// A message of a byte bus, copied: valid until the next call with its reader.
struct ByteMessage : xbar_byte_message {
    std::string_view text() const noexcept { return {static_cast<const char *>(data), len}; }
    // The bytes as a T, copied: they lie anywhere.
    template <class T>
    T as() const {
        alignas(T) unsigned char bytes[sizeof(T)];
        if (len == sizeof(T)) std::memcpy(bytes, data, sizeof(T));
        return detail::as<const T>(bytes, len);
    }
};

// Sends messages of any length on a byte bus.
class ByteBus {
  public:
    static ByteBus create(const std::string &name, const ByteBusConfig &config = ByteBusConfig(), const std::string &dir = "") {
        xbar_byte_bus_config raw = config;
        if (!dir.empty()) raw.dir = dir.c_str();
        return ByteBus(detail::make<Owned>(xbar_byte_bus_create, name.c_str(), &raw));
    }
    std::uint64_t send(const void *data, std::size_t size, std::uint16_t kind = 0) {
        std::uint64_t sequence = 0;
        detail::check(xbar_byte_bus_send(handle_.get(), kind, data, size, &sequence));
        return sequence;
    }
    std::uint64_t send(std::string_view text, std::uint16_t kind = 0) { return send(text.data(), text.size(), kind); }
    std::uint64_t sent() const noexcept { return xbar_byte_bus_sent(handle_.get()); }
    std::size_t most_bytes() const noexcept { return xbar_byte_bus_most_bytes(handle_.get()); }
    std::size_t subscriber_count() const noexcept { return xbar_byte_bus_subscriber_count(handle_.get()); }

  private:
    using Owned = detail::Handle<xbar_byte_bus, xbar_byte_bus_close>;
    explicit ByteBus(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// Receives a byte bus.
class ByteBusReader {
  public:
    static ByteBusReader connect(const std::string &name, const ByteBusConfig &config = ByteBusConfig(),
                                 const std::string &dir = "") {
        xbar_byte_bus_config raw = config;
        if (!dir.empty()) raw.dir = dir.c_str();
        return ByteBusReader(detail::make<Owned>(xbar_byte_bus_connect, name.c_str(), &raw));
    }
    ByteMessage recv() {
        ByteMessage message{};
        const xbar_result result = xbar_byte_bus_recv(handle_.get(), &message);
        detail::check(result, message.missed);
        return message;
    }
    Result<ByteMessage> try_recv() { return receive(xbar_byte_bus_try_recv); }
    Result<ByteMessage> recv_for(nanoseconds timeout) { return receive(xbar_byte_bus_recv_timeout, detail::ns(timeout)); }
    // The newest message; those before it are passed over.
    Result<ByteMessage> latest() { return receive(xbar_byte_bus_latest); }
    void set_waiting(std::uint32_t wait, const Shutdown *shutdown = nullptr) {
        detail::check(xbar_byte_bus_reader_set_waiting(handle_.get(), wait, shutdown ? shutdown->get() : nullptr));
    }
    std::uint64_t received() const noexcept { return xbar_byte_bus_reader_received(handle_.get()); }
    std::uint64_t missed() const noexcept { return xbar_byte_bus_reader_missed(handle_.get()); }
    std::uint64_t skipped() const noexcept { return xbar_byte_bus_reader_skipped(handle_.get()); }

  private:
    template <class... Parameters, class... Arguments>
    Result<ByteMessage> receive(xbar_result (*receive)(Parameters...), Arguments... arguments) {
        ByteMessage message{};
        const xbar_result result = receive(handle_.get(), &message, arguments...);
        return detail::result_of(result, message, message.missed);
    }

    using Owned = detail::Handle<xbar_byte_bus_reader, xbar_byte_bus_reader_close>;
    explicit ByteBusReader(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// A reply that is written in place. Abandoned unless it is sent.
class ReplyLoan {
  public:
    void *data() noexcept { return held_.raw.data; }
    std::size_t size() const noexcept { return held_.raw.len; }
    void send() { detail::check(xbar_reply_loan_send(&held_.raw)); }

  private:
    friend class Request;
    ReplyLoan() = default;
    detail::Held<xbar_reply_loan, xbar_reply_loan_abandon> held_;
};

// A request. Its client is told when it is gone without a reply.
class Request {
  public:
    const void *data() const noexcept { return held_.raw.data; }
    std::size_t size() const noexcept { return held_.raw.len; }
    std::string_view text() const noexcept { return {static_cast<const char *>(data()), size()}; }
    template <class T>
    const T &as() const {
        return detail::as<const T>(const_cast<void *>(data()), size());
    }
    void reply(const void *data, std::size_t len) { detail::check(xbar_request_reply(&held_.raw, data, len)); }
    void reply(std::string_view text) { reply(text.data(), text.size()); }
    template <class T, std::enable_if_t<!detail::is_text<T>, int> = 0>
    void reply(const T &value) {
        static_assert(detail::is_value<T>, "only trivially copyable values that are no pointers can be messages");
        reply(&value, sizeof(T));
    }
    // The request goes over to what is lent.
    ReplyLoan loan(std::size_t len) {
        ReplyLoan loan;
        detail::check(xbar_request_loan(&held_.raw, len, &loan.held_.raw));
        return loan;
    }

  private:
    friend class Server;
    Request() = default;
    detail::Held<xbar_request, xbar_request_drop> held_;
};

// What a server holds: the fields of xbar_server_config, 0 meaning the default.
struct ServerConfig : xbar_server_config {
    ServerConfig() : xbar_server_config(detail::sized<xbar_server_config>()) {}
};

// Answers requests.
class Server {
  public:
    static Server serve(const std::string &name, const ServerConfig &config = ServerConfig(), const std::string &dir = "") {
        xbar_server_config raw = config;
        if (!dir.empty()) raw.dir = dir.c_str();
        return Server(detail::make<Owned>(xbar_server_serve, name.c_str(), &raw));
    }
    Request recv() {
        Request request;
        detail::check(xbar_server_recv(handle_.get(), &request.held_.raw));
        return request;
    }
    Result<Request> try_recv() {
        Request request;
        const xbar_result result = xbar_server_try_recv(handle_.get(), &request.held_.raw);
        return detail::result_of(result, std::move(request));
    }
    Result<Request> recv_for(nanoseconds timeout) {
        Request request;
        const xbar_result result = xbar_server_recv_timeout(handle_.get(), &request.held_.raw, detail::ns(timeout));
        return detail::result_of(result, std::move(request));
    }

  private:
    using Owned = detail::Handle<xbar_server, xbar_server_close>;
    explicit Server(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// An answer; it stays as it is until this is gone.
class Reply {
  public:
    const void *data() const noexcept { return held_.raw.data; }
    std::size_t size() const noexcept { return held_.raw.len; }
    std::string_view text() const noexcept { return {static_cast<const char *>(data()), size()}; }
    template <class T>
    const T &as() const {
        return detail::as<const T>(const_cast<void *>(data()), size());
    }

  private:
    friend class Client;
    Reply() = default;
    detail::Held<xbar_reply, xbar_reply_release> held_;
};

// Asks a server.
class Client {
  public:
    static Client connect(const std::string &name, const std::string &dir = "") {
        return Client(detail::make<Owned>(xbar_client_connect, name.c_str(), detail::or_null(dir)));
    }
    // Sends a request, and says its number.
    std::uint64_t send(const void *data, std::size_t len, nanoseconds timeout = forever) {
        std::uint64_t id = 0;
        detail::check(xbar_client_send(handle_.get(), data, len, detail::ns(timeout), &id));
        return id;
    }
    // The answer to request `id`.
    Reply wait(std::uint64_t id) {
        Reply reply;
        detail::check(xbar_client_wait(handle_.get(), id, &reply.held_.raw));
        return reply;
    }
    Result<Reply> try_recv(std::uint64_t id) {
        Reply reply;
        const xbar_result result = xbar_client_try_recv(handle_.get(), id, &reply.held_.raw);
        return detail::result_of(result, std::move(reply));
    }
    // Asks, and waits for the answer.
    Reply call(const void *data, std::size_t len, nanoseconds timeout) { return wait(send(data, len, timeout)); }
    Reply call(std::string_view text, nanoseconds timeout) { return call(text.data(), text.size(), timeout); }
    template <class T, std::enable_if_t<!detail::is_text<T>, int> = 0>
    Reply call(const T &value, nanoseconds timeout) {
        static_assert(detail::is_value<T>, "only trivially copyable values that are no pointers can be messages");
        return call(&value, sizeof(T), timeout);
    }
    void give_up(std::uint64_t id) { detail::check(xbar_client_give_up(handle_.get(), id)); }
    std::size_t in_flight() const noexcept { return xbar_client_in_flight(handle_.get()); }

  private:
    using Owned = detail::Handle<xbar_client, xbar_client_close>;
    explicit Client(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// How a log is written: the fields of xbar_log_options, 0 meaning the default.
struct LogOptions : xbar_log_options {
    LogOptions() : xbar_log_options(detail::sized<xbar_log_options>()) {}
};

// The one writer of a log.
class LogWriter {
  public:
    static LogWriter open(const std::string &folder, const std::string &name, const LogOptions &options = LogOptions()) {
        return LogWriter(detail::make<Owned>(xbar_log_writer_open, folder.c_str(), name.c_str(), &options));
    }
    // Appends, and says the message's number.
    std::uint64_t append(const void *data, std::size_t len, std::uint16_t tag = 0) {
        std::uint64_t seq = 0;
        detail::check(xbar_log_writer_append(handle_.get(), tag, data, len, &seq));
        return seq;
    }
    std::uint64_t append(std::string_view text, std::uint16_t tag = 0) { return append(text.data(), text.size(), tag); }
    template <class T, std::enable_if_t<!detail::is_text<T>, int> = 0>
    std::uint64_t append(const T &value, std::uint16_t tag = 0) {
        static_assert(detail::is_value<T>, "only trivially copyable values that are no pointers can be messages");
        return append(&value, sizeof(T), tag);
    }
    // Returns when all is on the disk.
    void flush() { detail::check(xbar_log_writer_flush(handle_.get())); }
    std::uint64_t next_seq() const noexcept { return xbar_log_writer_next_seq(handle_.get()); }
    xbar_log_recovery recovery() {
        auto recovery = detail::sized<xbar_log_recovery>();
        detail::check(xbar_log_writer_recovery(handle_.get(), &recovery));
        return recovery;
    }

  private:
    using Owned = detail::Handle<xbar_log_writer, xbar_log_writer_close>;
    explicit LogWriter(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// A message of a log, valid until the next call with its reader.
struct Record : xbar_record {
    std::string_view text() const noexcept { return {static_cast<const char *>(data), len}; }
    template <class T>
    const T &as() const {
        return detail::as<const T>(const_cast<void *>(data), len);
    }
};

// Reads a log.
class LogReader {
  public:
    static LogReader open(const std::string &folder, const std::string &name) {
        return LogReader(detail::make<Owned>(xbar_log_reader_open, folder.c_str(), name.c_str()));
    }
    void seek(std::uint32_t start, std::uint64_t number = 0) {
        detail::check(xbar_log_reader_seek(handle_.get(), start, number));
    }
    Record next() {
        Record record{};
        const xbar_result result = xbar_log_reader_next(handle_.get(), &record);
        detail::check(result, record.missed);
        return record;
    }
    Result<Record> try_next() { return read(xbar_log_reader_try_next); }
    Result<Record> try_previous() { return read(xbar_log_reader_try_previous); }
    Result<Record> next_for(nanoseconds timeout) { return read(xbar_log_reader_next_timeout, detail::ns(timeout)); }
    void set_waiting(std::uint32_t wait, const Shutdown *shutdown = nullptr) {
        detail::check(xbar_log_reader_set_waiting(handle_.get(), wait, shutdown ? shutdown->get() : nullptr));
    }
    std::uint64_t next_seq() const noexcept { return xbar_log_reader_next_seq(handle_.get()); }

  private:
    template <class... Parameters, class... Arguments>
    Result<Record> read(xbar_result (*read)(Parameters...), Arguments... arguments) {
        Record record{};
        const xbar_result result = read(handle_.get(), &record, arguments...);
        if (result == XBAR_DAMAGED) detail::check(result, record.missed);
        return detail::result_of(result, record, record.missed);
    }

    using Owned = detail::Handle<xbar_log_reader, xbar_log_reader_close>;
    explicit LogReader(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

// A place in a log that has a name.
class LogCursor {
  public:
    static LogCursor open(const std::string &folder, const std::string &log, const std::string &cursor) {
        return LogCursor(detail::make<Owned>(xbar_log_cursor_open, folder.c_str(), log.c_str(), cursor.c_str()));
    }
    std::uint64_t seq() const noexcept { return xbar_log_cursor_seq(handle_.get()); }
    void store(std::uint64_t seq) { detail::check(xbar_log_cursor_store(handle_.get(), seq)); }
    void flush() { detail::check(xbar_log_cursor_flush(handle_.get())); }

  private:
    using Owned = detail::Handle<xbar_log_cursor, xbar_log_cursor_close>;
    explicit LogCursor(Owned handle) : handle_(std::move(handle)) {}
    Owned handle_;
};

} // namespace xbar

#endif // XBAR_HPP
