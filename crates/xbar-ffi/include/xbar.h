// xbar for C: messages between the processes of one machine, through shared memory.
//
// Every call that can fail returns an xbar_result; xbar_last_error has the words. Handles are opaque: who makes one closes it, and
// which threads may use it stands at its type. What a call gives back it writes behind its last pointers, and zeroes there when it
// fails. Structs that are filled by the caller begin with their size. No call throws, and none ends the process but for want of memory
// for a handle.
//
// docs/c.md says how to compile with this. Written by `cargo xtask header` from crates/xbar-ffi/src: do not change it here.


#ifndef XBAR_H
#define XBAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Time without an end, wherever a time in nanoseconds is asked for.
#define XBAR_FOREVER UINT64_MAX

// Version of this ABI: what `xbar_abi_version` says when library and header belong together. It rises when a function or
// struct changes so that programs must be compiled anew; functions, results and ends of structs that are added leave it.
#define XBAR_ABI_VERSION 1

// Nobody but this user may subscribe: the default.
#define XBAR_SHARED_WITH_NOBODY 0

// The members of the files' group may subscribe too.
#define XBAR_SHARED_WITH_GROUP 1

// Every user of the machine may subscribe.
#define XBAR_SHARED_WITH_EVERYBODY 2

// The number none, for `lossless_streams`, where 0 is the default.
#define XBAR_NONE UINT32_MAX

// Publishers overwrite the oldest message; a reader that is too slow learns how many it missed. The default.
#define XBAR_LOSSY 0

// Publishers wait for the slowest reader, as long as it lives.
#define XBAR_LOSSLESS 1

// There is only the latest message, to be read any number of times.
#define XBAR_PINNED 2

// Begin with what is published from now on: the default.
#define XBAR_START_NOW 0

// Begin with the oldest message that is still readable.
#define XBAR_START_OLDEST 1

// Begin with the last `messages` that were published before, as far as they are still readable.
#define XBAR_START_LAST 2

// Wait by looking for a moment, then asleep until woken: the default.
#define XBAR_WAIT_ADAPTIVE 0

// Wait by looking without a pause: the lowest latency, for a core of its own.
#define XBAR_WAIT_SPIN 1

// Wait by looking with a pause between two looks, which leaves the core's units to its other hardware thread.
#define XBAR_WAIT_YIELD 2

// Wait asleep at once.
#define XBAR_WAIT_PARK 3

// Read from the oldest message that is there: where a reader begins.
#define XBAR_SEEK_OLDEST 0

// Read what is appended from now on.
#define XBAR_SEEK_LIVE 1

// Read from message `number` on; if it is deleted, what was missed is told first.
#define XBAR_SEEK_SEQ 2

// Read from the first message of time `number` or a later one, ns since 1970.
#define XBAR_SEEK_TIME 3

// Records are written to the disk when the system thinks fit, and by `xbar_log_writer_flush`: the default.
#define XBAR_DURABLE_LATER 0

// Every `durability_number` milliseconds, by a thread of its own.
#define XBAR_DURABLE_EVERY_MS 1

// Behind every `durability_number` records.
#define XBAR_DURABLE_EVERY_RECORDS 2

// Behind every record: appending returns when it is on the disk.
#define XBAR_DURABLE_EVERY_RECORD 3

// What became of a call. `xbar_last_error` has the words for all but `XBAR_OK`. Later versions may have more results: take
// those that you do not know for failures.
enum xbar_result
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Done.
    XBAR_OK = 0,
    // Nothing there yet.
    XBAR_EMPTY = 1,
    // Not in time.
    XBAR_TIMEOUT = 2,
    // Messages were lost before they were received: `missed` says how many. Told once; the next receive goes on behind the gap.
    XBAR_LAGGED = 3,
    // The other side left or died, and everything that it sent was received.
    XBAR_DISCONNECTED = 4,
    // No room: the slowest reader of a lossless topic has not received the oldest message. Nothing was sent.
    XBAR_FULL = 5,
    // The wait was ended by `xbar_shutdown_stop`.
    XBAR_STOPPED = 6,
    // The server dropped the request without an answer.
    XBAR_REFUSED = 7,
    // A pointer is NULL where it may not be, a length or number is impossible, a text is not UTF-8, or something was used
    // that was released before.
    XBAR_INVALID = 16,
    // A region, topic, pattern, log or cursor cannot have that name.
    XBAR_BAD_NAME = 17,
    // A configuration that cannot work.
    XBAR_BAD_CONFIG = 18,
    // There is no such region, topic, bus, server or log; or no such request in flight.
    XBAR_NOT_FOUND = 19,
    // The region is there, and all its publishers are gone.
    XBAR_NO_PUBLISHER = 20,
    // Somebody alive has it: the name of a region, a topic of one publisher, the writing end of a log.
    XBAR_TAKEN = 21,
    // It is there, and something else than was asked for: another type, kind, depth or configuration.
    XBAR_DIFFERS = 22,
    // As many as there can be: participants, topics, streams, loans, samples.
    XBAR_LIMIT = 23,
    // The message is longer than what fits.
    XBAR_TOO_LARGE = 24,
    // There is not enough memory, disk, or free blocks.
    XBAR_NO_SPACE = 25,
    // The topic is not pinned.
    XBAR_NOT_PINNED = 26,
    // Files or memory are damaged. Of a log: `missed` says how many messages that cost, and the next read goes on behind them.
    XBAR_DAMAGED = 27,
    // The operating system says no: rights, limits, files.
    XBAR_SYSTEM = 28,
    // The handle is a copy in a forked child: it belongs to the parent.
    XBAR_FORKED = 29,
    // A defect of xbar: please report it. The handles of the call may only be closed.
    XBAR_PANIC = 99,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum xbar_result xbar_result;
#else
typedef int32_t xbar_result;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Publishes on a bus.
//
// Threads: one at a time, whichever that is. Closing it removes the bus.
typedef struct xbar_bus xbar_bus;

// Receives a bus.
//
// Threads: one at a time, whichever that is.
typedef struct xbar_bus_reader xbar_bus_reader;

// Sends on a byte bus.
//
// Threads: one at a time, whichever that is. Closing it removes the bus.
typedef struct xbar_byte_bus xbar_byte_bus;

// Receives a byte bus.
//
// Threads: one at a time, whichever that is.
typedef struct xbar_byte_bus_reader xbar_byte_bus_reader;

// Asks a server; any number of requests may be in flight, answered in any order.
//
// Threads: one at a time, whichever that is.
typedef struct xbar_client xbar_client;

// What one look found. It does not change, and its texts are valid until it is closed.
//
// Threads: any, at once.
typedef struct xbar_discovery xbar_discovery;

// A place in a log that has a name. The writer deletes no message behind it unless told to.
//
// Threads: one at a time, whichever that is. Two cursors of one name move each other's place.
typedef struct xbar_log_cursor xbar_log_cursor;

// Reads a log. It maps the files read-only, and is known to nobody: any number of them cost the writer nothing.
//
// Threads: one at a time, whichever that is.
typedef struct xbar_log_reader xbar_log_reader;

// The one writer of a log.
//
// Threads: one at a time, whichever that is.
typedef struct xbar_log_writer xbar_log_writer;

// Publishes into a region.
//
// Threads: one at a time uses a publisher, its topics and its loans, whichever that is. For a second thread,
// open a second publisher. A publisher that is closed stays in the region until its topics and loans are closed too.
typedef struct xbar_publisher xbar_publisher;

// Answers requests.
//
// Threads: one at a time uses a server, its requests and their loans, whichever that is. A server that is closed goes on until its
// requests are answered or dropped.
typedef struct xbar_server xbar_server;

// Ends waits, in any thread and of any number of handles. Once stopped, it stays so.
//
// Threads: any, at once. It may be closed while handles still have it.
typedef struct xbar_shutdown xbar_shutdown;

// Receives one topic. Every receive brings the next message, or says why not.
//
// Threads: one at a time uses a stream and its samples, whichever that is. A stream outlives its subscriber. One that is closed while
// its samples are held goes when the last of them is released; until then publishers of a lossless topic wait for it.
typedef struct xbar_stream xbar_stream;

// Receives from a region, through a read-only mapping.
//
// Threads: any number at once may subscribe by one handle. Its streams may outlive it.
typedef struct xbar_subscriber xbar_subscriber;

// A topic that is published here.
//
// Threads: as its publisher. Closing it lets another register it.
typedef struct xbar_topic xbar_topic;

// Blocks of one size, beside those of the region's `block_bytes`, for topics of larger or smaller messages.
// In numbers that are 0 the default.
typedef struct xbar_size_class {
    // Bytes of a block, 1 to 2^30.
    uint32_t block_bytes;
    // Topics of such messages. Default 1.
    uint32_t topics;
    // Messages of each of them. A pinned topic has 3. Default 4.
    uint32_t depth;
    // Samples of this size that a subscriber may hold at once. Default 1.
    uint32_t samples;
    // Loans of this size that a publisher may have at once. Default 1.
    uint32_t loans;
    // Blocks in all. Default: counted, so that they cannot run out.
    uint32_t blocks;
} xbar_size_class;

// The configuration of a region. Set `struct_size` to `sizeof(xbar_config)` and the rest to 0 but for what you want to choose:
// `xbar_config config = {.struct_size = sizeof config, .depth = 16};`
typedef struct xbar_config {
    // `sizeof(xbar_config)`.
    size_t struct_size;
    // Where regions live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    const char *dir;
    // Blocks of other sizes, `size_class_count` of them, up to seven; NULL for none.
    const struct xbar_size_class *size_classes;
    // How many those are.
    size_t size_class_count;
    // All the memory that the region may take, in bytes, instead of `block_bytes`, `blocks`, `samples`, `loans` and size
    // classes; 0 for none.
    uint64_t budget_bytes;
    // Topics that can be registered, 1 to 2^20. Default 64.
    uint32_t topics;
    // Messages of a topic that a reader may be behind, 1 to 2^20 - 1. Default 64.
    uint32_t depth;
    // Largest message in bytes, 1 to 2^30, of topics that do not say. Default 4096.
    uint32_t block_bytes;
    // Blocks of `block_bytes`. Default: counted, so that they cannot run out.
    uint32_t blocks;
    // Publisher handles alive at once, 1 to 4096. Default 4.
    uint32_t publishers;
    // Subscriber handles alive at once, 1 to 4096. Default 32.
    uint32_t subscribers;
    // Samples with a block that one subscriber handle may hold at once, 1 to 4096. Default 16.
    uint32_t samples;
    // Loans with a block that one publisher handle may have at once, 1 to 4096. Default 16.
    uint32_t loans;
    // Streams of lossless topics that one subscriber handle may have at once, up to 4096. Default 16; `XBAR_NONE` for none.
    uint32_t lossless_streams;
    // 1: messages carry the time at which they were published. Default 0: none, which is faster.
    uint32_t publish_times;
    // One of `XBAR_SHARED_WITH_*`.
    uint32_t shared_with;
    // 0.
    uint32_t reserved;
} xbar_config;

