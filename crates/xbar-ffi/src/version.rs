//! Which library this is.

#![allow(unsafe_code)] // symbols with C's names

use std::ffi::{CStr, c_char};

/// Version of this ABI: what `xbar_abi_version` says when library and header belong together. It rises when a function or
/// struct changes so that programs must be compiled anew; functions, results and ends of structs that are added leave it.
pub const XBAR_ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version has no zero byte"),
};

/// The library's version, as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn xbar_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The library's `XBAR_ABI_VERSION`. A program that loads the library itself compares it.
#[unsafe(no_mangle)]
pub extern "C" fn xbar_abi_version() -> u32 {
    XBAR_ABI_VERSION
}
