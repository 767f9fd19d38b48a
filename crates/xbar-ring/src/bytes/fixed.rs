//! A byte ring in a `static`: no allocator, no standard library, no start-up code.

#![allow(unsafe_code)] // lines seen as words

use core::fmt;
use core::ptr::NonNull;

use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering};
use xbar_layout::{Lent, array_of, const_unless_modelled};

use crate::bytes::channel::ends;
use crate::bytes::{BytePublisher, ByteSubscribers, RING_WORD};
use crate::line::Line;
use crate::stride::LINE_WORDS;

/// The publisher of a [`FixedByteRing`].
pub type FixedBytePublisher<'r, const LINES: usize> = BytePublisher<&'r FixedByteRing<LINES>>;

/// Makes the subscribers of a [`FixedByteRing`].
pub type FixedByteSubscribers<'r, const LINES: usize> = ByteSubscribers<&'r FixedByteRing<LINES>>;

/// Lines in front of the ring.
const HEAD_LINES: usize = RING_WORD / LINE_WORDS;

/// A byte ring, as [`channel`](crate::bytes::channel), in memory of a fixed size: `LINES` cache lines of 64 bytes.
///
/// - **Allocates?** Never. **Blocks?** Never. Everything is known when compiled: `(LINES + 5) * 64` bytes.
/// - **Who may call?** [`split`](Self::split) gives out the publisher once; subscribers as many as wanted, to any threads
///   or interrupt handlers.
///
/// ```
/// use xbar_ring::bytes::FixedByteRing;
///
/// static LOG: FixedByteRing<16> = FixedByteRing::new();
///
/// let (mut publisher, subscribers) = LOG.split().expect("split once");
/// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 32]);
/// publisher.send(b"started")?;
/// assert_eq!(subscriber.try_recv(&mut buffer)?.bytes, b"started");
/// assert!(LOG.split().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A ring is a power of two of lines:
///
/// ```compile_fail,E0080
/// static LOG: xbar_ring::bytes::FixedByteRing<12> = xbar_ring::bytes::FixedByteRing::new();
/// ```
#[repr(C)]
pub struct FixedByteRing<const LINES: usize> {
    /// Counters and notes; the ring follows at once.
    head: [Line; HEAD_LINES],
    lines: [Line; LINES],
    taken: AtomicU32,
}

impl<const LINES: usize> FixedByteRing<LINES> {
    const CHECKED: () = assert!(LINES.is_power_of_two(), "a FixedByteRing needs a power of two of lines");

    const_unless_modelled! {
        /// An empty ring.
        pub fn new() -> Self {
            const { Self::CHECKED };
            Self {
                head: array_of![Line::zeroed(); HEAD_LINES],
                lines: array_of![Line::zeroed(); LINES],
                taken: AtomicU32::new(0),
            }
        }
    }

    /// Both ends, once; `None` when they were given out already.
    pub fn split(&self) -> Option<(FixedBytePublisher<'_, LINES>, FixedByteSubscribers<'_, LINES>)> {
        // ORDERING: none; whoever is first has the ring, and nothing was written before.
        let first = self.taken.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        first.then(|| ends(&self.words()).ok()).flatten()
    }

    fn words(&self) -> Lent<[AtomicU64], &Self> {
        let place =
            NonNull::slice_from_raw_parts(NonNull::from(self).cast(), (HEAD_LINES + LINES) * LINE_WORDS);
        // SAFETY: the struct begins with so many lines (repr(C)), a line is its words without padding, and the reference keeps
        // them.
        unsafe { Lent::new(place, self) }
    }
}

impl<const LINES: usize> Default for FixedByteRing<LINES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const LINES: usize> fmt::Debug for FixedByteRing<LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedByteRing")
            .field("capacity_bytes", &(size_of_val(&self.lines)))
            .finish_non_exhaustive()
    }
}