// What a topic is. Set `struct_size` to `sizeof(xbar_topic_config)` and the rest to 0 but for what you want to choose.
typedef struct xbar_topic_config {
    // `sizeof(xbar_topic_config)`.
    size_t struct_size;
    // One of `XBAR_LOSSY`, `XBAR_LOSSLESS`, `XBAR_PINNED`.
    uint32_t delivery;
    // 1: any number of publishers at once, in any number of processes, in one order for all readers. Default 0: one.
    uint32_t many_publishers;
    // Messages that a reader may be behind, 1 to 2^20 - 1. Default: the region's.
    uint32_t depth;
    // Largest message in bytes. Default: `value_size`, or the region's `block_bytes`.
    uint32_t max_bytes;
    // Where every message is one value of a type: its size in bytes, `sizeof`. Default 0: any bytes.
    uint32_t value_size;
    // And its alignment, `alignof`: 1, 2, 4, .. 64.
    uint32_t value_align;
    // And its name, of which 64 bytes count: compared where both ends give one. NULL for none.
    const char *value_name;
} xbar_topic_config;

// Room for a message that this process alone can reach. Of `xbar_topic_loan`; published or abandoned once. Do not copy it.
//
// Threads: as its topic.
typedef struct xbar_loan {
    // The message's bytes, to be written; NULL when it is published, abandoned, or was not lent.
    void *data;
    // Bytes of the message: as asked for, or as `xbar_loan_set_len` said. Writing to it changes nothing.
    size_t len;
    // Bytes that it may have at most.
    size_t capacity;
    // The library's.
    void *internal;
} xbar_loan;

// How to find a region. Set `struct_size` to `sizeof(xbar_connect_options)` and the rest to 0 but for what you want to choose.
typedef struct xbar_connect_options {
    // `sizeof(xbar_connect_options)`.
    size_t struct_size;
    // Where regions live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    const char *dir;
    // How long to wait for the region to appear: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    uint64_t timeout_ns;
    // 1: the region belongs to user `user`, who shares it and whom this process trusts; `timeout_ns` must be 0 then. Default 0: this
    // user's.
    uint32_t of_user;
    // The number of that user.
    uint32_t user;
} xbar_connect_options;

// How to subscribe. Set `struct_size` to `sizeof(xbar_subscribe_options)` and the rest to 0 but for what you want to choose.
typedef struct xbar_subscribe_options {
    // `sizeof(xbar_subscribe_options)`.
    size_t struct_size;
    // How many messages, of `XBAR_START_LAST`.
    uint64_t messages;
    // How long to wait for the topic to be registered: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    uint64_t timeout_ns;
    // The name of the type that is expected, or NULL.
    const char *value_name;
    // Where every message is to be one value of a type: its size in bytes, `sizeof`. `XBAR_DIFFERS` when the topic has another, or
    // none. Default 0: any bytes.
    uint32_t value_size;
    // And its alignment, `alignof`.
    uint32_t value_align;
    // One of `XBAR_START_*`.
    uint32_t start;
    // 0.
    uint32_t reserved;
} xbar_subscribe_options;

// A received message, read in place: `data` points to it, aligned to 64 bytes where it is longer than 48 and to 8 otherwise, until it is
// released. Received into by the calls of a stream; released once. Do not copy it.
//
// Threads: as its stream. `xbar_sample_detach` frees it from that.
typedef struct xbar_sample {
    // The message's bytes; NULL when there is no message.
    const void *data;
    // How many they are.
    size_t len;
    // Its place in the topic's stream, from 0.
    uint64_t sequence;
    // When it was published, in ns of CLOCK_MONOTONIC; 0 unless the region keeps publish times.
    uint64_t publish_time_ns;
    // Where the result was `XBAR_LAGGED`: messages that were lost, exactly. 0 otherwise.
    uint64_t missed;
    // The library's.
    const void *internal[2];
} xbar_sample;

// One region. Set `struct_size` to `sizeof(xbar_region_info)` before it is filled.
typedef struct xbar_region_info {
    // `sizeof(xbar_region_info)`.
    size_t struct_size;
    // Its name.
    const char *name;
    // Increases each time it is created anew.
    uint64_t epoch;
    // Publisher handles alive; 0 when all were killed and nobody has taken the name over.
    uint64_t publishers;
    // Subscriber handles alive.
    uint64_t subscribers;
    // Memory it takes, in bytes.
    uint64_t footprint_bytes;
    // When it was created, in ns since 1970.
    uint64_t created_unix_ns;
    // When one of its participants last did something, in ns since 1970; 0 when none lives.
    uint64_t last_active_unix_ns;
    // Its topics that match the pattern: for `xbar_discovery_topic`.
    uint64_t topic_count;
    // Its participants that live: for `xbar_discovery_participant`.
    uint64_t participant_count;
    // Process that created it.
    uint32_t creator_pid;
    // 0.
    uint32_t reserved;
} xbar_region_info;

// One topic. Set `struct_size` to `sizeof(xbar_topic_info)` before it is filled.
typedef struct xbar_topic_info {
    // `sizeof(xbar_topic_info)`.
    size_t struct_size;
    // Its name.
    const char *uri;
    // The type of its messages, in words; NULL when they have none.
    const char *value_type;
    // Messages published so far.
    uint64_t published;
    // Living publishers that have it registered.
    uint64_t publishers;
    // `XBAR_LOSSY`, `XBAR_LOSSLESS` or `XBAR_PINNED`.
    uint32_t delivery;
    // 1 when several publishers may have it at once.
    uint32_t many_publishers;
    // Messages that a reader may be behind; 1 of a pinned topic.
    uint32_t depth;
    // Size of the blocks that its messages come in; 0 of a bus.
    uint32_t block_bytes;
} xbar_topic_info;

// One handle of a region. Its figures are up to 1024 messages behind while it is busy. Set `struct_size` to
// `sizeof(xbar_participant_info)` before it is filled.
typedef struct xbar_participant_info {
    // `sizeof(xbar_participant_info)`.
    size_t struct_size;
    // When it joined, in ns since 1970.
    uint64_t joined_unix_ns;
    // When it last did something, in ns since 1970.
    uint64_t active_unix_ns;
    // Messages that it published.
    uint64_t published;
    // Times that it waited for room in a lossless topic.
    uint64_t waits;
    // Messages that it received.
    uint64_t received;
    // Messages that it missed.
    uint64_t missed;
    // Its process.
    uint32_t pid;
    // 1 when it publishes, 0 when it subscribes.
    uint32_t is_publisher;
} xbar_participant_info;

// What a bus is. Set `struct_size` to `sizeof(xbar_bus_config)`, `value_size` and `value_align` to those of the type, and the rest to 0 but for
// what you want to choose. Both ends say the same of the type.
typedef struct xbar_bus_config {
    // `sizeof(xbar_bus_config)`.
    size_t struct_size;
    // Where buses live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    const char *dir;
    // A name for the type, of which 64 bytes count: compared where both ends give one. NULL for none.
    const char *value_name;
    // How long a reader waits for the bus to appear: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    uint64_t timeout_ns;
    // Size of the type in bytes, `sizeof`: 1 and 2, multiples of 4 up to 64 where it is aligned to 4, multiples of 8 up to 256 where
    // it is aligned to 8.
    uint32_t value_size;
    // Its alignment, `alignof`: 1, 2, 4 or 8.
    uint32_t value_align;
    // Values that a reader may be behind, 1 to 2^20 - 1. Default 1024.
    uint32_t capacity;
    // 1: the bus waits for its slowest reader. Default 0: it overwrites the oldest value.
    uint32_t bounded;
    // Readers alive at once, 1 to 4096. Default 64.
    uint32_t subscribers;
    // `XBAR_START_NOW` or `XBAR_START_OLDEST`: where a reader begins.
    uint32_t start;
} xbar_bus_config;

// What a byte bus is. Set `struct_size` to `sizeof(xbar_byte_bus_config)` and the rest to 0 but for what you want to choose.
typedef struct xbar_byte_bus_config {
    // `sizeof(xbar_byte_bus_config)`.
    size_t struct_size;
    // Where buses live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    const char *dir;
    // How long a reader waits for the bus to appear: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    uint64_t timeout_ns;
    // Bytes of the ring, a power of two from 64 to 2^33. A message takes its own, up to the next multiple of 8, and 8 more; the longest has a
    // quarter of the ring, less 8. Default 1 MiB.
    uint64_t capacity_bytes;
    // How many messages, of `XBAR_START_LAST`.
    uint64_t messages;
    // Readers alive at once, 1 to 4096. Default 64.
    uint32_t subscribers;
    // One of `XBAR_START_*`: where a reader begins.
    uint32_t start;
} xbar_byte_bus_config;

// A message of a byte bus, copied: `data` is valid until the next call with its reader. Nothing is to be released.
typedef struct xbar_byte_message {
    // Its bytes; NULL when there is no message.
    const void *data;
    // How many they are.
    size_t len;
    // Its number, from 0.
    uint64_t sequence;
    // Where the result was `XBAR_LAGGED`: messages that were overwritten, exactly. 0 otherwise.
    uint64_t missed;
    // What its sender called it.
    uint16_t kind;
    // 0.
    uint16_t reserved[3];
} xbar_byte_message;

// An answer. Of the calls of a client; released once. Do not copy it.
//
// Threads: any, one at a time. It outlives its client.
typedef struct xbar_reply {
    // Its bytes; NULL when there is none.
    const void *data;
    // How many they are.
    size_t len;
    // The library's.
    void *internal;
} xbar_reply;

// What a server holds. Set `struct_size` to `sizeof(xbar_server_config)` and the rest to 0 but for what you want to choose.
typedef struct xbar_server_config {
    // `sizeof(xbar_server_config)`.
    size_t struct_size;
    // Where it lives. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    const char *dir;
    // Clients at once, 1 to 1024. Default 16.
    uint32_t clients;
    // Requests of all clients that may be unread, and replies of each. Default 64.
    uint32_t depth;
    // Largest request and reply in bytes. Default 4096.
    uint32_t max_bytes;
    // 0.
    uint32_t reserved;
} xbar_server_config;

