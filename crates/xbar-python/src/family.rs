//! Things of Rust that borrow from one another, in the hands of Python: an owner, and what it has lent, kept in one place.
//!
//! A loan borrows from its topic and publisher, a request from its server; none of them may be used by two threads at once, and Python
//! drops them wherever it likes. So they all lie in one [`Family`], behind one lock that nobody waits for. What Python has is a [`Lease`]:
//! a number. A lease that is dropped while a thread uses the family is put on a list, which is cleared by whoever comes last:
//! 1. The one who drops puts its number on the list, then tries the lock.
//! 2. The one who has the lock unlocks, then looks at the list.
//! 3. If the first finds the lock taken, the second has not unlocked, so it looks at the list behind the first's entry.

#![allow(unsafe_code)] // what is lent moves between threads as a whole

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::buffer::Span;
use crate::failure::Failure;

/// The owner, until it is closed, and what it has lent.
pub(crate) struct State<O, L> {
    /// By number. Goes first: it borrows from the owner.
    pub lent: BTreeMap<u64, L>,
    pub owner: Option<O>,
    next: u64,
}

impl<O, L> State<O, L> {
    /// Enters what was lent; returns its number, which no other ever has.
    pub(crate) fn lend(&mut self, lent: L) -> u64 {
        let number = self.next;
        self.next += 1;
        self.lent.insert(number, lent);
        number
    }
}

/// A family that one thread uses at a time. Invariant: whatever in it may not be shared by threads is reached through it alone.
pub(crate) struct Confined<O, L>(State<O, L>);

// SAFETY: who has the one `Confined` has all that counts and borrows in it (invariant), so it moves as a whole.
unsafe impl<O, L> Send for Confined<O, L> {}

impl<O, L> Confined<O, L> {
    pub(crate) const fn get(&mut self) -> &mut State<O, L> {
        &mut self.0
    }
}

pub(crate) struct Family<O, L> {
    state: Mutex<Confined<O, L>>,
    /// Numbers of what was dropped while somebody was in there.
    dropped: Mutex<Vec<u64>>,
}

impl<O, L> Family<O, L> {
    /// # Safety
    ///
    /// What of `owner`, and of all that is lent, may not be shared by threads is reached through the family alone: clones of an `Rc` in it
    /// are in it.
    pub(crate) unsafe fn new(owner: O) -> Arc<Self> {
        let state = State { lent: BTreeMap::new(), owner: Some(owner), next: 0 };
        Arc::new(Self { state: Mutex::new(Confined(state)), dropped: Mutex::new(Vec::new()) })
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Confined<O, L>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Goes in, if nobody is.
    pub(crate) fn enter(&self, what: &str) -> Result<Inside<'_, O, L>, Failure> {
        let state = self.try_lock().ok_or_else(|| Failure::busy(what))?;
        Ok(Inside { family: self, state: Some(state) })
    }

    fn give_back(&self, number: u64) {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        self.clear();
    }

    /// Ends what was dropped, unless somebody is inside, who will.
    fn clear(&self) {
        loop {
            if self.dropped.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
            let Some(mut state) = self.try_lock() else { return };
            let numbers = std::mem::take(&mut *self.dropped.lock().unwrap_or_else(PoisonError::into_inner));
            for number in numbers {
                drop(state.get().lent.remove(&number));
            }
        }
    }
}

impl<O, L> fmt::Debug for Family<O, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Family")
    }
}

/// The one who is in there.
pub(crate) struct Inside<'f, O, L> {
    family: &'f Family<O, L>,
    /// Until `drop`.
    state: Option<MutexGuard<'f, Confined<O, L>>>,
}

impl<O, L> Deref for Inside<'_, O, L> {
    type Target = Confined<O, L>;

    fn deref(&self) -> &Confined<O, L> {
        self.state.as_ref().expect("there until it is dropped")
    }
}

impl<O, L> DerefMut for Inside<'_, O, L> {
    fn deref_mut(&mut self) -> &mut Confined<O, L> {
        self.state.as_mut().expect("there until it is dropped")
    }
}

impl<O, L> Drop for Inside<'_, O, L> {
    fn drop(&mut self) {
        drop(self.state.take());
        self.family.clear();
    }
}

/// Something that was lent, by its number; given back when it is dropped.
pub(crate) struct Lease<O, L> {
    pub family: Arc<Family<O, L>>,
    pub number: u64,
    pub span: Span,
}

impl<O, L> Drop for Lease<O, L> {
    fn drop(&mut self) {
        self.family.give_back(self.number);
    }
}
