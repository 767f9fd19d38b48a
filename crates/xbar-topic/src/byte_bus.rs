//! A byte bus: messages of any length, in a byte ring that lies in a region.
//!
//! The ring of `xbar_ring::bytes`, between processes: its readers only load, and whether its writer lives is told by the topic's
//! set of publishers, not by the ring.

use std::fmt;
use std::sync::Arc;

use xbar_discovery::{RegionView, TopicView, Uri};
use xbar_layout::Content;
use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_ring::Rest;
use xbar_ring::bytes::{
    ByteAccount, ByteClaim, BytePoll, ByteReader, ByteSubscriber, ByteWriter, Lookout, TooLarge,
};

use crate::error::RegionError;
use crate::options::TopicConfig;
use crate::publisher::Publisher;
use crate::seat::present;
use crate::stream::Start;
use crate::subscriber::Subscriber;
use crate::topic::Membership;
use crate::watch::{Gone, Watch};
use crate::{Keep, rings};

/// The writing end of a byte bus.
pub struct ByteBusPublisher {
    ring: ByteWriter<Keep>,
    membership: Membership,
    publisher: Publisher,
}

impl ByteBusPublisher {
    /// Registers byte bus `uri` in `publisher`'s region, or takes it over when its publisher is gone: message numbers go on, and
    /// readers with them. `lines` is its capacity in lines of 64 bytes; `None` takes what is there.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive publishes it, it is something else or of another capacity, or there is no room for it.
    pub fn register(publisher: Publisher, uri: &Uri, lines: Option<u32>) -> Result<Self, RegionError> {
        let config = TopicConfig::new().bytes();
        let config = lines.map_or(config, |lines| config.lines(lines));
        let (ring, membership) = publisher.under_lock(|| {
            let seat = publisher.seat();
            let topic = publisher.registered(uri, &config)?;
            let words = rings::slots::<AtomicU64>(&seat.view, topic.facts())?;
            let ring = present(ByteWriter::resume(&words).ok(), &seat.view, "ring_slots")?;
            let membership = Membership::enter(seat, &topic, ring.sent())?;
            Ok((ring, membership))
        })?;
        Ok(Self { ring, membership, publisher })
    }

    /// Sends a message of a kind; returns its number.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]; nothing was sent.
    #[inline(always)]
    pub fn send(&mut self, kind: u16, message: &[u8]) -> Result<u64, TooLarge> {
        let sequence = self.ring.send(kind, message)?;
        sent(&self.membership, self.ring.sent());
        Ok(sequence)
    }

    /// Room for a message of `bytes` bytes, to be written in place.
    ///
    /// # Errors
    ///
    /// [`TooLarge`].
    #[inline(always)]
    pub fn claim(&mut self, bytes: usize) -> Result<ByteBusClaim<'_>, TooLarge> {
        Ok(ByteBusClaim { claim: self.ring.claim(bytes)?, membership: &self.membership })
    }

    /// Sends messages, each with its kind, and wakes sleeping readers once. Says how many were sent.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], of the first message that is; those in front of it were sent.
    #[inline]
    pub fn send_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = (u16, &'m [u8])>,
    ) -> Result<u64, TooLarge> {
        let done = self.ring.send_batch(messages);
        sent(&self.membership, self.ring.sent());
        done
    }

    /// Messages sent so far, by all publishers that the bus has had.
    #[inline]
    pub const fn sent(&self) -> u64 {
        self.ring.sent()
    }

    /// Bytes of the ring.
    pub fn capacity_bytes(&self) -> usize {
        self.ring.capacity_bytes()
    }

    /// The longest message.
    pub fn most_bytes(&self) -> usize {
        self.ring.most_bytes()
    }

    /// The handle of the region.
    pub const fn publisher(&self) -> &Publisher {
        &self.publisher
    }
}

/// What follows every sending, of one message or several: wake, and count now and then.
#[inline(always)]
fn sent(membership: &Membership, sent: u64) {
    let rang = membership.bell.ring();
    if rang || sent >= membership.tally.due() {
        membership.tell(sent);
    }
}

impl Drop for ByteBusPublisher {
    fn drop(&mut self) {
        self.membership.tell(self.ring.sent());
    }
}

