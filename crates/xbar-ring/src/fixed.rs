//! A ring in a `static`: no allocator, no standard library, no start-up code.

#![allow(unsafe_code)] // lines seen as words

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use bytemuck::Pod;
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering};
use xbar_layout::{Lent, array_of, const_unless_modelled};

use crate::channel::{OneSubscribers, Publisher, one};
use crate::line::Line;
use crate::stride::LINE_WORDS;

/// Cache lines that a slot for a `T` takes: what the third parameter of [`FixedRing`] must be.
pub const fn lines_for<T>() -> usize {
    one::Slots::<T>::LINES
}

/// The publisher of a [`FixedRing`].
pub type FixedPublisher<'r, T, const N: usize, const LINES: usize = 1> =
    Publisher<T, &'r FixedRing<T, N, LINES>>;

/// Makes the subscribers of a [`FixedRing`].
pub type FixedSubscribers<'r, T, const N: usize, const LINES: usize = 1> =
    OneSubscribers<T, &'r FixedRing<T, N, LINES>>;

/// A lossy channel with one writer, as [`channel`](crate::channel()), in memory of a fixed size: `N` slots, `N - 1` values
/// readable.
///
/// - **Allocates?** Never. **Blocks?** Never. Everything is known when compiled: `(N * LINES + 2) * 64` bytes.
/// - **Who may call?** [`split`](Self::split) gives out the publisher once; subscribers as many as wanted, to any threads
///   or interrupt handlers.
///
/// ```
/// use xbar_ring::{FixedRing, TryRecvError};
///
/// static READINGS: FixedRing<u32, 8> = FixedRing::new();
///
/// let (mut publisher, subscribers) = READINGS.split().expect("split once");
/// let mut subscriber = subscribers.subscribe();
/// publisher.publish(7);
/// assert_eq!(subscriber.try_recv(), Ok(7));
/// assert!(READINGS.split().is_none());
/// ```
///
/// Values of more than 56 bytes need more than one line per slot; the compiler says so, and
/// [`lines_for`] says how many:
///
/// ```compile_fail,E0080
/// static FRAMES: xbar_ring::FixedRing<[u8; 100], 8> = xbar_ring::FixedRing::new();
/// ```
///
/// ```
/// use xbar_ring::{FixedRing, lines_for};
///
/// static FRAMES: FixedRing<[u8; 100], 8, { lines_for::<[u8; 100]>() }> = FixedRing::new();
/// ```
///
/// A ring needs two slots:
///
/// ```compile_fail,E0080
/// static READINGS: xbar_ring::FixedRing<u32, 1> = xbar_ring::FixedRing::new();
/// ```
pub struct FixedRing<T, const N: usize, const LINES: usize = 1> {
    head: Line,
    taken: AtomicU32,
    slots: [[Line; LINES]; N],
    _values: PhantomData<fn() -> T>,
}

impl<T: Pod, const N: usize, const LINES: usize> FixedRing<T, N, LINES> {
    const CHECKED: () = {
        assert!(N >= 2, "a FixedRing needs N >= 2 slots");
        assert!(
            LINES == lines_for::<T>(),
            "a slot of this FixedRing needs another number of lines: FixedRing<T, N, {{ lines_for::<T>() }}>"
        );
    };

    const_unless_modelled! {
        /// An empty ring.
        pub fn new() -> Self {
            const { Self::CHECKED };
            Self {
                head: Line::zeroed(),
                taken: AtomicU32::new(0),
                slots: array_of![array_of![Line::zeroed(); LINES]; N],
                _values: PhantomData,
            }
        }
    }

    /// Both ends, once; `None` when they were given out already.
    pub fn split(&self) -> Option<(FixedPublisher<'_, T, N, LINES>, FixedSubscribers<'_, T, N, LINES>)> {
        // ORDERING: none; whoever is first has the ring, and nothing was written before.
        let first = self.taken.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        first.then(|| one::channel_over(self.words(), self.lend(self.head.first())))
    }

    fn words(&self) -> Lent<[AtomicU64], &Self> {
        let lines = self.slots.as_flattened();
        let place = NonNull::slice_from_raw_parts(NonNull::from(lines).cast(), lines.len() * LINE_WORDS);
        // SAFETY: a line is its words without padding, and the reference keeps it.
        let words = unsafe { Lent::new(place, self) };
        words.part(|words| &words[..N * one::Slots::<T>::WORDS])
    }

    fn lend<'r, U>(&'r self, part: &'r U) -> Lent<U, &'r Self> {
        // SAFETY: the part lives as long as the reference that goes with it.
        unsafe { Lent::new(NonNull::from(part), self) }
    }
}

impl<T: Pod, const N: usize, const LINES: usize> Default for FixedRing<T, N, LINES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, const LINES: usize> fmt::Debug for FixedRing<T, N, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedRing").field("capacity", &N).finish_non_exhaustive()
    }
}
