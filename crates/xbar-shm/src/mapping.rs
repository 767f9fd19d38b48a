//! A mapped piece of a file, and the views that may be laid over it.

#![allow(unsafe_code)] // mmap, munmap, and views under the conditions checked here

use std::ffi::c_void;
use std::fmt;
use std::iter;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rustix::fs::fstat;
use rustix::io;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use xbar_layout::{Lent, Shared};

use crate::huge;
use crate::placement::{self, FileId};

/// A shared mapping, unmapped when the last view of it goes.
///
/// Invariant 1: `base` is page-aligned and valid for reads of `len` bytes, and for writes when `writable`, as long as
/// this lives. The memory is only ever seen as [`Shared`] types, or through the raw pointer.
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    file: FileId,
    offset: usize,
}

// SAFETY: an address range, valid from every thread; what is in it is for `Shared` types to share.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes from `offset` of an open file that is at least that long.
    pub(crate) fn new(file: BorrowedFd<'_>, offset: usize, len: usize, writable: bool) -> io::Result<Self> {
        let stat = fstat(file)?;
        let id = (stat.st_dev, stat.st_ino);
        let access = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        let map = |address: *mut c_void, flags| {
            // SAFETY: a new mapping, at an address that the kernel chooses or where nothing is, replaces nothing.
            unsafe { mmap(address, len, access, flags, file, offset as u64) }
        };
        let fixed = MapFlags::SHARED | MapFlags::FIXED_NOREPLACE;
        let as_it_lies = iter::once_with(|| huge::alike(offset, len)).flatten();
        let placed = placement::candidates(id, offset).chain(as_it_lies).find_map(|address| {
            let address = ptr::without_provenance_mut(address);
            map(address, fixed).ok()
        });
        let base = match placed {
            Some(base) => base,
            None => map(ptr::null_mut(), MapFlags::SHARED)?,
        };
        let base = NonNull::new(base.cast()).ok_or(io::Errno::NOMEM)?;
        placement::enter(id, offset, base.addr().get());
        Ok(Self { base, len, writable, file: id, offset })
    }

    /// Bytes.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True when it may be written.
    pub const fn is_writable(&self) -> bool {
        self.writable
    }

    /// True for no bytes; the kernel maps no such thing.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where it is.
    pub const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The `T` at `offset`; `None` when it is not within, misaligned, or would write where only reading is mapped.
    pub fn view<T: Shared>(self: &Arc<Self>, offset: usize) -> Option<Lent<T, Arc<Self>>> {
        let place = self.place::<T>(offset, 1)?;
        // SAFETY: in bounds, aligned and of the right access (`place`); any bytes are a valid `T` at any time
        // (`Shared`), and the Arc keeps the mapping.
        Some(unsafe { Lent::new(place, Arc::clone(self)) })
    }

    /// `count` times `T` from `offset`; `None` as in [`Mapping::view`].
    pub fn slice<T: Shared>(self: &Arc<Self>, offset: usize, count: usize) -> Option<Lent<[T], Arc<Self>>> {
        let place = self.place::<T>(offset, count)?;
        // SAFETY: as in `view`, for `count` of them; their size fits the mapping, so it fits `isize`.
        Some(unsafe { Lent::new(NonNull::slice_from_raw_parts(place, count), Arc::clone(self)) })
    }

    fn place<T: Shared>(&self, offset: usize, count: usize) -> Option<NonNull<T>> {
        let end = size_of::<T>().checked_mul(count)?.checked_add(offset)?;
        if end > self.len || offset % align_of::<T>() != 0 || (T::WRITES && !self.writable) {
            return None;
        }
        // SAFETY: `offset <= end <= len`, within one mapping.
        let place = unsafe { self.base.add(offset) };
        Some(place.cast())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        placement::leave(self.file, self.offset, self.base.addr().get());
        // SAFETY: mapped by `new`, and every view kept this alive.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping")
            .field("len", &self.len)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}
