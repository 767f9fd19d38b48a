//! See `xbar_hostile::topic_table`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::topic_table(bytes));
