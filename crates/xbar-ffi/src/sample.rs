//! A received message in C's hands, until it is released.

#![allow(unsafe_code)] // samples that keep what they borrow, as C has them

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::rc::Rc;

use xbar::{OwnedSample, Sample, Timestamp};

use crate::arguments::exclusive;
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::result::xbar_result;
use crate::stream;

/// A received message, read in place: `data` points to it, aligned to 64 bytes where it is longer than 48 and to 8 otherwise, until it is
/// released. Received into by the calls of a stream; released once. Do not copy it.
///
/// Threads: as its stream. `xbar_sample_detach` frees it from that.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_sample {
    /// The message's bytes; NULL when there is no message.
    pub data: *const c_void,
    /// How many they are.
    pub len: usize,
    /// Its place in the topic's stream, from 0.
    pub sequence: u64,
    /// When it was published, in ns of CLOCK_MONOTONIC; 0 unless the region keeps publish times.
    pub publish_time_ns: u64,
    /// Where the result was `XBAR_LAGGED`: messages that were lost, exactly. 0 otherwise.
    pub missed: u64,
    /// The library's.
    pub internal: [*const c_void; 2],
}

impl xbar_sample {
    /// No message, `missed` of them lost.
    pub(crate) const fn none(missed: u64) -> Self {
        let internal = [ptr::null(); 2];
        Self { data: ptr::null(), len: 0, sequence: 0, publish_time_ns: 0, missed, internal }
    }

    /// `sample` of the stream that `keeper` keeps where it is. Invariant: `internal` is the sample itself and its keeper, or, detached,
    /// a box and null; or nulls.
    pub(crate) fn of(sample: Sample<'_>, keeper: &Rc<stream::Inner>) -> Self {
        let (data, len, sequence) = (sample.as_ptr(), sample.len(), sample.sequence());
        let publish_time_ns = sample.publish_time().map_or(0, Timestamp::as_nanos);
        // A sample is as large as a pointer, or this does not compile.
        // SAFETY: bytes that are all initialized, as a pointer's may be; nothing is done with it but to make a sample of it again.
        let itself = unsafe { mem::transmute::<Sample<'_>, *const c_void>(sample) };
        let keeper = Rc::into_raw(Rc::clone(keeper)).cast();
        Self { data: data.cast(), len, sequence, publish_time_ns, missed: 0, internal: [itself, keeper] }
    }
}

/// A sample taken back from C.
enum Taken {
    /// Goes in this order.
    Borrowed(Sample<'static>, Rc<stream::Inner>),
    Owned(#[allow(dead_code)] Box<OwnedSample>), // to be dropped
}

/// # Safety
///
/// `sample` is one of [`xbar_sample::of`], detached or not, or none.
unsafe fn take(sample: &mut xbar_sample) -> Option<Taken> {
    let [itself, keeper] = mem::replace(sample, xbar_sample::none(0)).internal;
    if itself.is_null() {
        return None;
    }
    if keeper.is_null() {
        // SAFETY: detached (invariant), and not taken since.
        return Some(Taken::Owned(unsafe { Box::from_raw(itself.cast_mut().cast()) }));
    }
    // SAFETY: of `of`, and not taken since.
    let keeper = unsafe { Rc::from_raw(keeper.cast::<stream::Inner>()) };
    // SAFETY: the bytes of a sample, whose stream `keeper` keeps.
    let sample = unsafe { mem::transmute::<*const c_void, Sample<'static>>(itself) };
    Some(Taken::Borrowed(sample, keeper))
}

/// Lets a sample go: its block can be used again. One that is released already, and one without a message, is left alone.
///
/// # Safety
///
/// `sample` is NULL, zeroed, or was received into; and is no copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_sample_release(sample: *mut xbar_sample) {
    value((), || {
        // SAFETY: the caller's promise.
        if let Some(sample) = unsafe { sample.as_mut() } {
            // SAFETY: the caller's promise.
            match unsafe { take(sample) } {
                Some(Taken::Borrowed(sample, keeper)) => {
                    drop(sample);
                    drop(keeper);
                }
                other => drop(other),
            }
        }
    });
}

/// Makes a sample its own: it may go to another thread, and does not need its stream any more. `data` may be another pointer then, with the
/// same bytes. To be released as any other.
///
/// # Safety
///
/// As `xbar_sample_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_sample_detach(sample: *mut xbar_sample) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let sample = unsafe { exclusive("sample", sample) }?;
        let (sequence, publish_time_ns) = (sample.sequence, sample.publish_time_ns);
        // SAFETY: the caller's promise.
        let owned = match unsafe { take(sample) } {
            Some(Taken::Borrowed(borrowed, _keeper)) => Box::new(borrowed.into_owned()),
            Some(Taken::Owned(owned)) => owned,
            None => return Err(Failure::invalid("the sample has no message: receive into it first")),
        };
        let (data, len) = (owned.as_ptr(), owned.len());
        let internal = [Box::into_raw(owned).cast_const().cast(), ptr::null()];
        *sample = xbar_sample { data: data.cast(), len, sequence, publish_time_ns, missed: 0, internal };
        Ok(())
    })
}
