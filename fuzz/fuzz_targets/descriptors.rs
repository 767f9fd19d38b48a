//! See `xbar_hostile::descriptors`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::descriptors(bytes));