// A request that was received: to be replied to, or dropped, once. Do not copy it.
//
// Threads: as its server.
typedef struct xbar_request {
    // Its bytes; NULL when there is none.
    const void *data;
    // How many they are.
    size_t len;
    // The library's.
    void *internal;
} xbar_request;

// A reply that is written in place: to be sent or abandoned, once. Do not copy it.
//
// Threads: as its server.
typedef struct xbar_reply_loan {
    // Its bytes, to be written; NULL when there is none.
    void *data;
    // How many they are.
    size_t len;
    // The library's.
    void *internal;
} xbar_reply_loan;

// A message of a log, in place: `data` is valid until the next call with its reader. Nothing is to be released.
typedef struct xbar_record {
    // Its bytes, aligned to 8; NULL when there is no message.
    const void *data;
    // How many they are.
    size_t len;
    // Its number: the first message of a log has 0.
    uint64_t seq;
    // When it was appended, ns since 1970.
    uint64_t timestamp_ns;
    // Where the result was `XBAR_LAGGED` or `XBAR_DAMAGED`: messages that were lost, exactly. 0 otherwise.
    uint64_t missed;
    // The writer's tag.
    uint16_t tag;
    // Where the result was `XBAR_DISCONNECTED`: 1 when the writer closed the log, 0 when it died.
    uint16_t clean;
    // 0.
    uint32_t reserved;
} xbar_record;

// How a log is written. Set `struct_size` to `sizeof(xbar_log_options)` and the rest to 0 but for what you want to choose.
typedef struct xbar_log_options {
    // `sizeof(xbar_log_options)`.
    size_t struct_size;
    // Bytes of each new segment, in whole pages: 16 KiB to 32 GiB. Default 64 MiB.
    uint64_t segment_bytes;
    // Oldest segments are deleted while all of them have more than so many bytes. Default 0: not for their bytes.
    uint64_t retain_bytes;
    // Segments are deleted whose last record is older, in ns. Default 0: not for their age.
    uint64_t retain_age_ns;
    // Oldest segments are deleted while the others have at least so many records. Default 0: not for their number.
    uint64_t retain_records;
    // 1: also segments are deleted that a cursor has not passed. Default 0.
    uint32_t retain_despite_cursors;
    // When records are written to the disk: one of `XBAR_DURABLE_*`.
    uint32_t durability;
    // How many milliseconds or records that is, 1 or more.
    uint32_t durability_number;
    // 1: times to the nanosecond, for some 20 ns a record. Default 0: of the kernel's last tick.
    uint32_t exact_times;
    // 1: the pages of a segment are not touched when it is made, so records pay for that. Default 0.
    uint32_t no_prefault;
    // 1: no thread makes segments ahead, so the record that begins one takes as long as that. Default 0.
    uint32_t no_helper;
} xbar_log_options;

// What a writer found when it opened a log. Set `struct_size` to `sizeof(xbar_log_recovery)` before it is filled.
typedef struct xbar_log_recovery {
    // `sizeof(xbar_log_recovery)`.
    size_t struct_size;
    // The segment that was looked through: the last one that can be read; 0 for none.
    uint64_t segment;
    // Messages in it whose checksums hold.
    uint64_t records_kept;
    // Messages that are missing among those.
    uint64_t records_lost;
    // Bytes behind the last message that are no message.
    uint64_t bytes_dropped;
    // Segments behind that one that cannot be read.
    uint64_t segments_dropped;
    // 1 when the writer before closed the log, or there was none.
    uint32_t clean;
    // 0.
    uint32_t reserved;
} xbar_log_recovery;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// What the last failed call of this thread found: one line in lower case, with what to do. Valid until the next call of this
// thread that fails; empty before the first one. Never NULL.
const char *xbar_last_error(void);

// The library's version, as "0.1.0".
const char *xbar_version(void);

// The library's `XBAR_ABI_VERSION`. A program that loads the library itself compares it.
uint32_t xbar_abi_version(void);

// Bytes that a region of this configuration will take, into `bytes`. NULL: of the defaults.
//
// # Safety
//
// `config` is NULL or points to a struct of the size that it says, with pointers that are NULL or as described there; `bytes`
// is NULL or may be written.
xbar_result xbar_config_footprint_bytes(const struct xbar_config *config,
                                        uint64_t *bytes);

// Creates region `name` (up to 100 letters, digits, `.`, `_`, `-`) and publishes there. `config` is NULL for the defaults: 64 topics of
// 64 messages of up to 4 KiB, in about 20 MB.
//
// A region of that name whose publishers are all dead is replaced. `XBAR_TAKEN` when a living process publishes under that name.
//
// # Safety
//
// `name` is NULL or ends with a zero byte; `config` as for `xbar_config_footprint_bytes`; `out` is NULL or may be written.
xbar_result xbar_publisher_create(const char *name,
                                  const struct xbar_config *config,
                                  struct xbar_publisher **out);

// Joins the living region `name` as one more publisher, for topics of its own and for those of many publishers. `dir` is where regions
// live, or NULL.
//
// # Safety
//
// `name` and `dir` are NULL or end with a zero byte; `out` is NULL or may be written.
xbar_result xbar_publisher_open(const char *name,
                                const char *dir,
                                struct xbar_publisher **out);

// Says how sends and publications of lossless topics wait for room: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends waits, or is
// NULL. Loans that are published with a time limit wait as by default.
//
// # Safety
//
// `publisher` and `shutdown` are NULL or handles that are not closed.
xbar_result xbar_publisher_set_waiting(const struct xbar_publisher *publisher,
                                       uint32_t wait,
                                       const struct xbar_shutdown *shutdown);

// Subscriber handles of the region that are alive; 0 for NULL.
//
// # Safety
//
// `publisher` is NULL or a handle that is not closed.
size_t xbar_publisher_subscriber_count(const struct xbar_publisher *publisher);

// Increases each time a region is created anew under the same name; 0 for NULL.
//
// # Safety
//
// `publisher` is NULL or a handle that is not closed.
uint64_t xbar_publisher_epoch(const struct xbar_publisher *publisher);

// Closes the handle. The last publisher of a region takes it away; readers keep what they hold.
//
// # Safety
//
// `publisher` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_publisher_close(struct xbar_publisher *publisher);

// Registers topic `uri`: `/` and segments of letters, digits, `.`, `_`, `-`, at most 255 bytes. `config` is NULL for the defaults: lossy, one
// publisher, any bytes, the region's depth and block size.
//
// A topic whose publisher is gone is taken over: its sequence numbers go on, and its readers too. `XBAR_TAKEN` when somebody
// alive publishes it, `XBAR_DIFFERS` when it is something else, `XBAR_LIMIT` when the region has no room for it.
//
// # Safety
//
// `publisher` is NULL or a handle that is not closed; `uri` is NULL or ends with a zero byte; `config` is NULL or points to a struct
// of the size that it says, with a name that is NULL or ends with a zero byte; `out` is NULL or may be written.
xbar_result xbar_publisher_register(const struct xbar_publisher *publisher,
                                    const char *uri,
                                    const struct xbar_topic_config *config,
                                    struct xbar_topic **out);

// Publishes a copy of `len` bytes. Waits for room where the topic is lossless. Up to 48 bytes (40 with many publishers) cost one
// cache line. Its number goes into `sequence`, unless that is NULL.
//
// `XBAR_TOO_LARGE` when it fits no block of the topic.
//
// # Safety
//
// `topic` is NULL or a handle that is not closed; `data` points to `len` bytes, or is NULL and `len` 0; `sequence` is NULL or
// may be written.
xbar_result xbar_topic_send(const struct xbar_topic *topic,
                            const void *data,
                            size_t len,
                            uint64_t *sequence);

// As `xbar_topic_send`, without waiting: `XBAR_FULL` when it would have to.
//
// # Safety
//
// As `xbar_topic_send`.
xbar_result xbar_topic_try_send(const struct xbar_topic *topic,
                                const void *data,
                                size_t len,
                                uint64_t *sequence);

// As `xbar_topic_send`, waiting up to `timeout_ns`: then `XBAR_FULL`.
//
// # Safety
//
// As `xbar_topic_send`.
xbar_result xbar_topic_send_timeout(const struct xbar_topic *topic,
                                    const void *data,
                                    size_t len,
                                    uint64_t timeout_ns,
                                    uint64_t *sequence);

// Lends room for a message of `len` bytes, to be written in place: `loan->data` then points to it, aligned to 64 bytes where it is longer than
// 48. Publish it or abandon it. Several loans may be out at once.
//
// The bytes are those of an earlier message of the region until they are written. `XBAR_TOO_LARGE` when it fits no block of the
// topic, `XBAR_LIMIT` when too many loans are out.
//
// # Safety
//
// `topic` is NULL or a handle that is not closed; `loan` is NULL or may be written: what was in it is not looked at.
xbar_result xbar_topic_loan(const struct xbar_topic *topic,
                            size_t len,
                            struct xbar_loan *loan);

// Streams that publishers of this lossless topic wait for, as far as this moment tells; 0 of other topics and for NULL.
//
// # Safety
//
// `topic` is NULL or a handle that is not closed.
size_t xbar_topic_reader_count(const struct xbar_topic *topic);

// `XBAR_LOSSY`, `XBAR_LOSSLESS` or `XBAR_PINNED`; `XBAR_LOSSY` for NULL.
//
// # Safety
//
// `topic` is NULL or a handle that is not closed.
uint32_t xbar_topic_delivery(const struct xbar_topic *topic);

// Closes the handle; its loans may still be published.
//
// # Safety
//
// `topic` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_topic_close(struct xbar_topic *topic);

// Makes the message `len` bytes long, keeping what is written. `loan->data` may be another pointer then.
//
// `XBAR_TOO_LARGE` when that is more than `loan->capacity`, `XBAR_LIMIT` when a loan of up to 48 bytes needs a block to grow and
// too many are out; nothing changes then.
//
// # Safety
//
// `loan` is NULL or a loan of `xbar_topic_loan`, and no copy of it.
xbar_result xbar_loan_set_len(struct xbar_loan *loan,
                              size_t len);

// Publishes the message. Takes as long whatever its size; waits for room where the topic is lossless. Its number goes into
// `sequence`, unless that is NULL. `XBAR_STOPPED` when the publisher's shutdown ended the wait: the loan stays then.
//
// # Safety
//
// `loan` is NULL or a loan of `xbar_topic_loan`, and no copy of it; `sequence` is NULL or may be written.
xbar_result xbar_loan_publish(struct xbar_loan *loan,
                              uint64_t *sequence);

