//! See `xbar_hostile::region_gate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::region_gate(bytes));
