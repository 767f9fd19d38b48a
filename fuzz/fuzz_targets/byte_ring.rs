//! See `xbar_hostile::byte_ring`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::byte_ring(bytes));