// As `xbar_loan_publish`, without waiting: `XBAR_FULL` when it would have to, and the loan stays.
//
// # Safety
//
// As `xbar_loan_publish`.
xbar_result xbar_loan_try_publish(struct xbar_loan *loan, uint64_t *sequence);

// As `xbar_loan_publish`, waiting up to `timeout_ns`: then `XBAR_FULL`, and the loan stays.
//
// # Safety
//
// As `xbar_loan_publish`.
xbar_result xbar_loan_publish_timeout(struct xbar_loan *loan, uint64_t timeout_ns, uint64_t *sequence);

// Gives the room back; nobody notices. One that is published or abandoned already is left alone.
//
// # Safety
//
// `loan` is NULL or a loan of `xbar_topic_loan`, and no copy of it.
void xbar_loan_abandon(struct xbar_loan *loan);

// Joins the living region `name`. `options` is NULL for the defaults.
//
// `XBAR_NOT_FOUND` when there is no such region, `XBAR_NO_PUBLISHER` when its publishers are dead, `XBAR_DAMAGED` when its memory is damaged
// or of another version, `XBAR_LIMIT` when it has no room for another subscriber.
//
// # Safety
//
// `name` is NULL or ends with a zero byte; `options` is NULL or points to a struct of the size that it says, with a `dir` that is NULL or
// ends with a zero byte; `out` is NULL or may be written.
xbar_result xbar_subscriber_connect(const char *name,
                                    const struct xbar_connect_options *options,
                                    struct xbar_subscriber **out);

// Receives topic `uri`. `options` is NULL for the defaults: from now on, any bytes. Of a lossless topic, publishers wait for this
// stream from now on.
//
// `XBAR_NOT_FOUND` when nobody has registered the topic, `XBAR_LIMIT` when this subscriber has as many lossless streams as it may.
//
// # Safety
//
// `subscriber` is NULL or a handle that is not closed; `uri` is NULL or ends with a zero byte; `options` is NULL or points to a struct of
// the size that it says, with a name that is NULL or ends with a zero byte; `out` is NULL or may be written.
xbar_result xbar_subscriber_subscribe(const struct xbar_subscriber *subscriber,
                                      const char *uri,
                                      const struct xbar_subscribe_options *options,
                                      struct xbar_stream **out);

// Publisher handles of the region that are alive; 0 for NULL.
//
// # Safety
//
// `subscriber` is NULL or a handle that is not closed.
size_t xbar_subscriber_publisher_count(const struct xbar_subscriber *subscriber);

// Increases each time a region is created anew under the same name; 0 for NULL.
//
// # Safety
//
// `subscriber` is NULL or a handle that is not closed.
uint64_t xbar_subscriber_epoch(const struct xbar_subscriber *subscriber);

// Closes the handle; its streams stay.
//
// # Safety
//
// `subscriber` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_subscriber_close(struct xbar_subscriber *subscriber);

// Receives the next message into `sample`, if there is one; of a pinned topic the latest, if it was not received yet. Never waits.
//
// `XBAR_EMPTY` when there is none yet. `XBAR_LAGGED` when messages were overwritten: `sample->missed` says how many, once; the
// next call goes on behind them. `XBAR_DISCONNECTED` when the publisher is gone and everything was received. `XBAR_LIMIT` when
// as many samples are held as may be: release one, and the message is still there.
//
// # Safety
//
// `stream` is NULL or a handle that is not closed; `sample` is NULL or may be written: what was in it is not looked at, so release that
// before.
xbar_result xbar_stream_try_recv(const struct xbar_stream *stream,
                                 struct xbar_sample *sample);

// Receives the next message into `sample`, however long that takes. Results as of `xbar_stream_try_recv`, but for `XBAR_EMPTY`. A
// killed publisher is noticed within 100 ms.
//
// # Safety
//
// As `xbar_stream_try_recv`.
xbar_result xbar_stream_recv(const struct xbar_stream *stream,
                             struct xbar_sample *sample);

// As `xbar_stream_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`. 0 looks once.
//
// # Safety
//
// As `xbar_stream_try_recv`.
xbar_result xbar_stream_recv_timeout(const struct xbar_stream *stream,
                                     struct xbar_sample *sample,
                                     uint64_t timeout_ns);

// Receives the latest message of a pinned topic into `sample`, received already or not: the same until there is a newer one. Never
// waits, and never makes the publisher wait.
//
// `XBAR_EMPTY` only before the first message, `XBAR_NOT_PINNED` when the topic is not.
//
// # Safety
//
// As `xbar_stream_try_recv`.
xbar_result xbar_stream_try_latest(const struct xbar_stream *stream,
                                   struct xbar_sample *sample);

// As `xbar_stream_try_latest`, waiting up to `timeout_ns` for the first message: then `XBAR_TIMEOUT`.
//
// # Safety
//
// As `xbar_stream_try_recv`.
xbar_result xbar_stream_latest_timeout(const struct xbar_stream *stream,
                                       struct xbar_sample *sample,
                                       uint64_t timeout_ns);

// Says how this stream waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL.
//
// # Safety
//
// `stream` and `shutdown` are NULL or handles that are not closed.
xbar_result xbar_stream_set_waiting(const struct xbar_stream *stream,
                                    uint32_t wait,
                                    const struct xbar_shutdown *shutdown);

// Messages received so far; 0 for NULL.
//
// # Safety
//
// `stream` is NULL or a handle that is not closed.
uint64_t xbar_stream_received(const struct xbar_stream *stream);

// Messages missed so far: received + missed = published since the stream began, once it is drained. 0 for NULL.
//
// # Safety
//
// As `xbar_stream_received`.
uint64_t xbar_stream_missed(const struct xbar_stream *stream);

// Messages published and not yet received, as far as this moment tells; 0 for NULL.
//
// # Safety
//
// As `xbar_stream_received`.
uint64_t xbar_stream_pending(const struct xbar_stream *stream);

// `XBAR_LOSSY`, `XBAR_LOSSLESS` or `XBAR_PINNED`; `XBAR_LOSSY` for NULL.
//
// # Safety
//
// As `xbar_stream_received`.
uint32_t xbar_stream_delivery(const struct xbar_stream *stream);

// Waits up to `timeout_ns` for a living publisher to have the topic registered; whether one has. 0 looks once. False for NULL.
//
// # Safety
//
// As `xbar_stream_received`.
bool xbar_stream_wait_connected(const struct xbar_stream *stream,
                                uint64_t timeout_ns);

// Closes the handle. Samples that are held stay valid until they are released.
//
// # Safety
//
// `stream` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_stream_close(struct xbar_stream *stream);

// Lets a sample go: its block can be used again. One that is released already, and one without a message, is left alone.
//
// # Safety
//
// `sample` is NULL, zeroed, or was received into; and is no copy.
void xbar_sample_release(struct xbar_sample *sample);

// Makes a sample its own: it may go to another thread, and does not need its stream any more. `data` may be another pointer then, with the
// same bytes. To be released as any other.
//
// # Safety
//
// As `xbar_sample_release`.
xbar_result xbar_sample_detach(struct xbar_sample *sample);

// Makes a token that nobody has stopped.
//
// # Safety
//
// `out` is NULL or may be written.
xbar_result xbar_shutdown_new(struct xbar_shutdown **out);

// Ends all waits of handles that were given this token, now and later: they return `XBAR_STOPPED`. What is there already is still
// received and sent.
//
// # Safety
//
// `shutdown` is NULL or a token that is not closed.
xbar_result xbar_shutdown_stop(const struct xbar_shutdown *shutdown);

// Whether it was stopped; false for NULL.
//
// # Safety
//
// As `xbar_shutdown_stop`.
bool xbar_shutdown_is_stopped(const struct xbar_shutdown *shutdown);

// Frees the token. Handles that were given it keep what they need.
//
// # Safety
//
// `shutdown` is NULL or a token that nobody uses any more.
void xbar_shutdown_close(struct xbar_shutdown *shutdown);

// Looks for regions with a topic that matches `pattern` (`*`: one segment, `**`: any number), and for those topics; a region
// without topics is found by `/**`. Sorted by name. Regions of other users, or damaged ones, are left out. `dir` is where regions
// live, or NULL.
//
// # Safety
//
// `pattern` and `dir` are NULL or end with a zero byte; `out` is NULL or may be written.
xbar_result xbar_discover(const char *pattern,
                          const char *dir,
                          struct xbar_discovery **out);

// Regions that were found; 0 for NULL.
//
// # Safety
//
// `discovery` is NULL or a handle that is not closed.
size_t xbar_discovery_count(const struct xbar_discovery *discovery);

// Fills `info` with region `region`, from 0.
//
// # Safety
//
// `discovery` is NULL or a handle that is not closed; `info` is NULL or points to a struct of the size that it says.
xbar_result xbar_discovery_region(const struct xbar_discovery *discovery,
                                  size_t region,
                                  struct xbar_region_info *info);

// Fills `info` with topic `topic` of region `region`, from 0, in the order of registration.
//
// # Safety
//
// As `xbar_discovery_region`.
xbar_result xbar_discovery_topic(const struct xbar_discovery *discovery,
                                 size_t region,
                                 size_t topic,
                                 struct xbar_topic_info *info);

// Fills `info` with participant `participant` of region `region`, from 0: publishers, then subscribers.
//
// # Safety
//
// As `xbar_discovery_region`.
xbar_result xbar_discovery_participant(const struct xbar_discovery *discovery,
                                       size_t region,
                                       size_t participant,
                                       struct xbar_participant_info *info);

// Frees what was found, and its texts.
//
// # Safety
//
// `discovery` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_discovery_close(struct xbar_discovery *discovery);

// Creates bus `name`, or goes on with one like it whose writer was killed: its readers stay then.
//
// `XBAR_TAKEN` or `XBAR_LIMIT` when a living process writes it, `XBAR_INVALID` when buses have no values of that size and alignment: use a topic
// then.
//
// # Safety
//
// `name` is NULL or ends with a zero byte; `config` is NULL or points to a struct of the size that it says, with texts that are NULL or end
// with a zero byte; `out` is NULL or may be written.
xbar_result xbar_bus_create(const char *name,
                            const struct xbar_bus_config *config,
                            struct xbar_bus **out);

