//! A look at the next message of a lossy ring, before it is certain that it stayed.

use core::fmt;

use xbar_layout::sync::{Ordering, ReadU64, fence};

use crate::path::Step;
use crate::stride::Stride;

/// What a reader's `poll` found.
#[derive(Debug)]
pub enum Poll<'r, S: Stride = usize> {
    /// A message that was there a moment ago.
    Ready(Glimpse<'r, S>),
    /// Nothing new; with many writers, also a message that is still being written.
    Empty,
    /// Nothing new, and nothing to come: the one writer ended the stream.
    Ended,
    /// The next message will never come: overwritten, or (many writers) given up or bypassed. The reader's `catch_up`
    /// moves it behind the gap. Until then it stays so.
    Overtaken,
}

/// A message as it is in its slot, where a writer may overwrite it at any moment: copy, then
/// [`accept`](Self::accept), and throw the copy away if that fails.
pub struct Glimpse<'r, S = usize> {
    stamp: &'r ReadU64,
    /// What the stamp says as long as the message is whole.
    whole: u64,
    words: &'r [ReadU64],
    step: Step<'r, ReadU64, S>,
}

impl<'r, S: Stride> Glimpse<'r, S> {
    /// The message behind the first `head_words` of a slot, whose stamp was `whole`.
    #[inline(always)]
    pub(crate) fn new(
        slot: &'r [ReadU64],
        head_words: usize,
        whole: u64,
        step: Step<'r, ReadU64, S>,
    ) -> Self {
        Self { stamp: &slot[0], whole, words: &slot[head_words..], step }
    }

    /// The message's words.
    #[inline(always)]
    pub fn words(&self) -> &'r [ReadU64] {
        self.words
    }

    /// Its place in the stream.
    #[inline(always)]
    pub const fn sequence(&self) -> u64 {
        self.step.sequence()
    }

    /// True when the slot still holds the message, so that every word loaded so far is its own.
    #[inline(always)]
    pub fn is_whole(&self) -> bool {
        // ORDERING: ring-mark: pairs with the writer's fence: a word of a newer message brings its mark along.
        // ORDERING: mpmc-mark: likewise, its claim.
        fence(Ordering::Acquire);
        self.stamp.load_relaxed() == self.whole
    }

    /// Moves the reader behind the message. False, and the reader unmoved, when the message was overwritten meanwhile:
    /// then what was copied means nothing, and the reader is overtaken.
    #[inline(always)]
    #[must_use]
    pub fn accept(self) -> bool {
        let whole = self.is_whole();
        if whole {
            self.skip();
        }
        whole
    }

    /// Moves the reader behind the message without asking again.
    #[inline(always)]
    pub fn skip(self) {
        self.step.take();
    }
}

impl<S: Stride> fmt::Debug for Glimpse<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glimpse").field("sequence", &self.sequence()).finish()
    }
}
