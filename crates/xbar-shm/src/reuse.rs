//! One address for one byte: a process that maps a piece of a file twice gets the first mapping again.
//!
//! Publisher and subscriber handles of one process would otherwise see a message's lines at two addresses. AMD's cores find
//! a line in the first-level cache by a hash of its *virtual* address, so that every change between the two addresses is a
//! miss: a message sent and received by one thread took three times as long here. Nothing is given away: the process had
//! the wider access already, and a window onto it says in its type whether it may write.

use std::sync::{Arc, Mutex, Weak};

use crate::mapping::Mapping;

/// Which bytes of which file. An inode's number is not used again while a mapping of it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

impl Piece {
    /// Where `inner` begins in this piece, if it is a part of it.
    fn position_of(&self, inner: &Self) -> Option<usize> {
        let same = (self.device, self.inode) == (inner.device, inner.inode);
        let start = inner.offset.checked_sub(self.offset)?;
        (same && start + inner.len <= self.len).then_some(start)
    }
}

static MAPPED: Mutex<Vec<(Piece, Weak<Mapping>)>> = Mutex::new(Vec::new());

/// A window onto a mapping of this process that has `piece`, with at least the access wanted; or what `map` makes.
///
/// Never waits: while another thread is here (or was, when this process was forked), a second mapping is made.
pub(crate) fn find_or<E>(
    piece: Piece,
    writable: bool,
    map: impl FnOnce() -> Result<Arc<Mapping>, E>,
) -> Result<Arc<Mapping>, E> {
    let Ok(mut mapped) = MAPPED.try_lock() else { return map() };
    mapped.retain(|(_, mapping)| mapping.strong_count() > 0);
    for (whole, mapping) in mapped.iter() {
        let Some(start) = whole.position_of(&piece) else { continue };
        let Some(mapping) = mapping.upgrade() else { continue };
        if let Some(window) = mapping.window(start, piece.len, writable) {
            return Ok(Arc::new(window));
        }
    }
    let made = map()?;
    mapped.push((piece, Arc::downgrade(&made)));
    Ok(made)
}
