//! How handles wait, and what ends a wait.

#![allow(unsafe_code)] // pointers of callers

use std::cell::RefCell;

use xbar::ring::Stop;
use xbar::{Adaptive, BusySpin, Park, Shutdown, Step, WaitStrategy, YieldSpin};

use crate::arguments::{close, hand_out, shared};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::result::xbar_result;

/// Wait by looking for a moment, then asleep until woken: the default.
pub const XBAR_WAIT_ADAPTIVE: u32 = 0;
/// Wait by looking without a pause: the lowest latency, for a core of its own.
pub const XBAR_WAIT_SPIN: u32 = 1;
/// Wait by looking with a pause between two looks, which leaves the core's units to its other hardware thread.
pub const XBAR_WAIT_YIELD: u32 = 2;
/// Wait asleep at once.
pub const XBAR_WAIT_PARK: u32 = 3;

/// Ends waits, in any thread and of any number of handles. Once stopped, it stays so.
///
/// Threads: any, at once. It may be closed while handles still have it.
#[derive(Debug)]
pub struct xbar_shutdown(Shutdown);

/// Makes a token that nobody has stopped.
///
/// # Safety
///
/// `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_shutdown_new(out: *mut *mut xbar_shutdown) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, || Ok(xbar_shutdown(Shutdown::new()))) }
    })
}

/// Ends all waits of handles that were given this token, now and later: they return `XBAR_STOPPED`. What is there already is still
/// received and sent.
///
/// # Safety
///
/// `shutdown` is NULL or a token that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_shutdown_stop(shutdown: *const xbar_shutdown) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        unsafe { shared("shutdown", shutdown) }?.0.stop();
        Ok(())
    })
}

/// Whether it was stopped; false for NULL.
///
/// # Safety
///
/// As `xbar_shutdown_stop`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_shutdown_is_stopped(shutdown: *const xbar_shutdown) -> bool {
    // SAFETY: the caller's promise.
    value(false, || unsafe { shutdown.as_ref() }.is_some_and(|shutdown| shutdown.0.is_stopped()))
}

/// Frees the token. Handles that were given it keep what they need.
///
/// # Safety
///
/// `shutdown` is NULL or a token that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_shutdown_close(shutdown: *mut xbar_shutdown) {
    // SAFETY: the caller's promise.
    unsafe { close(shutdown) }
}

/// How one handle waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting {
    kind: u32,
    shutdown: Option<Shutdown>,
}

impl WaitStrategy for Waiting {
    fn step(&mut self, looks: u32) -> Step {
        if self.shutdown.as_ref().is_some_and(Shutdown::is_stopped) {
            return Step::Stop;
        }
        match self.kind {
            XBAR_WAIT_SPIN => BusySpin.step(looks),
            XBAR_WAIT_YIELD => YieldSpin.step(looks),
            XBAR_WAIT_PARK => Park.step(looks),
            _ => Adaptive.step(looks),
        }
    }

    fn stop(&self) -> Option<&dyn Stop> {
        self.shutdown.as_ref().map(|shutdown| shutdown as &dyn Stop)
    }
}

/// A handle's way of waiting, as long as it was told one.
#[derive(Debug, Default)]
pub(crate) struct Told(RefCell<Option<Waiting>>);

impl Told {
    /// # Safety
    ///
    /// `shutdown` is null or a token that is not closed.
    pub(crate) unsafe fn set(&self, wait: u32, shutdown: *const xbar_shutdown) -> Result<(), Failure> {
        if wait > XBAR_WAIT_PARK {
            return Err(Failure::invalid(format!("there is no wait {wait}: use one of XBAR_WAIT_*")));
        }
        // SAFETY: the caller's promise.
        let shutdown = unsafe { shutdown.as_ref() }.map(|shutdown| shutdown.0.clone());
        *self.0.borrow_mut() = Some(Waiting { kind: wait, shutdown });
        Ok(())
    }

    /// What was told; `None` where the default is as good.
    pub(crate) fn get(&self) -> Option<Waiting> {
        self.0.borrow().clone()
    }
}
