//! Where every field of every struct lies that C and this library both know: asserted here when the library is compiled, and
//! in xbar.h, which `cargo xtask header` writes from the table below, when a program is. A change of a number is another
//! ABI; only struct ends may grow.

use std::mem::offset_of;

macro_rules! layouts {
    ($($name:path = $size:literal: $($field:ident $offset:literal),*;)*) => {
        $(
            const _: () = assert!(size_of::<$name>() == $size);
            $(const _: () = assert!(offset_of!($name, $field) == $offset);)*
        )*
    };
}

use crate::bus::xbar_bus_config;
use crate::byte_bus::receive::xbar_byte_message;
use crate::byte_bus::xbar_byte_bus_config;
use crate::config::{xbar_config, xbar_size_class, xbar_topic_config};
use crate::discovery::{xbar_participant_info, xbar_region_info, xbar_topic_info};
use crate::loan::xbar_loan;
use crate::log::reader::xbar_record;
use crate::log::writer::{xbar_log_options, xbar_log_recovery};
use crate::request::client::xbar_reply;
use crate::request::server::{xbar_reply_loan, xbar_request, xbar_server_config};
use crate::sample::xbar_sample;
use crate::subscriber::{xbar_connect_options, xbar_subscribe_options};

#[rustfmt::skip] // a struct a line, as `cargo xtask header` reads it
layouts! {
    xbar_size_class = 24: block_bytes 0, topics 4, depth 8, samples 12, loans 16, blocks 20;
    xbar_config = 88: struct_size 0, dir 8, size_classes 16, size_class_count 24, budget_bytes 32, topics 40, depth 44, block_bytes 48, blocks 52, publishers 56, subscribers 60, samples 64, loans 68, lossless_streams 72, publish_times 76, shared_with 80, reserved 84;
    xbar_topic_config = 40: struct_size 0, delivery 8, many_publishers 12, depth 16, max_bytes 20, value_size 24, value_align 28, value_name 32;
    xbar_loan = 32: data 0, len 8, capacity 16, internal 24;
    xbar_connect_options = 32: struct_size 0, dir 8, timeout_ns 16, of_user 24, user 28;
    xbar_subscribe_options = 48: struct_size 0, messages 8, timeout_ns 16, value_name 24, value_size 32, value_align 36, start 40, reserved 44;
    xbar_sample = 56: data 0, len 8, sequence 16, publish_time_ns 24, missed 32, internal 40;
    xbar_region_info = 88: struct_size 0, name 8, epoch 16, publishers 24, subscribers 32, footprint_bytes 40, created_unix_ns 48, last_active_unix_ns 56, topic_count 64, participant_count 72, creator_pid 80, reserved 84;
    xbar_topic_info = 56: struct_size 0, uri 8, value_type 16, published 24, publishers 32, delivery 40, many_publishers 44, depth 48, block_bytes 52;
    xbar_participant_info = 64: struct_size 0, joined_unix_ns 8, active_unix_ns 16, published 24, waits 32, received 40, missed 48, pid 56, is_publisher 60;
    xbar_bus_config = 56: struct_size 0, dir 8, value_name 16, timeout_ns 24, value_size 32, value_align 36, capacity 40, bounded 44, subscribers 48, start 52;
    xbar_byte_bus_config = 48: struct_size 0, dir 8, timeout_ns 16, capacity_bytes 24, messages 32, subscribers 40, start 44;
    xbar_byte_message = 40: data 0, len 8, sequence 16, missed 24, kind 32, reserved 34;
    xbar_reply = 24: data 0, len 8, internal 16;
    xbar_server_config = 32: struct_size 0, dir 8, clients 16, depth 20, max_bytes 24, reserved 28;
    xbar_request = 24: data 0, len 8, internal 16;
    xbar_reply_loan = 24: data 0, len 8, internal 16;
    xbar_record = 48: data 0, len 8, seq 16, timestamp_ns 24, missed 32, tag 40, clean 42, reserved 44;
    xbar_log_options = 64: struct_size 0, segment_bytes 8, retain_bytes 16, retain_age_ns 24, retain_records 32, retain_despite_cursors 40, durability 44, durability_number 48, exact_times 52, no_prefault 56, no_helper 60;
    xbar_log_recovery = 56: struct_size 0, segment 8, records_kept 16, records_lost 24, bytes_dropped 32, segments_dropped 40, clean 48, reserved 52;
}
