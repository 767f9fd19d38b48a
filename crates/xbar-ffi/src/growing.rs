//! Structs that begin with their size, so that they can grow: old programs have shorter ones, new ones longer ones.
//!
//! All bits zero means: not said. What a shorter struct lacks is zero; what a longer one has beyond this library's must be
//! zero, or it would be ignored in silence.

#![allow(unsafe_code)] // structs of callers

use std::mem::MaybeUninit;
use std::{ptr, slice};

use crate::failure::Failure;

/// Bytes that no struct of any version has: whoever says so has not set the size.
const TOO_MANY_BYTES: usize = 4096;

/// A struct that begins with its size.
///
/// # Safety
///
/// `repr(C)`, any bytes are valid as long as pointers are not followed, the first field is `struct_size: usize`.
pub(crate) unsafe trait Growing: Sized {
    /// Its name in C.
    const NAME: &'static str;
    /// Its size in the version that had it first.
    const FIRST_BYTES: usize;
}

/// # Safety
///
/// `pointer` is null, or points to a struct of the size that it says.
pub(crate) unsafe fn read<T: Growing>(pointer: *const T) -> Result<T, Failure> {
    let mut own = MaybeUninit::<T>::zeroed();
    if !pointer.is_null() {
        // SAFETY: the caller's promise.
        let theirs = unsafe { size_of_theirs(pointer) }?;
        if let Some(beyond) = theirs.checked_sub(size_of::<T>()) {
            // SAFETY: the struct has so many bytes at least, the caller says.
            let behind = unsafe { pointer.add(1) };
            // SAFETY: and so many more.
            let beyond = unsafe { slice::from_raw_parts(behind.cast::<u8>(), beyond) };
            if beyond.iter().any(|byte| *byte != 0) {
                return Err(Failure::invalid(format!(
                    "{} of {theirs} bytes says things that this library, which knows {}, cannot do: use a newer library",
                    T::NAME,
                    size_of::<T>()
                )));
            }
        }
        let bytes = theirs.min(size_of::<T>());
        // SAFETY: both have so many bytes, and `own` is nobody else's.
        unsafe { ptr::copy_nonoverlapping(pointer.cast::<u8>(), own.as_mut_ptr().cast(), bytes) };
    }
    // SAFETY: any bytes are valid, zeroes among them.
    Ok(unsafe { own.assume_init() })
}

/// Writes as much of `value` as the caller's struct has, and zeroes behind it; the size stays.
///
/// # Safety
///
/// `pointer` is null, or points to a struct of the size that it says, which nobody else uses.
pub(crate) unsafe fn write<T: Growing>(pointer: *mut T, value: &T) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::null(T::NAME));
    }
    // SAFETY: the caller's promise.
    let theirs = unsafe { size_of_theirs(pointer) }?;
    let from = ptr::from_ref(value).cast::<u8>();
    let to = pointer.cast::<u8>();
    let bytes = theirs.min(size_of::<T>());
    // SAFETY: the struct has so many bytes, the caller says.
    unsafe { ptr::write_bytes(to, 0, theirs) };
    // SAFETY: both have so many bytes, and they are different ones.
    unsafe { ptr::copy_nonoverlapping(from, to, bytes) };
    // SAFETY: the first field.
    unsafe { to.cast::<usize>().write(theirs) };
    Ok(())
}

/// # Safety
///
/// `pointer` points to a struct that begins with its size.
unsafe fn size_of_theirs<T: Growing>(pointer: *const T) -> Result<usize, Failure> {
    // SAFETY: the first field.
    let theirs = unsafe { pointer.cast::<usize>().read() };
    if !(T::FIRST_BYTES..=TOO_MANY_BYTES).contains(&theirs) {
        return Err(Failure::invalid(format!(
            "struct_size of {} is {theirs}, and should be at least {}: set it to sizeof({})",
            T::NAME,
            T::FIRST_BYTES,
            T::NAME
        )));
    }
    Ok(theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct First {
        struct_size: usize,
        a: u64,
    }

    #[repr(C)]
    struct Second {
        struct_size: usize,
        a: u64,
        b: u64,
    }

    // SAFETY: as above.
    unsafe impl Growing for First {
        const NAME: &'static str = "first";
        const FIRST_BYTES: usize = 16;
    }

    // SAFETY: as above.
    unsafe impl Growing for Second {
        const NAME: &'static str = "second";
        const FIRST_BYTES: usize = 16;
    }

    #[test]
    fn older_programs_lack_what_is_new_and_newer_ones_may_not_say_it() {
        let old = First { struct_size: 16, a: 7 };
        // SAFETY: of the size that it says.
        let read_by_new = unsafe { read(ptr::from_ref(&old).cast::<Second>()) }.unwrap();
        assert_eq!((read_by_new.a, read_by_new.b), (7, 0));
        for (b, refused) in [(0, false), (1, true)] {
            let new = Second { struct_size: 24, a: 7, b };
            // SAFETY: of the size that it says.
            let read_by_old = unsafe { read(ptr::from_ref(&new).cast::<First>()) };
            assert_eq!(read_by_old.is_err(), refused);
        }
        // SAFETY: null.
        assert_eq!(unsafe { read(ptr::null::<First>()) }.unwrap().a, 0);
        for struct_size in [0, 15, TOO_MANY_BYTES + 1, usize::MAX] {
            // SAFETY: what is too short is not looked at.
            assert!(unsafe { read(&First { struct_size, a: 7 }) }.is_err());
        }
    }

    #[test]
    fn what_is_written_fits_either_struct() {
        let new = Second { struct_size: 24, a: 7, b: 8 };
        let mut old = [16_u64, 1, 99];
        // SAFETY: of the size that it says.
        unsafe { write(old.as_mut_ptr().cast::<Second>(), &new) }.unwrap();
        assert_eq!(old, [16, 7, 99], "nothing behind it");
        let mut newer = [24_u64, 1, 99];
        // SAFETY: of the size that it says.
        unsafe { write(newer.as_mut_ptr().cast::<First>(), &First { struct_size: 16, a: 7 }) }.unwrap();
        assert_eq!(newer, [24, 7, 0], "what this library does not know is not said");
    }
}
