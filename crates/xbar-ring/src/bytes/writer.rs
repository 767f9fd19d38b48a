//! The writing end of a byte ring.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering};

use crate::bytes::frame::{Head, WORD, frame_bytes};
use crate::bytes::memory::{Memory, Place, View};
use crate::bytes::{ByteRingError, TooLarge};
use crate::copy::{store_message, store_part_of};

/// The writing end. One per ring: the owner of the memory sees to that.
///
/// Invariant 1: the word at `next.position` is the mark, or the end.
/// Invariant 2: `claimed` is what the ring's word says, a multiple of a section, and at least a word above `next.position`.
/// Invariant 3: frames up to `room` lie in one piece, and the word behind them is claimed.
pub struct ByteWriter<K> {
    memory: Memory<AtomicU64, K>,
    next: Place,
    claimed: u64,
    room: u64,
}

impl<K: Clone> ByteWriter<K> {
    /// Takes the ring over, new (zeroed) or left behind by another writer, alive or killed at any instruction.
    ///
    /// Every message whose head is there was sent; one that was being written was not. Readers go on as if the writer were
    /// the same.
    ///
    /// # Errors
    ///
    /// [`ByteRingError`] when `words` are not what a ring has.
    pub fn resume(words: &Lent<[AtomicU64], K>) -> Result<Self, ByteRingError> {
        let memory = Memory::new(words.clone())?;
        let view = memory.view();
        let read = view.read();
        let noted = read.last_noted();
        let from = noted.unwrap_or(Place { position: 0, sequence: 0 });
        // Half of all positions, as for the notes: what damage put behind them is not where this stream ends.
        let next = read.front(from, 1 << 63).unwrap_or(from);
        let mut claimed = read.claimed().load_relaxed();
        let ahead = claimed.wrapping_sub(next.position);
        if ahead < WORD || ahead > view.capacity() || claimed % view.section_bytes() != 0 {
            claimed = end_of_section(view, next.position + WORD);
        }
        // Behind the claim, as every word.
        view.claim(claimed);
        // ORDERING: bytes-frame: the mark, released by the note below and by the head of every message to come.
        view.word(next.position).store(Head::Mark.word(), Ordering::Relaxed);
        if noted.is_none_or(|noted| view.section(noted.position) != view.section(next.position)) {
            view.put_note(next);
        }
        // ORDERING: bytes-committed: release pairs with the acquire of whoever wants the end: all below is there.
        view.committed().store(next.position, Ordering::Release);
        let room = room(view, next.position, claimed);
        Ok(Self { memory, next, claimed, room })
    }
}

/// How far frames may reach that begin at `position`.
#[inline(always)]
fn room<W>(view: View<'_, W>, position: u64, claimed: u64) -> u64 {
    (claimed - WORD).min(position + view.left(position))
}

/// The end of the section that the word before `end` lies in.
#[inline(always)]
fn end_of_section<W>(view: View<'_, W>, end: u64) -> u64 {
    let below = view.section_bytes() - 1;
    end.wrapping_add(below) & !below
}

impl<K> ByteWriter<K> {
    /// Messages sent so far, by all writers that the ring has had.
    #[inline]
    pub const fn sent(&self) -> u64 {
        self.next.sequence
    }

    /// Where the next frame will begin, or the padding in front of it: bytes from the beginning of the stream.
    #[inline]
    pub const fn position(&self) -> u64 {
        self.next.position
    }

    /// Bytes of the ring.
    pub fn capacity_bytes(&self) -> usize {
        self.memory.view().capacity() as usize
    }

    /// The longest message: a quarter of the ring, less a word.
    pub fn most_bytes(&self) -> usize {
        (self.memory.view().most_bytes() - WORD) as usize
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]; nothing was sent.
    #[inline(always)]
    pub fn send(&mut self, kind: u16, message: &[u8]) -> Result<u64, TooLarge> {
        let claim = self.claim(message.len())?;
        let Some(words) = claim.words() else { return Err(claim.writer.too_large(message.len())) };
        store_message(words, message);
        Ok(claim.commit(kind))
    }