impl fmt::Debug for ByteBusPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteBusPublisher")
            .field("uri", self.membership.uri())
            .field("ring", &self.ring)
            .finish_non_exhaustive()
    }
}

/// Room for a message on a byte bus; see [`ByteClaim`], which this is and wakes sleeping readers too. Dropped, it leaves no trace.
#[must_use = "nothing is sent before `commit`"]
pub struct ByteBusClaim<'p> {
    claim: ByteClaim<'p, Keep>,
    membership: &'p Membership,
}

impl ByteBusClaim<'_> {
    /// Bytes of the message.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // a claim of no bytes is as good as any
    pub const fn len(&self) -> usize {
        self.claim.len()
    }

    /// The number that the message will have.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.claim.sequence()
    }

    /// Stores `part` from byte `offset` of the message on. What is not written keeps what lay there before.
    ///
    /// # Panics
    ///
    /// When it reaches beyond the message.
    #[inline]
    pub fn write(&mut self, offset: usize, part: &[u8]) {
        self.claim.write(offset, part);
    }

    /// Makes the message shorter: what was written up to there is sent. Longer than it is, it stays.
    #[inline]
    pub fn truncate(&mut self, bytes: usize) {
        self.claim.truncate(bytes);
    }

    /// Sends what was written; returns the message's number.
    #[inline(always)]
    pub fn commit(self, kind: u16) -> u64 {
        let sequence = self.claim.commit(kind);
        sent(self.membership, sequence + 1);
        sequence
    }
}

impl fmt::Debug for ByteBusClaim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteBusClaim").field("sequence", &self.sequence()).field("len", &self.len()).finish()
    }
}

/// Receives a byte bus, in all the ways of [`ByteSubscriber`].
pub type ByteBusSubscriber = ByteSubscriber<Keep, BusLookout>;

/// Whom a subscriber of a byte bus asks when it finds nothing: the kernel, whether its publisher lives; and what it sleeps on.
pub struct BusLookout {
    watch: Watch,
    /// The publishers that were found to be gone.
    gone: Option<Gone>,
}

impl Subscriber {
    /// Receives byte bus `uri`, from `start` on; from about so many messages back, as far as they are still readable.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when nobody has registered it, or it is something else.
    pub fn subscribe_bytes(&self, uri: &Uri, start: Start) -> Result<ByteBusSubscriber, RegionError> {
        let topic = self.find(uri)?;
        let (seat, shape) = (self.seat(), topic.facts().shape);
        if shape.content != Content::Bytes {
            return Err(RegionError::Differs {
                region: seat.view.segment().name().clone(),
                uri: uri.clone(),
                asked: "a byte bus".to_owned(),
                found: shape.to_string(),
            });
        }
        let mut reader = join(&seat.view, &topic)?;
        if let Start::Last(messages) = start {
            rewind(&mut reader, messages);
        }
        let watch = Watch::new(Arc::clone(seat), &topic)?;
        Ok(ByteSubscriber::with(reader, BusLookout { watch, gone: None }))
    }
}

/// The ring of a byte bus, to be read from now on.
fn join(view: &RegionView, topic: &TopicView) -> Result<ByteReader<Keep>, RegionError> {
    let words = rings::slots::<ReadU64>(view, topic.facts())?;
    present(ByteReader::join(&words).ok(), view, "ring_slots")
}

/// Goes back by `messages` at most, as far as they are readable.
fn rewind(reader: &mut ByteReader<Keep>, messages: u64) {
    let first = reader.next().saturating_sub(messages);
    reader.rewind();
    // No more frames than words, whatever they say.
    for _ in 0..reader.capacity_bytes() / 8 {
        if reader.next() >= first {
            return;
        }
        let BytePoll::Ready(frame) = reader.poll() else { return };
        if !frame.accept() {
            return;
        }
    }
}

/// Messages published on a topic so far. Of a byte bus, by a look at its ring, which keeps no counter.
pub fn published(view: &RegionView, topic: &TopicView) -> u64 {
    match topic.facts().shape.content {
        Content::Bytes => join(view, topic).map_or(0, |reader| reader.next()),
        Content::Messages | Content::Values => topic.published(),
    }
}

impl BusLookout {
    /// True while somebody publishes, who was alive when the kernel was asked last.
    pub fn is_connected(&self) -> bool {
        self.watch.is_connected()
    }

