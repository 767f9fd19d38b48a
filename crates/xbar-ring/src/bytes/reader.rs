//! A reading end of a byte ring: only loads.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::ReadU64;

use crate::bytes::ByteRingError;
use crate::bytes::frame::{Head, WORD};
use crate::bytes::memory::{Memory, Missing, Place, View};

/// A reading end. Only loads; makes no difference to the writer or to other readers.
pub struct ByteReader<K> {
    memory: Memory<ReadU64, K>,
    pub(crate) next: Place,
}

/// What [`ByteReader::poll`] found.
#[derive(Debug)]
pub enum BytePoll<'r> {
    /// A message that was there a moment ago.
    Ready(Frame<'r>),
    /// Nothing new.
    Empty,
    /// Nothing new, and nothing to come: the writer ended the stream.
    Ended,
    /// The next message is lost: overwritten, or damaged. The reader's `catch_up` moves it behind the gap. Until then it stays
    /// so.
    Overtaken,
}

/// Times that a look goes on behind padding. Two frames of it in a row are damage.
const LOOKS: u32 = 2;

impl<K: Clone> ByteReader<K> {
    /// A reader of what is sent from now on.
    ///
    /// # Errors
    ///
    /// [`ByteRingError`] when `words` are not what a ring has.
    pub fn join(words: &Lent<[ReadU64], K>) -> Result<Self, ByteRingError> {
        let mut reader =
            Self { memory: Memory::new(words.clone())?, next: Place { position: 0, sequence: 0 } };
        reader.skip_all();
        Ok(reader)
    }
}

impl<K> ByteReader<K> {
    /// The number that the next message received will have, if the reader does not lag.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.next.sequence
    }

    /// Where the reader is: bytes from the beginning of the stream, heads and padding included.
    #[inline]
    pub const fn position(&self) -> u64 {
        self.next.position
    }

    /// Bytes of the ring.
    pub fn capacity_bytes(&self) -> usize {
        self.memory.view().capacity() as usize
    }

    /// How many bytes the reader is behind the last message that was sent, heads and padding included; more than the ring has
    /// when it was overtaken.
    #[inline]
    pub fn pending_bytes(&self) -> u64 {
        self.committed() - self.next.position
    }

    /// Where the last message that was sent ends.
    #[inline(always)]
    pub(crate) fn committed(&self) -> u64 {
        // It moves behind the head that this reader came by; and damage may say anything.
        committed(self.memory.view()).max(self.next.position)
    }

    /// Goes on to what is sent from now on.
    pub fn skip_all(&mut self) {
        let committed = self.committed();
        // A second look when the writer was faster; it stays where it is, and lags, when that does not help.
        let front = || self.memory.view().front(self.next, committed);
        if let Some(front) = front().or_else(front) {
            self.next = front;
        }
    }

    /// Goes back to the oldest message that is noted and readable: the first of an eighth of the ring. About a lap, less what
    /// long messages, and claims for them, take of it.
    pub fn rewind(&mut self) {
        if let Ok(oldest) = self.memory.view().find(0, 0) {
            self.next = oldest;
        }
    }

    /// True when there is nothing new: neither the next message, nor a sign of being overtaken, nor the end.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        let view = self.memory.view();
        // ORDERING: none; whoever wants the message polls.
        view.word(self.next.position).load_relaxed() == Head::Mark.word() && view.is_whole(self.next.position)
    }

    /// True when there is nothing new and nothing to come.
    #[inline]
    pub fn is_ended(&self) -> bool {
        let view = self.memory.view();
        // ORDERING: bytes-frame: pairs with the release in `end`: what the writer did before is visible. The fence of the look
        // behind acquires.
        let head = view.word(self.next.position).load_relaxed();
        head == Head::End.word() && view.is_whole(self.next.position)
    }

    /// Looks at the next frame without copying.
    #[inline(always)]
    pub fn poll(&mut self) -> BytePoll<'_> {
        let Self { memory, next } = self;
        let view = memory.view();
        for _ in 0..LOOKS {
            // ORDERING: bytes-frame: pairs with the release in `show`: the bytes of the message, and the mark behind them, are
            // there.
            let head = view.word(next.position).load_acquire();
            if let Some((bytes, kind)) = Head::message(head) {
                // The length may be another lap's, or damaged: the frame ends before the ring does, or it is none.
                let Some(words) = view.message(next.position, bytes.into()) else { break };
                return BytePoll::Ready(Frame { view, words, bytes, kind, next });
            }
            if !view.is_whole(next.position) {
                break;
            }
            match Head::of(head) {
                Head::Mark => return BytePoll::Empty,
                Head::End => return BytePoll::Ended,
                Head::Padding => *next = view.behind_padding(*next),
                Head::Message { .. } | Head::Other => break,
            }
        }
        BytePoll::Overtaken
    }

    /// Moves a reader that was overtaken behind the gap and says how many messages that skips. 0 when the gap was padding
    /// alone, or when the writer was faster than the look: then the reader may be where it was.
    #[inline(always)]
    pub fn catch_up(&mut self) -> u64 {
        let from = self.next;
        self.next = resume(self.memory.view(), from);
        self.next.sequence.wrapping_sub(from.sequence)
    }

    /// Copies what lies in front of `end` and of the ring's end, into `buffer`, from the reader's place on; says how many
    /// bytes. Nothing when it was overwritten meanwhile: then what `buffer` holds means nothing.
    #[inline]
    pub(crate) fn copy_to(&self, end: u64, buffer: &mut [u8]) -> Option<usize> {
        let (view, position) = (self.memory.view(), self.next.position);
        let words = view.span(position, end);
        let bytes = buffer.len().min(words.len() * WORD as usize);
        crate::copy::load_message(&mut buffer[..bytes], words);
        view.is_whole(position).then_some(bytes)
    }
}

