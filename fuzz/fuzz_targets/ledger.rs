//! See `xbar_hostile::ledger`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xbar_hostile::ledger(bytes));