    /// Room for a message of `bytes` bytes, to be written in place. Nothing is sent before [`ByteClaim::commit`]; a claim that
    /// is dropped leaves no trace.
    ///
    /// # Errors
    ///
    /// [`TooLarge`].
    #[inline(always)]
    pub fn claim(&mut self, bytes: usize) -> Result<ByteClaim<'_, K>, TooLarge> {
        self.measure(bytes)?;
        let bytes = bytes as u64;
        if self.next.position + frame_bytes(bytes) > self.room {
            self.make_room(bytes);
        }
        Ok(ByteClaim { writer: self, bytes })
    }

    /// Sends messages, each with its kind, so that readers find several at once: those that begin in the same eighth of the
    /// ring. Says how many were sent.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], of the first message that is; those in front of it were sent.
    // Apart, so that its loop has all registers: a batch pays for one call.
    #[inline(never)]
    pub fn send_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = (u16, &'m [u8])>,
    ) -> Result<u64, TooLarge> {
        let (before, most) = (self.next.sequence, self.most_bytes());
        let Self { memory, next, claimed, room } = self;
        let view = memory.view();
        let mut batch = Batch::new(view, *next, *room);
        for (kind, message) in messages {
            let is_too_large = message.len() > most;
            if is_too_large || !batch.put(kind, message) {
                *next = batch.show(view);
                if is_too_large {
                    return Err(TooLarge { bytes: message.len(), most });
                }
                (next.position, *claimed) = widen(view, *next, *claimed, frame_bytes(message.len() as u64));
                *room = self::room(view, next.position, *claimed);
                batch = Batch::new(view, *next, *room);
                batch.put(kind, message);
            }
        }
        *next = batch.show(view);
        Ok(next.sequence.wrapping_sub(before))
    }

    /// Ends the stream: readers that have received everything find the end. A message sent later, or a writer that resumes,
    /// takes the end back.
    #[inline]
    pub fn end(&mut self) {
        // ORDERING: bytes-frame: release pairs with the reader's first look, as for a message: what this thread did before it
        // ended the stream is visible to whoever finds the end.
        self.memory.view().word(self.next.position).store(Head::End.word(), Ordering::Release);
    }

    /// Whether the ring takes a message of so many bytes: then they fit 32 bits, because of `MOST_BYTES`.
    #[inline(always)]
    fn measure(&self, bytes: usize) -> Result<(), TooLarge> {
        if bytes > self.most_bytes() { Err(self.too_large(bytes)) } else { Ok(()) }
    }

    fn too_large(&self, bytes: usize) -> TooLarge {
        TooLarge { bytes, most: self.most_bytes() }
    }

    /// Makes room for a message of `bytes`.
    #[inline(always)]
    fn make_room(&mut self, bytes: u64) {
        let view = self.memory.view();
        (self.next.position, self.claimed) = widen(view, self.next, self.claimed, frame_bytes(bytes));
        self.room = room(view, self.next.position, self.claimed);
    }

    /// Makes everything from the writer's place to `next` found, by the head `first`.
    #[inline(always)]
    fn commit(&mut self, first: Head, next: Place) {
        let view = self.memory.view();
        show(view, self.next, first.word(), next);
        view.fetch_ahead(next.position);
        self.next = next;
    }
}

/// Where a frame may begin that follows `next`, with everything claimed that it takes, and how far that is. Apart, and without
/// the writer, so that what is rare does not keep it out of registers.
#[cold]
#[inline(never)]
fn widen(view: View<'_, AtomicU64>, next: Place, mut claimed: u64, frame: u64) -> (u64, u64) {
    let left = view.left(next.position);
    let start = if frame > left { next.position + left } else { next.position };
    let end = start + frame + WORD;
    if end > claimed {
        claimed = end_of_section(view, end);
        view.claim(claimed);
    }
    if start != next.position {
        // Sent as a message is: readers wait at the ring's beginning, whatever becomes of the frame.
        show(view, next, Head::Padding.word(), Place { position: start, ..next });
    }
    (start, claimed)
}

/// Makes everything from `from` to `next` found, by the head `first`.
#[inline(always)]
fn show(view: View<'_, AtomicU64>, from: Place, first: u64, next: Place) {
    // ORDERING: bytes-frame: the mark, released by the head below.
    view.word(next.position).store(Head::Mark.word(), Ordering::Relaxed);
    // ORDERING: bytes-frame: release pairs with the reader's first look; relaxed, a reader could find the head before the
    // bytes, or before the mark behind them.
    view.word(from.position).store(first, Ordering::Release);
    // The two differ in what counts sections.
    if next.position ^ from.position >= view.section_bytes() {
        view.put_note(next);
    }
    // ORDERING: bytes-committed: release pairs with the acquire of joiners, batches and windows: all below is there.
    view.committed().store(next.position, Ordering::Release);
}

impl<K> fmt::Debug for ByteWriter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteWriter")
            .field("sent", &self.sent())
            .field("capacity_bytes", &self.capacity_bytes())
            .finish()
    }
}

