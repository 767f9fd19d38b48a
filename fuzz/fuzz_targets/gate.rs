//! See `xbar_hostile::gate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::gate(bytes));