// Publishes the value of `size` bytes, that of the type. Waits for room where the bus is bounded.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed; `data` is NULL or points to `size` bytes.
xbar_result xbar_bus_publish(const struct xbar_bus *bus, const void *data, size_t size);

// As `xbar_bus_publish`, waiting up to `timeout_ns`: then `XBAR_FULL`. 0 does not wait.
//
// # Safety
//
// As `xbar_bus_publish`.
xbar_result xbar_bus_publish_timeout(const struct xbar_bus *bus,
                                     const void *data,
                                     size_t size,
                                     uint64_t timeout_ns);

// Says how `xbar_bus_publish` waits for room: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends waits, or is NULL.
//
// # Safety
//
// `bus` and `shutdown` are NULL or handles that are not closed.
xbar_result xbar_bus_set_waiting(const struct xbar_bus *bus,
                                 uint32_t wait,
                                 const struct xbar_shutdown *shutdown);

// Values published so far, by all writers that the bus has had; 0 for NULL.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed.
uint64_t xbar_bus_published(const struct xbar_bus *bus);

// Readers that are alive; 0 for NULL.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed.
size_t xbar_bus_subscriber_count(const struct xbar_bus *bus);

// Closes the handle, and removes the bus.
//
// # Safety
//
// `bus` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_bus_close(struct xbar_bus *bus);

// Joins bus `name` as a reader. Of `config`, `capacity`, `bounded` and `subscribers` say nothing here.
//
// `XBAR_NOT_FOUND` when there is no such bus, `XBAR_NO_PUBLISHER` when its writer is dead, `XBAR_DIFFERS` when it is of another type.
//
// # Safety
//
// As `xbar_bus_create`.
xbar_result xbar_bus_connect(const char *name,
                             const struct xbar_bus_config *config,
                             struct xbar_bus_reader **out);

// Receives the next value into `data`, which has room for the `size` bytes of the type. Never waits.
//
// `XBAR_EMPTY` when there is none yet; `XBAR_LAGGED` when values were overwritten: how many goes into `missed`, unless that is NULL, and the
// next call goes on behind them; `XBAR_DISCONNECTED` when the writer is gone and everything was received.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed; `data` is NULL or `size` bytes of it may be written; `missed` is NULL or may be written.
xbar_result xbar_bus_try_recv(struct xbar_bus_reader *reader,
                              void *data,
                              size_t size,
                              uint64_t *missed);

// As `xbar_bus_try_recv`, however long that takes.
//
// # Safety
//
// As `xbar_bus_try_recv`.
xbar_result xbar_bus_recv(struct xbar_bus_reader *reader, void *data, size_t size, uint64_t *missed);

// As `xbar_bus_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
//
// # Safety
//
// As `xbar_bus_try_recv`.
xbar_result xbar_bus_recv_timeout(struct xbar_bus_reader *reader,
                                  void *data,
                                  size_t size,
                                  uint64_t timeout_ns,
                                  uint64_t *missed);

// Receives the newest value and passes over those before it, which do not count as missed. Never waits. Results as of `xbar_bus_try_recv`.
//
// # Safety
//
// As `xbar_bus_try_recv`.
xbar_result xbar_bus_latest(struct xbar_bus_reader *reader,
                            void *data,
                            size_t size,
                            uint64_t *missed);

// Says how this reader waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL.
//
// # Safety
//
// `reader` and `shutdown` are NULL or handles that are not closed.
xbar_result xbar_bus_reader_set_waiting(struct xbar_bus_reader *reader,
                                        uint32_t wait,
                                        const struct xbar_shutdown *shutdown);

// Values received so far; 0 for NULL.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
uint64_t xbar_bus_reader_received(const struct xbar_bus_reader *reader);

// Values missed so far; 0 for NULL.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
uint64_t xbar_bus_reader_missed(const struct xbar_bus_reader *reader);

// Closes the handle.
//
// # Safety
//
// `reader` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_bus_reader_close(struct xbar_bus_reader *reader);

// Creates byte bus `name`, or goes on with one of the same capacity whose writer was killed: its readers stay then. `config` is NULL for the
// defaults; `timeout_ns`, `messages` and `start` say nothing here.
//
// `XBAR_TAKEN` or `XBAR_LIMIT` when a living process writes it, `XBAR_BAD_CONFIG` when no ring has that capacity.
//
// # Safety
//
// `name` is NULL or ends with a zero byte; `config` is NULL or points to a struct of the size that it says, with a `dir` that is NULL or ends
// with a zero byte; `out` is NULL or may be written.
xbar_result xbar_byte_bus_create(const char *name,
                                 const struct xbar_byte_bus_config *config,
                                 struct xbar_byte_bus **out);

// Sends the message of `len` bytes, of a kind by which readers may tell messages apart. Never waits: it overwrites the oldest messages. The
// message's number, from 0, goes into `sequence`, unless that is NULL.
//
// `XBAR_TOO_LARGE` when it is longer than `xbar_byte_bus_most_bytes` says.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed; `data` is NULL or points to `len` bytes; `sequence` is NULL or may be written.
xbar_result xbar_byte_bus_send(struct xbar_byte_bus *bus,
                               uint16_t kind,
                               const void *data,
                               size_t len,
                               uint64_t *sequence);

// Messages sent so far, by all writers that the bus has had; 0 for NULL.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed.
uint64_t xbar_byte_bus_sent(const struct xbar_byte_bus *bus);

// Bytes of the longest message; 0 for NULL.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed.
size_t xbar_byte_bus_most_bytes(const struct xbar_byte_bus *bus);

// Readers that are alive; 0 for NULL.
//
// # Safety
//
// `bus` is NULL or a handle that is not closed.
size_t xbar_byte_bus_subscriber_count(const struct xbar_byte_bus *bus);

// Closes the handle, and removes the bus.
//
// # Safety
//
// `bus` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_byte_bus_close(struct xbar_byte_bus *bus);

// Joins byte bus `name` as a reader. `config` is NULL for the defaults; `capacity_bytes` and `subscribers` say nothing here.
//
// `XBAR_NOT_FOUND` when there is no such bus, `XBAR_NO_PUBLISHER` when its writer is dead, `XBAR_DIFFERS` when it is something else.
//
// # Safety
//
// As `xbar_byte_bus_create`.
xbar_result xbar_byte_bus_connect(const char *name,
                                  const struct xbar_byte_bus_config *config,
                                  struct xbar_byte_bus_reader **out);

// Receives the next message into `message`, if there is one. Never waits.
//
// `XBAR_EMPTY` when there is none yet; `XBAR_LAGGED` when messages were overwritten: `message->missed` says how many, once, and the next call
// goes on behind them; `XBAR_DISCONNECTED` when the writer is gone and everything was received.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed; `message` is NULL or may be written.
xbar_result xbar_byte_bus_try_recv(struct xbar_byte_bus_reader *reader,
                                   struct xbar_byte_message *message);

// As `xbar_byte_bus_try_recv`, however long that takes.
//
// # Safety
//
// As `xbar_byte_bus_try_recv`.
xbar_result xbar_byte_bus_recv(struct xbar_byte_bus_reader *reader, struct xbar_byte_message *message);

// As `xbar_byte_bus_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
//
// # Safety
//
// As `xbar_byte_bus_try_recv`.
xbar_result xbar_byte_bus_recv_timeout(struct xbar_byte_bus_reader *reader,
                                       struct xbar_byte_message *message,
                                       uint64_t timeout_ns);

// Receives the newest message and passes over those before it, which do not count as missed. Never waits. Results as of
// `xbar_byte_bus_try_recv`.
//
// # Safety
//
// As `xbar_byte_bus_try_recv`.
xbar_result xbar_byte_bus_latest(struct xbar_byte_bus_reader *reader,
                                 struct xbar_byte_message *message);

// Says how this reader waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL.
//
// # Safety
//
// `reader` and `shutdown` are NULL or handles that are not closed.
xbar_result xbar_byte_bus_reader_set_waiting(struct xbar_byte_bus_reader *reader,
                                             uint32_t wait,
                                             const struct xbar_shutdown *shutdown);

// Messages received so far; 0 for NULL. Received + skipped + missed = sent since it joined, once it has received all.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
uint64_t xbar_byte_bus_reader_received(const struct xbar_byte_bus_reader *reader);

// Messages missed so far; 0 for NULL.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
uint64_t xbar_byte_bus_reader_missed(const struct xbar_byte_bus_reader *reader);

// Messages that `xbar_byte_bus_latest` passed over; 0 for NULL.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
uint64_t xbar_byte_bus_reader_skipped(const struct xbar_byte_bus_reader *reader);

// Closes the handle.
//
// # Safety
//
// `reader` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_byte_bus_reader_close(struct xbar_byte_bus_reader *reader);

// Connects to whoever serves under `name`. `dir` is where servers live, or NULL.
//
// `XBAR_NOT_FOUND` or `XBAR_NO_PUBLISHER` when nobody serves there, `XBAR_LIMIT` when it has no room for another client.
//
// # Safety
//
// `name` and `dir` are NULL or end with a zero byte; `out` is NULL or may be written.
xbar_result xbar_client_connect(const char *name,
                                const char *dir,
                                struct xbar_client **out);

// Sends a copy of `len` bytes as a request that is worth an answer for `timeout_ns`, or `XBAR_FOREVER`. Its number goes into `id`. Waits for
// room.
//
// `XBAR_DISCONNECTED` when the server is gone, `XBAR_TIMEOUT` when there was no room in time, `XBAR_TOO_LARGE` when the request is.
//
// # Safety
//
// `client` is NULL or a handle that is not closed; `data` points to `len` bytes, or is NULL and `len` 0; `id` is NULL or may be
// written.
xbar_result xbar_client_send(const struct xbar_client *client,
                             const void *data,
                             size_t len,
                             uint64_t timeout_ns,
                             uint64_t *id);

// Waits for the answer to request `id`, as long as the request said. Answers to others that come meanwhile are kept.
//
// `XBAR_TIMEOUT`, `XBAR_REFUSED` when the server dropped it, `XBAR_DISCONNECTED` when the server is gone: the request is over
// then. `XBAR_LIMIT` when too many replies are held: it goes on. `XBAR_NOT_FOUND` when no such request is in flight.
//
// # Safety
//
// `client` is NULL or a handle that is not closed; `reply` is NULL or may be written: what was in it is not looked at.
xbar_result xbar_client_wait(const struct xbar_client *client,
                             uint64_t id,
                             struct xbar_reply *reply);

