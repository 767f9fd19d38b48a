//! A handle that one thread uses at a time, until it is closed.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::failure::Failure;

/// The handle.
#[derive(Debug)]
pub(crate) struct Sole<T>(Mutex<Option<T>>);

impl<T> Sole<T> {
    pub(crate) const fn new(thing: T) -> Self {
        Self(Mutex::new(Some(thing)))
    }

    fn try_lock(&self, what: &str) -> Result<MutexGuard<'_, Option<T>>, Failure> {
        match self.0.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(guard)) => Ok(guard.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::busy(what)),
        }
    }

    /// Uses the handle, if nobody does and it is not closed.
    pub(crate) fn enter(&self, what: &str) -> Result<Inside<'_, T>, Failure> {
        let guard = self.try_lock(what)?;
        if guard.is_none() {
            return Err(Failure::closed(format!("the {what} is closed: make another")));
        }
        Ok(Inside(guard))
    }

    /// Closes it; nothing when it was before.
    pub(crate) fn close(&self, what: &str) -> Result<Option<T>, Failure> {
        Ok(self.try_lock(what)?.take())
    }
}

/// Whoever uses it. Invariant: it is there.
pub(crate) struct Inside<'s, T>(MutexGuard<'s, Option<T>>);

impl<T> Deref for Inside<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("looked for by enter")
    }
}

impl<T> DerefMut for Inside<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("looked for by enter")
    }
}
