//! Something with bytes that Python holds, and views of it.
//!
//! Invariants:
//! 1. While views are counted, the thing stays where it is. An object of Python never moves, and this is a field of one.
//! 2. Let go of while views are counted, the thing goes with the last of them; nobody can take it nor view it anew.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::buffer::Span;
use crate::failure::Failure;

/// What has bytes.
pub(crate) trait Bytes {
    /// What it is called.
    const NAME: &'static str;

    /// Where they lie, as long as the thing lives and stays where it is.
    fn span(&self) -> Span;
}

/// The thing, until it is let go.
#[derive(Debug)]
pub(crate) struct Held<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    thing: Option<T>,
    views: usize,
    /// Let go of, and waiting for its last view.
    ended: bool,
}

impl<T: Bytes> Held<T> {
    pub(crate) const fn new(thing: T) -> Self {
        Self(Mutex::new(Inner { thing: Some(thing), views: 0, ended: false }))
    }

    /// No code of Python runs, and nobody waits, while somebody has this.
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gone() -> Failure {
        Failure::closed(format!("the {} is not held any more: it was used up or released before", T::NAME))
    }

    /// Looks at the thing.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, Failure> {
        let inner = self.lock();
        inner.thing.as_ref().filter(|_| !inner.ended).map(look).ok_or_else(Self::gone)
    }

    /// Counts one more view, of these bytes.
    pub(crate) fn view(&self) -> Result<Span, Failure> {
        let mut inner = self.lock();
        let span = inner.thing.as_ref().filter(|_| !inner.ended).map(T::span).ok_or_else(Self::gone)?;
        inner.views += 1;
        Ok(span)
    }

    /// A view is gone.
    pub(crate) fn end_view(&self) {
        let mut inner = self.lock();
        inner.views = inner.views.saturating_sub(1);
        let gone = if inner.ended && inner.views == 0 { inner.thing.take() } else { None };
        drop(inner);
        drop(gone);
    }

    /// Lets go of the thing: now, or with its last view.
    pub(crate) fn release(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        let gone = if inner.views == 0 { inner.thing.take() } else { None };
        drop(inner);
        drop(gone);
    }

    /// Takes the thing, which `verb` needs whole: refused while there are views, besides `own` ones of the caller's.
    pub(crate) fn take(&self, verb: &str, own: usize) -> Result<T, Failure> {
        let mut inner = self.lock();
        if inner.ended {
            return Err(Self::gone());
        }
        if inner.views > own {
            let (name, views) = (T::NAME, inner.views);
            return Err(Failure::buffer(format!(
                "the {name} is seen through {views} views (memoryview, array): drop or release them before you {verb} it"
            )));
        }
        inner.thing.take().ok_or_else(Self::gone)
    }

    /// Puts the thing back that was taken.
    pub(crate) fn put(&self, thing: T) {
        self.lock().thing = Some(thing);
    }

    pub(crate) fn is_held(&self) -> bool {
        let inner = self.lock();
        inner.thing.is_some() && !inner.ended
    }
}