// As `xbar_client_wait`, without waiting: `XBAR_EMPTY` when there is no answer yet.
//
// # Safety
//
// As `xbar_client_wait`.
xbar_result xbar_client_try_recv(const struct xbar_client *client, uint64_t id, struct xbar_reply *reply);

// Stops waiting for a request. A reply that comes nevertheless is thrown away.
//
// # Safety
//
// `client` is NULL or a handle that is not closed.
xbar_result xbar_client_give_up(const struct xbar_client *client, uint64_t id);

// Requests that were sent, and neither answered nor given up; 0 for NULL.
//
// # Safety
//
// `client` is NULL or a handle that is not closed.
size_t xbar_client_in_flight(const struct xbar_client *client);

// Lets an answer go. One that is released already is left alone.
//
// # Safety
//
// `reply` is NULL, zeroed, or was received into; and is no copy.
void xbar_reply_release(struct xbar_reply *reply);

// Closes the handle. Replies that are held stay valid until they are released.
//
// # Safety
//
// `client` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_client_close(struct xbar_client *client);

// Begins to serve under `name`. `config` is NULL for the defaults.
//
// Where a server was killed or closed whose clients live, this one takes its place, and they go on with it: `XBAR_DIFFERS` when it had another
// configuration. `XBAR_TAKEN` when somebody alive serves there.
//
// # Safety
//
// `name` is NULL or ends with a zero byte; `config` is NULL or points to a struct of the size that it says, with a `dir` that is NULL or
// ends with a zero byte; `out` is NULL or may be written.
xbar_result xbar_server_serve(const char *name,
                              const struct xbar_server_config *config,
                              struct xbar_server **out);

// Receives the next request that somebody still waits for, if there is one: `XBAR_EMPTY` otherwise, `XBAR_LIMIT` when too many requests
// are held.
//
// # Safety
//
// `server` is NULL or a handle that is not closed; `request` is NULL or may be written: what was in it is not looked at.
xbar_result xbar_server_try_recv(const struct xbar_server *server,
                                 struct xbar_request *request);

// As `xbar_server_try_recv`, however long that takes.
//
// # Safety
//
// As `xbar_server_try_recv`.
xbar_result xbar_server_recv(const struct xbar_server *server, struct xbar_request *request);

// As `xbar_server_try_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
//
// # Safety
//
// As `xbar_server_try_recv`.
xbar_result xbar_server_recv_timeout(const struct xbar_server *server,
                                     struct xbar_request *request,
                                     uint64_t timeout_ns);

// Answers a request with a copy of `len` bytes. Never waits. The request is over, whatever the result: its client is told when
// there is no reply for it.
//
// `XBAR_DISCONNECTED` when the client is gone, `XBAR_FULL` when it does not receive, `XBAR_TOO_LARGE` when the reply is.
//
// # Safety
//
// `request` is NULL or a request of this library, and no copy of it; `data` points to `len` bytes, or is NULL and `len` 0.
xbar_result xbar_request_reply(struct xbar_request *request,
                               const void *data,
                               size_t len);

// Lends room for a reply of `len` bytes, to be written in place. The request is over, whatever the result.
//
// # Safety
//
// `request` is NULL or a request of this library, and no copy of it; `loan` is NULL or may be written.
xbar_result xbar_request_loan(struct xbar_request *request, size_t len, struct xbar_reply_loan *loan);

// Time in ns that the client still waits; `XBAR_FOREVER` when it waits for ever, 0 for NULL and requests that are over.
//
// # Safety
//
// `request` is NULL or a request of this library, and no copy of it.
uint64_t xbar_request_time_left_ns(const struct xbar_request *request);

// Drops a request: its client is told so. One that is over is left alone.
//
// # Safety
//
// `request` is NULL or a request of this library, and no copy of it.
void xbar_request_drop(struct xbar_request *request);

// Sends the reply. Never waits. Results as of `xbar_request_reply`.
//
// # Safety
//
// `loan` is NULL or a loan of `xbar_request_loan`, and no copy of it.
xbar_result xbar_reply_loan_send(struct xbar_reply_loan *loan);

// Abandons the reply, and with it the request: its client is told so. One that is over is left alone.
//
// # Safety
//
// As `xbar_reply_loan_send`.
void xbar_reply_loan_abandon(struct xbar_reply_loan *loan);

// Requests that nobody waited for any more when they were received, and that were dropped therefore; 0 for NULL.
//
// # Safety
//
// `server` is NULL or a handle that is not closed.
uint64_t xbar_server_expired(const struct xbar_server *server);

// Closes the handle. Requests that are held may still be answered.
//
// # Safety
//
// `server` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_server_close(struct xbar_server *server);

// Opens cursor `cursor` of log `log` in `folder`; a new one stands before the first message.
//
// # Safety
//
// `folder`, `log` and `cursor` are NULL or end with a zero byte; `out` is NULL or may be written.
xbar_result xbar_log_cursor_open(const char *folder,
                                 const char *log,
                                 const char *cursor,
                                 struct xbar_log_cursor **out);

// The number of the next message to be read; 0 for NULL.
//
// # Safety
//
// `cursor` is NULL or a handle that is not closed.
uint64_t xbar_log_cursor_seq(const struct xbar_log_cursor *cursor);

// Stands before message `seq` from now on: all before it are done with. There for everybody at once, also when this process dies
// behind it.
//
// # Safety
//
// `cursor` is NULL or a handle that is not closed.
xbar_result xbar_log_cursor_store(const struct xbar_log_cursor *cursor,
                                  uint64_t seq);

// Returns when the place is on the disk.
//
// # Safety
//
// `cursor` is NULL or a handle that is not closed.
xbar_result xbar_log_cursor_flush(const struct xbar_log_cursor *cursor);

// Removes cursor `cursor` of log `log` in `folder`, so that nothing is kept for it any more; whether there was one goes into
// `removed`, unless that is NULL.
//
// # Safety
//
// `folder`, `log` and `cursor` are NULL or end with a zero byte; `removed` is NULL or may be written.
xbar_result xbar_log_cursor_remove(const char *folder,
                                   const char *log,
                                   const char *cursor,
                                   bool *removed);

// Closes the handle; the place stays.
//
// # Safety
//
// `cursor` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_log_cursor_close(struct xbar_log_cursor *cursor);

// Opens log `name` in `folder`, to read from the oldest message that is there.
//
// `XBAR_NOT_FOUND` when there is none, `XBAR_DAMAGED` when none of its segments can be read.
//
// # Safety
//
// `folder` and `name` are NULL or end with a zero byte; `out` is NULL or may be written.
xbar_result xbar_log_reader_open(const char *folder, const char *name, struct xbar_log_reader **out);

// Goes elsewhere: the next message is the one that `start`, one of `XBAR_SEEK_*`, and `number` say.
//
// `XBAR_EMPTY` for a number that was not appended yet: the reader stands at the live end then.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
xbar_result xbar_log_reader_seek(struct xbar_log_reader *reader, uint32_t start, uint64_t number);

// Reads the next message into `record`, if there is one. Never waits.
//
// `XBAR_EMPTY` when there is none yet, `XBAR_LAGGED` when messages were deleted before they were read, `XBAR_DAMAGED` when bytes are
// not what the writer wrote: `record->missed` says how many messages that cost, once, and the next call goes on behind them.
// `XBAR_DISCONNECTED` when all is read and nobody writes any more; should somebody begin to, reading goes on.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed; `record` is NULL or may be written.
xbar_result xbar_log_reader_try_next(struct xbar_log_reader *reader,
                                     struct xbar_record *record);

// As `xbar_log_reader_try_next`, for the message before the one that would be next: back in time. `XBAR_EMPTY` before the first.
//
// # Safety
//
// As `xbar_log_reader_try_next`.
xbar_result xbar_log_reader_try_previous(struct xbar_log_reader *reader,
                                         struct xbar_record *record);

// Reads the next message into `record`, however long that takes. Results as of `xbar_log_reader_try_next`, but for `XBAR_EMPTY`.
//
// # Safety
//
// As `xbar_log_reader_try_next`.
xbar_result xbar_log_reader_next(struct xbar_log_reader *reader,
                                 struct xbar_record *record);

// As `xbar_log_reader_next`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
//
// # Safety
//
// As `xbar_log_reader_try_next`.
xbar_result xbar_log_reader_next_timeout(struct xbar_log_reader *reader,
                                         struct xbar_record *record,
                                         uint64_t timeout_ns);

// Says how this reader waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL. Nobody can wake a reader that
// sleeps: it looks again after a millisecond at most.
//
// # Safety
//
// `reader` and `shutdown` are NULL or handles that are not closed.
xbar_result xbar_log_reader_set_waiting(struct xbar_log_reader *reader,
                                        uint32_t wait,
                                        const struct xbar_shutdown *shutdown);

// The number of the next message: what a cursor stores. 0 for NULL.
//
// # Safety
//
// `reader` is NULL or a handle that is not closed.
uint64_t xbar_log_reader_next_seq(const struct xbar_log_reader *reader);

// Closes the handle, and ends the validity of its last record.
//
// # Safety
//
// `reader` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_log_reader_close(struct xbar_log_reader *reader);

// Opens log `name` in `folder` to append to it; both are made if need be. `options` is NULL for the defaults.
//
// `XBAR_TAKEN` when somebody writes it already, `XBAR_NO_SPACE` when a segment does not fit.
//
// # Safety
//
// `folder` and `name` are NULL or end with a zero byte; `options` is NULL or points to a struct of the size that it says; `out` is NULL or
// may be written.
xbar_result xbar_log_writer_open(const char *folder,
                                 const char *name,
                                 const struct xbar_log_options *options,
                                 struct xbar_log_writer **out);

// Appends a message of `len` bytes with a tag, its type say, or 0. Its number goes into `seq`, unless that is NULL.
//
// `XBAR_TOO_LARGE`, `XBAR_NO_SPACE`: nothing was appended, and the writer goes on as before. `XBAR_SYSTEM`: it was appended, and is
// perhaps not on the disk.
//
// # Safety
//
// `writer` is NULL or a handle that is not closed; `data` points to `len` bytes, or is NULL and `len` 0; `seq` is NULL or may
// be written.
xbar_result xbar_log_writer_append(struct xbar_log_writer *writer,
                                   uint16_t tag,
                                   const void *data,
                                   size_t len,
                                   uint64_t *seq);

// As `xbar_log_writer_append`, for a message that has a time of its own, in ns since 1970. A time before the last record's becomes that
// one's.
//
// # Safety
//
// As `xbar_log_writer_append`.
xbar_result xbar_log_writer_append_at(struct xbar_log_writer *writer,
                                      uint16_t tag,
                                      uint64_t timestamp_ns,
                                      const void *data,
                                      size_t len,
                                      uint64_t *seq);

