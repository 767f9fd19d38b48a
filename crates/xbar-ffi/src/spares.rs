//! Places of things that are out, kept when they come back: what is out often does not allocate often.

use std::cell::RefCell;
use std::fmt;

/// Places that are empty.
pub(crate) struct Spares<T>(RefCell<Vec<Box<Option<T>>>>);

impl<T> Spares<T> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// A place with `thing` in it.
    pub(crate) fn put(&self, thing: T) -> Box<Option<T>> {
        let mut place = self.0.borrow_mut().pop().unwrap_or_default();
        *place = Some(thing);
        place
    }

    /// Takes an empty place back.
    pub(crate) fn keep(&self, place: Box<Option<T>>) {
        debug_assert!(place.is_none());
        self.0.borrow_mut().push(place);
    }
}

impl<T> fmt::Debug for Spares<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spares").field(&self.0.borrow().len()).finish()
    }
}
