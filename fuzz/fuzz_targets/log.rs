//! See `xbar_hostile::log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::log(bytes));