// Returns when all records are on the disk.
//
// # Safety
//
// `writer` is NULL or a handle that is not closed.
xbar_result xbar_log_writer_flush(struct xbar_log_writer *writer);

// Deletes what need not be kept any more, as is done whenever a segment is full; how many segments that were goes into `segments`, unless that
// is NULL.
//
// # Safety
//
// `writer` is NULL or a handle that is not closed; `segments` is NULL or may be written.
xbar_result xbar_log_writer_retain(struct xbar_log_writer *writer,
                                   size_t *segments);

// Fills `recovery` with what was found when the log was opened.
//
// # Safety
//
// `writer` is NULL or a handle that is not closed; `recovery` is NULL or points to a struct of the size that it says.
xbar_result xbar_log_writer_recovery(struct xbar_log_writer *writer,
                                     struct xbar_log_recovery *recovery);

// The number of the message that comes next: so many were appended so far. 0 for NULL.
//
// # Safety
//
// `writer` is NULL or a handle that is not closed.
uint64_t xbar_log_writer_next_seq(const struct xbar_log_writer *writer);

// Longest message in bytes; 0 for NULL.
//
// # Safety
//
// `writer` is NULL or a handle that is not closed.
size_t xbar_log_writer_most_bytes(const struct xbar_log_writer *writer);

// Closes the log: readers that have read all hear that it ended well. Flush before, to hear of what the disk refuses.
//
// # Safety
//
// `writer` is NULL or a handle that nobody uses any more: closing one twice is undefined.
void xbar_log_writer_close(struct xbar_log_writer *writer);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