/// Where a reader goes on that was overtaken at `from`. Apart, and without the reader, so that what is rare does not keep the
/// reader out of registers.
#[cold]
#[inline(never)]
fn resume(view: View<'_, ReadU64>, from: Place) -> Place {
    // In a later section, whatever damaged memory says, and one behind the oldest, as a margin.
    match view.find(view.section(from.position).saturating_add(1), 1) {
        Ok(place) => place,
        Err(Missing::Outrun) => from,
        // Nothing to go by: on to the end, as one message.
        Err(Missing::Damaged) => Place {
            position: committed(view).max(from.position.wrapping_add(WORD)),
            sequence: from.sequence.wrapping_add(1),
        },
    }
}

/// Where the last message that was sent ends.
#[inline(always)]
fn committed(view: View<'_, ReadU64>) -> u64 {
    // ORDERING: bytes-committed: pairs with the release in `show`: everything below is there.
    view.committed().load_acquire() & !(WORD - 1)
}

impl<K: Clone> Clone for ByteReader<K> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), next: self.next }
    }
}

impl<K> fmt::Debug for ByteReader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteReader")
            .field("next", &self.next())
            .field("position", &self.position())
            .field("capacity_bytes", &self.capacity_bytes())
            .finish()
    }
}

/// A message as it is in its frame, where the writer may overwrite it at any moment: copy, then [`accept`](Self::accept), and
/// throw the copy away if that fails. So is what it says of itself.
pub struct Frame<'r> {
    view: View<'r, ReadU64>,
    words: &'r [ReadU64],
    bytes: u32,
    kind: u16,
    next: &'r mut Place,
}

impl<'r> Frame<'r> {
    /// The message's words; of the last one, what [`len`](Self::len) says.
    #[inline(always)]
    pub const fn words(&self) -> &'r [ReadU64] {
        self.words
    }

    /// Bytes of the message.
    #[inline(always)]
    #[allow(clippy::len_without_is_empty)] // a message of no bytes is as good as any
    pub const fn len(&self) -> usize {
        self.bytes as usize
    }

    /// What its writer calls it.
    #[inline(always)]
    pub const fn kind(&self) -> u16 {
        self.kind
    }

    /// Its place in the stream.
    #[inline(always)]
    pub const fn sequence(&self) -> u64 {
        self.next.sequence
    }

    /// True when the message is still there, so that every word loaded so far is its own, and so is what it says.
    #[inline(always)]
    pub fn is_whole(&self) -> bool {
        self.view.is_whole(self.next.position)
    }

    /// Moves the reader behind the message. False, and the reader unmoved, when the message was overwritten meanwhile:
    /// then what was copied means nothing, and the reader is overtaken.
    #[inline(always)]
    #[must_use]
    pub fn accept(self) -> bool {
        let whole = self.is_whole();
        if whole {
            *self.next = self.next.behind(self.bytes.into());
        }
        whole
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("sequence", &self.sequence()).field("len", &self.bytes).finish()
    }
}
