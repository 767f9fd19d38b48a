//! See `xbar_hostile::uris`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::uris(bytes));