/// Frames that are written and not yet found: the first one's head is still the mark.
struct Batch<'m> {
    start: Place,
    /// The head of the first frame; the mark as long as there is none.
    first: u64,
    sent: u64,
    /// The words behind the frames, up to `end`.
    free: &'m [AtomicU64],
    end: u64,
}

impl<'m> Batch<'m> {
    /// A batch that begins at `start`, where there is room up to `end`.
    fn new(view: View<'m, AtomicU64>, start: Place, end: u64) -> Self {
        Self { start, first: Head::Mark.word(), sent: 0, free: view.span(start.position, end), end }
    }

    /// Writes a frame. False, and nothing written, when there is no room for it.
    #[inline(always)]
    fn put(&mut self, kind: u16, message: &[u8]) -> bool {
        let Some((head, free)) = self.free.split_first() else { return false };
        let words = (frame_bytes(message.len() as u64) / WORD) as usize - 1;
        let Some((place, free)) = free.split_at_checked(words) else { return false };
        store_message(place, message);
        let word = Head::Message { bytes: message.len() as u32, kind }.word();
        if self.first == Head::Mark.word() {
            self.first = word;
        } else {
            // ORDERING: bytes-frame: nobody comes here before the first head, which releases this.
            head.store(word, Ordering::Relaxed);
        }
        (self.free, self.sent) = (free, self.sent + 1);
        true
    }

    /// Makes them found; says where the next frame begins.
    fn show(&self, view: View<'_, AtomicU64>) -> Place {
        if self.sent == 0 {
            return self.start;
        }
        let next = Place {
            position: self.end - self.free.len() as u64 * WORD,
            sequence: self.start.sequence.wrapping_add(self.sent),
        };
        show(view, self.start, self.first, next);
        next
    }
}

/// Room for a message; see [`ByteWriter::claim`].
///
/// Readers of what lay here a lap ago may still be copying from it (and will notice), so there is no `&mut [u8]` to be had:
/// parts are stored by their place. What is not written keeps what lay there before.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
/// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 64]);
/// let mut claim = publisher.claim(11)?;
/// claim.write(0, b"hello ");
/// claim.write(6, b"world");
/// claim.commit(7);
/// assert_eq!(subscriber.try_recv(&mut buffer)?.bytes, b"hello world");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It cannot outlive its message, and there is one at a time:
///
/// ```compile_fail,E0382
/// let (mut publisher, _) = xbar_ring::bytes::channel(4096);
/// let mut claim = publisher.claim(8).unwrap();
/// claim.commit(0);
/// claim.write(0, &[1; 8]);
/// ```
///
/// ```compile_fail,E0499
/// let (mut publisher, _) = xbar_ring::bytes::channel(4096);
/// let (first, second) = (publisher.claim(8).unwrap(), publisher.claim(8).unwrap());
/// first.commit(0);
/// ```
pub struct ByteClaim<'w, K> {
    writer: &'w mut ByteWriter<K>,
    /// No more than the writer's `most_bytes`.
    bytes: u64,
}

impl<K> ByteClaim<'_, K> {
    /// The message's words: always some, because a frame never wraps.
    #[inline(always)]
    fn words(&self) -> Option<&[AtomicU64]> {
        self.writer.memory.view().message(self.writer.next.position, self.bytes)
    }

    /// Bytes of the message.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // a claim of no bytes is as good as any
    pub const fn len(&self) -> usize {
        self.bytes as usize
    }

    /// The number that the message will have.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.writer.next.sequence
    }

    /// Stores `part` from byte `offset` of the message on.
    ///
    /// # Panics
    ///
    /// When it reaches beyond the message.
    #[inline]
    pub fn write(&mut self, offset: usize, part: &[u8]) {
        store_part_of(self.words().unwrap_or_default(), self.len(), offset, part);
    }

    /// Makes the message shorter: what was written up to there is sent. Longer than it is, it stays.
    #[inline]
    pub fn truncate(&mut self, bytes: usize) {
        self.bytes = self.bytes.min(bytes as u64);
    }

    /// Sends what was written; returns the message's number.
    #[inline(always)]
    pub fn commit(self, kind: u16) -> u64 {
        let Self { writer, bytes } = self;
        let sequence = writer.next.sequence;
        writer.commit(Head::Message { bytes: bytes as u32, kind }, writer.next.behind(bytes));
        sequence
    }
}

impl<K> fmt::Debug for ByteClaim<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteClaim").field("sequence", &self.sequence()).field("len", &self.bytes).finish()
    }
}