    /// The region's view.
    pub fn view(&self) -> &RegionView {
        &self.watch.seat.view
    }

    fn note(&self, account: ByteAccount) {
        // What it passed over by choice did reach it. Wrapping: damaged memory may say anything.
        self.watch.set_counts(account.received.wrapping_add(account.skipped), account.missed);
    }
}

impl Lookout for BusLookout {
    #[inline]
    fn is_deserted(&mut self, account: ByteAccount) -> bool {
        self.note(account);
        self.gone = self.watch.gone(false, || ());
        self.gone.is_some()
    }

    fn is_over(&mut self) -> bool {
        self.gone.is_some_and(|gone| !self.watch.have_come_again(gone))
    }

    fn sleep(&mut self, ready: impl Fn() -> bool, rest: Rest<'_>) {
        self.watch.sleep_unless(ready, rest);
        self.watch.probe_soon();
    }

    fn leave(&mut self, account: ByteAccount) {
        self.note(account);
    }
}

impl fmt::Debug for BusLookout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusLookout").field("is_connected", &self.is_connected()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use xbar_layout::sync::Ordering;
    use xbar_layout::{Delivery, Lent, TopicShape, byte_ring};
    use xbar_ring::bytes::{LEAST_BYTES, MOST_BYTES, RING_WORD, ring_words};

    use super::*;

    #[test]
    fn the_format_and_the_ring_agree_on_where_everything_lies() {
        let shape = TopicShape {
            delivery: Delivery::Lossy,
            many: false,
            content: Content::Bytes,
            pool: None,
            slots: 16,
            value: None,
        };
        let capacity = shape.capacity_bytes().unwrap() as usize;
        assert_eq!(shape.words(), ring_words(capacity) as u64);
        assert_eq!((byte_ring::RING, LEAST_BYTES), (RING_WORD, 64));
        assert_eq!(u64::from(byte_ring::MOST_LINES) * 64, MOST_BYTES as u64);

        let words: &'static [AtomicU64] =
            (0..ring_words(capacity)).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
        let mut writer = ByteWriter::resume(&Lent::from_static(words)).unwrap();
        let word = |place: usize| words[place].load(Ordering::Relaxed);
        // The first frame of the stream is noted at once, and the first section claimed.
        assert_eq!(
            (word(byte_ring::CLAIMED), word(byte_ring::COMMITTED), word(byte_ring::NOTES)),
            (128, 0, 1)
        );
        writer.send(0x0102, b"sixteen letters.").unwrap();
        assert_eq!(word(byte_ring::COMMITTED), 24);
        assert_eq!(word(byte_ring::RING), 0x0102 << 48 | byte_ring::MESSAGE | 16);
        assert_eq!(word(byte_ring::RING + 1), u64::from_ne_bytes(*b"sixteen "));
        assert_eq!(word(byte_ring::RING + 3), 0, "the mark");
        writer.end();
        assert_eq!(word(byte_ring::RING + 3), byte_ring::END);
        // 18 frames of 56 bytes: the 19th does not fit in front of the ring's end.
        let frames = (0..).map(|_| writer.send(0, &[1; 48]).unwrap()).take_while(|_| writer_is_below(words));
        let last = frames.last().unwrap();
        let end = 24 + 56 * last;
        let padding = byte_ring::RING + end as usize / 8;
        assert_eq!(word(padding), byte_ring::PADDING);
        assert_eq!(word(byte_ring::COMMITTED), 1024 + 56);
        // The section that begins behind it has a note with the number of its first frame.
        for section in 0..byte_ring::SECTIONS {
            let note = byte_ring::NOTES + section * byte_ring::NOTE_WORDS;
            assert_eq!(word(note) & 1, 1, "section {section}");
            let position = word(note) - 1;
            assert_eq!((position / 128 % 8) as usize, section);
            assert_eq!(word(note + 1), if position < 1024 { 1 + (position - 24) / 56 } else { last + 1 });
        }
    }

    /// True as long as the ring has not begun anew.
    fn writer_is_below(words: &[AtomicU64]) -> bool {
        words[byte_ring::COMMITTED].load(Ordering::Relaxed) <= 1024
    }
}