// Where the fields of structs lie: another place is another ABI.
#ifdef __cplusplus
#define XBAR_ASSERT static_assert
#else
#define XBAR_ASSERT _Static_assert
#endif
XBAR_ASSERT(sizeof(xbar_size_class) == 24, "size of xbar_size_class");
XBAR_ASSERT(offsetof(xbar_size_class, block_bytes) == 0, "xbar_size_class.block_bytes");
XBAR_ASSERT(offsetof(xbar_size_class, topics) == 4, "xbar_size_class.topics");
XBAR_ASSERT(offsetof(xbar_size_class, depth) == 8, "xbar_size_class.depth");
XBAR_ASSERT(offsetof(xbar_size_class, samples) == 12, "xbar_size_class.samples");
XBAR_ASSERT(offsetof(xbar_size_class, loans) == 16, "xbar_size_class.loans");
XBAR_ASSERT(offsetof(xbar_size_class, blocks) == 20, "xbar_size_class.blocks");
XBAR_ASSERT(sizeof(xbar_config) == 88, "size of xbar_config");
XBAR_ASSERT(offsetof(xbar_config, struct_size) == 0, "xbar_config.struct_size");
XBAR_ASSERT(offsetof(xbar_config, dir) == 8, "xbar_config.dir");
XBAR_ASSERT(offsetof(xbar_config, size_classes) == 16, "xbar_config.size_classes");
XBAR_ASSERT(offsetof(xbar_config, size_class_count) == 24, "xbar_config.size_class_count");
XBAR_ASSERT(offsetof(xbar_config, budget_bytes) == 32, "xbar_config.budget_bytes");
XBAR_ASSERT(offsetof(xbar_config, topics) == 40, "xbar_config.topics");
XBAR_ASSERT(offsetof(xbar_config, depth) == 44, "xbar_config.depth");
XBAR_ASSERT(offsetof(xbar_config, block_bytes) == 48, "xbar_config.block_bytes");
XBAR_ASSERT(offsetof(xbar_config, blocks) == 52, "xbar_config.blocks");
XBAR_ASSERT(offsetof(xbar_config, publishers) == 56, "xbar_config.publishers");
XBAR_ASSERT(offsetof(xbar_config, subscribers) == 60, "xbar_config.subscribers");
XBAR_ASSERT(offsetof(xbar_config, samples) == 64, "xbar_config.samples");
XBAR_ASSERT(offsetof(xbar_config, loans) == 68, "xbar_config.loans");
XBAR_ASSERT(offsetof(xbar_config, lossless_streams) == 72, "xbar_config.lossless_streams");
XBAR_ASSERT(offsetof(xbar_config, publish_times) == 76, "xbar_config.publish_times");
XBAR_ASSERT(offsetof(xbar_config, shared_with) == 80, "xbar_config.shared_with");
XBAR_ASSERT(offsetof(xbar_config, reserved) == 84, "xbar_config.reserved");
XBAR_ASSERT(sizeof(xbar_topic_config) == 40, "size of xbar_topic_config");
XBAR_ASSERT(offsetof(xbar_topic_config, struct_size) == 0, "xbar_topic_config.struct_size");
XBAR_ASSERT(offsetof(xbar_topic_config, delivery) == 8, "xbar_topic_config.delivery");
XBAR_ASSERT(offsetof(xbar_topic_config, many_publishers) == 12, "xbar_topic_config.many_publishers");
XBAR_ASSERT(offsetof(xbar_topic_config, depth) == 16, "xbar_topic_config.depth");
XBAR_ASSERT(offsetof(xbar_topic_config, max_bytes) == 20, "xbar_topic_config.max_bytes");
XBAR_ASSERT(offsetof(xbar_topic_config, value_size) == 24, "xbar_topic_config.value_size");
XBAR_ASSERT(offsetof(xbar_topic_config, value_align) == 28, "xbar_topic_config.value_align");
XBAR_ASSERT(offsetof(xbar_topic_config, value_name) == 32, "xbar_topic_config.value_name");
XBAR_ASSERT(sizeof(xbar_loan) == 32, "size of xbar_loan");
XBAR_ASSERT(offsetof(xbar_loan, data) == 0, "xbar_loan.data");
XBAR_ASSERT(offsetof(xbar_loan, len) == 8, "xbar_loan.len");
XBAR_ASSERT(offsetof(xbar_loan, capacity) == 16, "xbar_loan.capacity");
XBAR_ASSERT(offsetof(xbar_loan, internal) == 24, "xbar_loan.internal");
XBAR_ASSERT(sizeof(xbar_connect_options) == 32, "size of xbar_connect_options");
XBAR_ASSERT(offsetof(xbar_connect_options, struct_size) == 0, "xbar_connect_options.struct_size");
XBAR_ASSERT(offsetof(xbar_connect_options, dir) == 8, "xbar_connect_options.dir");
XBAR_ASSERT(offsetof(xbar_connect_options, timeout_ns) == 16, "xbar_connect_options.timeout_ns");
XBAR_ASSERT(offsetof(xbar_connect_options, of_user) == 24, "xbar_connect_options.of_user");
XBAR_ASSERT(offsetof(xbar_connect_options, user) == 28, "xbar_connect_options.user");
XBAR_ASSERT(sizeof(xbar_subscribe_options) == 48, "size of xbar_subscribe_options");
XBAR_ASSERT(offsetof(xbar_subscribe_options, struct_size) == 0, "xbar_subscribe_options.struct_size");
XBAR_ASSERT(offsetof(xbar_subscribe_options, messages) == 8, "xbar_subscribe_options.messages");
XBAR_ASSERT(offsetof(xbar_subscribe_options, timeout_ns) == 16, "xbar_subscribe_options.timeout_ns");
XBAR_ASSERT(offsetof(xbar_subscribe_options, value_name) == 24, "xbar_subscribe_options.value_name");
XBAR_ASSERT(offsetof(xbar_subscribe_options, value_size) == 32, "xbar_subscribe_options.value_size");
XBAR_ASSERT(offsetof(xbar_subscribe_options, value_align) == 36, "xbar_subscribe_options.value_align");
XBAR_ASSERT(offsetof(xbar_subscribe_options, start) == 40, "xbar_subscribe_options.start");
XBAR_ASSERT(offsetof(xbar_subscribe_options, reserved) == 44, "xbar_subscribe_options.reserved");
XBAR_ASSERT(sizeof(xbar_sample) == 56, "size of xbar_sample");
XBAR_ASSERT(offsetof(xbar_sample, data) == 0, "xbar_sample.data");
XBAR_ASSERT(offsetof(xbar_sample, len) == 8, "xbar_sample.len");
XBAR_ASSERT(offsetof(xbar_sample, sequence) == 16, "xbar_sample.sequence");
XBAR_ASSERT(offsetof(xbar_sample, publish_time_ns) == 24, "xbar_sample.publish_time_ns");
XBAR_ASSERT(offsetof(xbar_sample, missed) == 32, "xbar_sample.missed");
XBAR_ASSERT(offsetof(xbar_sample, internal) == 40, "xbar_sample.internal");
XBAR_ASSERT(sizeof(xbar_region_info) == 88, "size of xbar_region_info");
XBAR_ASSERT(offsetof(xbar_region_info, struct_size) == 0, "xbar_region_info.struct_size");
XBAR_ASSERT(offsetof(xbar_region_info, name) == 8, "xbar_region_info.name");
XBAR_ASSERT(offsetof(xbar_region_info, epoch) == 16, "xbar_region_info.epoch");
XBAR_ASSERT(offsetof(xbar_region_info, publishers) == 24, "xbar_region_info.publishers");
XBAR_ASSERT(offsetof(xbar_region_info, subscribers) == 32, "xbar_region_info.subscribers");
XBAR_ASSERT(offsetof(xbar_region_info, footprint_bytes) == 40, "xbar_region_info.footprint_bytes");
XBAR_ASSERT(offsetof(xbar_region_info, created_unix_ns) == 48, "xbar_region_info.created_unix_ns");
XBAR_ASSERT(offsetof(xbar_region_info, last_active_unix_ns) == 56, "xbar_region_info.last_active_unix_ns");
XBAR_ASSERT(offsetof(xbar_region_info, topic_count) == 64, "xbar_region_info.topic_count");
XBAR_ASSERT(offsetof(xbar_region_info, participant_count) == 72, "xbar_region_info.participant_count");
XBAR_ASSERT(offsetof(xbar_region_info, creator_pid) == 80, "xbar_region_info.creator_pid");
XBAR_ASSERT(offsetof(xbar_region_info, reserved) == 84, "xbar_region_info.reserved");
XBAR_ASSERT(sizeof(xbar_topic_info) == 56, "size of xbar_topic_info");
XBAR_ASSERT(offsetof(xbar_topic_info, struct_size) == 0, "xbar_topic_info.struct_size");
XBAR_ASSERT(offsetof(xbar_topic_info, uri) == 8, "xbar_topic_info.uri");
XBAR_ASSERT(offsetof(xbar_topic_info, value_type) == 16, "xbar_topic_info.value_type");
XBAR_ASSERT(offsetof(xbar_topic_info, published) == 24, "xbar_topic_info.published");
XBAR_ASSERT(offsetof(xbar_topic_info, publishers) == 32, "xbar_topic_info.publishers");
XBAR_ASSERT(offsetof(xbar_topic_info, delivery) == 40, "xbar_topic_info.delivery");
XBAR_ASSERT(offsetof(xbar_topic_info, many_publishers) == 44, "xbar_topic_info.many_publishers");
XBAR_ASSERT(offsetof(xbar_topic_info, depth) == 48, "xbar_topic_info.depth");
XBAR_ASSERT(offsetof(xbar_topic_info, block_bytes) == 52, "xbar_topic_info.block_bytes");
XBAR_ASSERT(sizeof(xbar_participant_info) == 64, "size of xbar_participant_info");
XBAR_ASSERT(offsetof(xbar_participant_info, struct_size) == 0, "xbar_participant_info.struct_size");
XBAR_ASSERT(offsetof(xbar_participant_info, joined_unix_ns) == 8, "xbar_participant_info.joined_unix_ns");
XBAR_ASSERT(offsetof(xbar_participant_info, active_unix_ns) == 16, "xbar_participant_info.active_unix_ns");
XBAR_ASSERT(offsetof(xbar_participant_info, published) == 24, "xbar_participant_info.published");
XBAR_ASSERT(offsetof(xbar_participant_info, waits) == 32, "xbar_participant_info.waits");
XBAR_ASSERT(offsetof(xbar_participant_info, received) == 40, "xbar_participant_info.received");
XBAR_ASSERT(offsetof(xbar_participant_info, missed) == 48, "xbar_participant_info.missed");
XBAR_ASSERT(offsetof(xbar_participant_info, pid) == 56, "xbar_participant_info.pid");
XBAR_ASSERT(offsetof(xbar_participant_info, is_publisher) == 60, "xbar_participant_info.is_publisher");
XBAR_ASSERT(sizeof(xbar_bus_config) == 56, "size of xbar_bus_config");
XBAR_ASSERT(offsetof(xbar_bus_config, struct_size) == 0, "xbar_bus_config.struct_size");
XBAR_ASSERT(offsetof(xbar_bus_config, dir) == 8, "xbar_bus_config.dir");
XBAR_ASSERT(offsetof(xbar_bus_config, value_name) == 16, "xbar_bus_config.value_name");
XBAR_ASSERT(offsetof(xbar_bus_config, timeout_ns) == 24, "xbar_bus_config.timeout_ns");
XBAR_ASSERT(offsetof(xbar_bus_config, value_size) == 32, "xbar_bus_config.value_size");
XBAR_ASSERT(offsetof(xbar_bus_config, value_align) == 36, "xbar_bus_config.value_align");
XBAR_ASSERT(offsetof(xbar_bus_config, capacity) == 40, "xbar_bus_config.capacity");
XBAR_ASSERT(offsetof(xbar_bus_config, bounded) == 44, "xbar_bus_config.bounded");
XBAR_ASSERT(offsetof(xbar_bus_config, subscribers) == 48, "xbar_bus_config.subscribers");
XBAR_ASSERT(offsetof(xbar_bus_config, start) == 52, "xbar_bus_config.start");
XBAR_ASSERT(sizeof(xbar_byte_bus_config) == 48, "size of xbar_byte_bus_config");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, struct_size) == 0, "xbar_byte_bus_config.struct_size");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, dir) == 8, "xbar_byte_bus_config.dir");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, timeout_ns) == 16, "xbar_byte_bus_config.timeout_ns");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, capacity_bytes) == 24, "xbar_byte_bus_config.capacity_bytes");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, messages) == 32, "xbar_byte_bus_config.messages");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, subscribers) == 40, "xbar_byte_bus_config.subscribers");
XBAR_ASSERT(offsetof(xbar_byte_bus_config, start) == 44, "xbar_byte_bus_config.start");
XBAR_ASSERT(sizeof(xbar_byte_message) == 40, "size of xbar_byte_message");
XBAR_ASSERT(offsetof(xbar_byte_message, data) == 0, "xbar_byte_message.data");
XBAR_ASSERT(offsetof(xbar_byte_message, len) == 8, "xbar_byte_message.len");
XBAR_ASSERT(offsetof(xbar_byte_message, sequence) == 16, "xbar_byte_message.sequence");
XBAR_ASSERT(offsetof(xbar_byte_message, missed) == 24, "xbar_byte_message.missed");
XBAR_ASSERT(offsetof(xbar_byte_message, kind) == 32, "xbar_byte_message.kind");
XBAR_ASSERT(offsetof(xbar_byte_message, reserved) == 34, "xbar_byte_message.reserved");
XBAR_ASSERT(sizeof(xbar_reply) == 24, "size of xbar_reply");
XBAR_ASSERT(offsetof(xbar_reply, data) == 0, "xbar_reply.data");
XBAR_ASSERT(offsetof(xbar_reply, len) == 8, "xbar_reply.len");
XBAR_ASSERT(offsetof(xbar_reply, internal) == 16, "xbar_reply.internal");
XBAR_ASSERT(sizeof(xbar_server_config) == 32, "size of xbar_server_config");
XBAR_ASSERT(offsetof(xbar_server_config, struct_size) == 0, "xbar_server_config.struct_size");
XBAR_ASSERT(offsetof(xbar_server_config, dir) == 8, "xbar_server_config.dir");
XBAR_ASSERT(offsetof(xbar_server_config, clients) == 16, "xbar_server_config.clients");
XBAR_ASSERT(offsetof(xbar_server_config, depth) == 20, "xbar_server_config.depth");
XBAR_ASSERT(offsetof(xbar_server_config, max_bytes) == 24, "xbar_server_config.max_bytes");
XBAR_ASSERT(offsetof(xbar_server_config, reserved) == 28, "xbar_server_config.reserved");
XBAR_ASSERT(sizeof(xbar_request) == 24, "size of xbar_request");
XBAR_ASSERT(offsetof(xbar_request, data) == 0, "xbar_request.data");
XBAR_ASSERT(offsetof(xbar_request, len) == 8, "xbar_request.len");
XBAR_ASSERT(offsetof(xbar_request, internal) == 16, "xbar_request.internal");
XBAR_ASSERT(sizeof(xbar_reply_loan) == 24, "size of xbar_reply_loan");
XBAR_ASSERT(offsetof(xbar_reply_loan, data) == 0, "xbar_reply_loan.data");
XBAR_ASSERT(offsetof(xbar_reply_loan, len) == 8, "xbar_reply_loan.len");
XBAR_ASSERT(offsetof(xbar_reply_loan, internal) == 16, "xbar_reply_loan.internal");
XBAR_ASSERT(sizeof(xbar_record) == 48, "size of xbar_record");
XBAR_ASSERT(offsetof(xbar_record, data) == 0, "xbar_record.data");
XBAR_ASSERT(offsetof(xbar_record, len) == 8, "xbar_record.len");
XBAR_ASSERT(offsetof(xbar_record, seq) == 16, "xbar_record.seq");
XBAR_ASSERT(offsetof(xbar_record, timestamp_ns) == 24, "xbar_record.timestamp_ns");
XBAR_ASSERT(offsetof(xbar_record, missed) == 32, "xbar_record.missed");
XBAR_ASSERT(offsetof(xbar_record, tag) == 40, "xbar_record.tag");
XBAR_ASSERT(offsetof(xbar_record, clean) == 42, "xbar_record.clean");
XBAR_ASSERT(offsetof(xbar_record, reserved) == 44, "xbar_record.reserved");
XBAR_ASSERT(sizeof(xbar_log_options) == 64, "size of xbar_log_options");
XBAR_ASSERT(offsetof(xbar_log_options, struct_size) == 0, "xbar_log_options.struct_size");
XBAR_ASSERT(offsetof(xbar_log_options, segment_bytes) == 8, "xbar_log_options.segment_bytes");
XBAR_ASSERT(offsetof(xbar_log_options, retain_bytes) == 16, "xbar_log_options.retain_bytes");
XBAR_ASSERT(offsetof(xbar_log_options, retain_age_ns) == 24, "xbar_log_options.retain_age_ns");
XBAR_ASSERT(offsetof(xbar_log_options, retain_records) == 32, "xbar_log_options.retain_records");
XBAR_ASSERT(offsetof(xbar_log_options, retain_despite_cursors) == 40, "xbar_log_options.retain_despite_cursors");
XBAR_ASSERT(offsetof(xbar_log_options, durability) == 44, "xbar_log_options.durability");
XBAR_ASSERT(offsetof(xbar_log_options, durability_number) == 48, "xbar_log_options.durability_number");
XBAR_ASSERT(offsetof(xbar_log_options, exact_times) == 52, "xbar_log_options.exact_times");
XBAR_ASSERT(offsetof(xbar_log_options, no_prefault) == 56, "xbar_log_options.no_prefault");
XBAR_ASSERT(offsetof(xbar_log_options, no_helper) == 60, "xbar_log_options.no_helper");
XBAR_ASSERT(sizeof(xbar_log_recovery) == 56, "size of xbar_log_recovery");
XBAR_ASSERT(offsetof(xbar_log_recovery, struct_size) == 0, "xbar_log_recovery.struct_size");
XBAR_ASSERT(offsetof(xbar_log_recovery, segment) == 8, "xbar_log_recovery.segment");
XBAR_ASSERT(offsetof(xbar_log_recovery, records_kept) == 16, "xbar_log_recovery.records_kept");
XBAR_ASSERT(offsetof(xbar_log_recovery, records_lost) == 24, "xbar_log_recovery.records_lost");
XBAR_ASSERT(offsetof(xbar_log_recovery, bytes_dropped) == 32, "xbar_log_recovery.bytes_dropped");
XBAR_ASSERT(offsetof(xbar_log_recovery, segments_dropped) == 40, "xbar_log_recovery.segments_dropped");
XBAR_ASSERT(offsetof(xbar_log_recovery, clean) == 48, "xbar_log_recovery.clean");
XBAR_ASSERT(offsetof(xbar_log_recovery, reserved) == 52, "xbar_log_recovery.reserved");
#undef XBAR_ASSERT

#endif  /* XBAR_H */
