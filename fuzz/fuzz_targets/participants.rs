//! See `xbar_hostile::participants`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::participants(bytes));
