//! See `xbar_hostile::patterns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::patterns(bytes));
