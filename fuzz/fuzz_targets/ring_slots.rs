//! See `xbar_hostile::ring_slots`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::ring_slots(bytes));
