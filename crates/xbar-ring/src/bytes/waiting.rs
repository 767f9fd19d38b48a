//! The forms of receiving that wait: one loop, until there is a message, the time is over, or nothing will come any more.

#[cfg(feature = "std")]
use core::time::Duration;

use crate::bytes::destination::{Destination, Taken};
use crate::bytes::{ByteSubscriber, Lookout, Message};
use crate::error::{RecvError, TryRecvError};
#[cfg(feature = "std")]
use crate::wait::Deadline;
use crate::wait::{Adaptive, Rest, Step, WaitStrategy};

/// Every kind is wanted.
#[inline(always)]
const fn all(_kind: u16) -> bool {
    true
}

impl<K, L: Lookout> ByteSubscriber<K, L> {
    /// The next message, however long that takes, copied to `place`, waiting as [`Adaptive`] does.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv<'b>(&mut self, place: &'b mut [u8]) -> Result<Message<'b>, RecvError> {
        self.recv_with(Adaptive, place)
    }

    /// The next message, however long that takes, copied to `place`, waiting as `strategy` says, until it says to stop.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv_with<'b>(
        &mut self,
        strategy: impl WaitStrategy,
        place: &'b mut [u8],
    ) -> Result<Message<'b>, RecvError> {
        self.wait(strategy, Endless, all, place).map(|taken| taken.message(place))
    }

    /// The next message, waiting up to `timeout` as [`Adaptive`] does, copied to `place`. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn recv_timeout<'b>(
        &mut self,
        place: &'b mut [u8],
        timeout: Duration,
    ) -> Result<Message<'b>, RecvError> {
        self.recv_timeout_with(Adaptive, place, timeout)
    }

    /// The next message, waiting up to `timeout` as `strategy` says, copied to `place`. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn recv_timeout_with<'b>(
        &mut self,
        strategy: impl WaitStrategy,
        place: &'b mut [u8],
        timeout: Duration,
    ) -> Result<Message<'b>, RecvError> {
        self.wait(strategy, Deadline::new(timeout), all, place).map(|taken| taken.message(place))
    }

    /// The next message, however long that takes, in place of what `place` holds, which grows as needed, waiting as
    /// [`Adaptive`] does.
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
    /// let (mut subscriber, mut message) = (subscribers.subscribe(), Vec::new());
    /// publisher.send(&[7; 1000])?;
    /// assert_eq!(subscriber.recv_vec(&mut message)?.sequence, 0);
    /// assert_eq!(message, [7; 1000]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`] nor [`RecvError::TooSmall`].
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn recv_vec<'b>(&mut self, place: &'b mut alloc::vec::Vec<u8>) -> Result<Message<'b>, RecvError> {
        self.wait(Adaptive, Endless, all, place).map(|taken| taken.message(place))
    }

    /// As [`recv_vec`](Self::recv_vec), waiting up to `timeout`. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::TooSmall`].
    #[cfg(feature = "std")]
    #[inline]
    pub fn recv_vec_timeout<'b>(
        &mut self,
        place: &'b mut alloc::vec::Vec<u8>,
        timeout: Duration,
    ) -> Result<Message<'b>, RecvError> {
        self.wait(Adaptive, Deadline::new(timeout), all, place).map(|taken| taken.message(place))
    }

    /// The next message of a kind that `wanted` says yes to, however long that takes, copied to `place`, waiting as [`Adaptive`]
    /// does. Others are skipped, as by [`try_recv_where`](Self::try_recv_where).
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
    /// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 8]);
    /// let reader = std::thread::spawn(move || subscriber.recv_where(&mut buffer, |kind| kind == 7).map(|found| found.sequence));
    /// (0..10_u16).try_for_each(|kind| publisher.send_as(kind, b"a").map(drop))?;
    /// assert_eq!(reader.join().unwrap(), Ok(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv_where<'b>(
        &mut self,
        place: &'b mut [u8],
        wanted: impl FnMut(u16) -> bool,
    ) -> Result<Message<'b>, RecvError> {
        self.wait(Adaptive, Endless, wanted, place).map(|taken| taken.message(place))
    }

    /// As [`recv_where`](Self::recv_where), waiting up to `timeout`, also when others come all the time. A timeout of zero is
    /// one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    #[inline]
    pub fn recv_where_timeout<'b>(
        &mut self,
        place: &'b mut [u8],
        wanted: impl FnMut(u16) -> bool,
        timeout: Duration,
    ) -> Result<Message<'b>, RecvError> {
        self.wait(Adaptive, Deadline::new(timeout), wanted, place).map(|taken| taken.message(place))
    }

    /// What all other forms are made of: the next message of a kind that `wanted` says yes to, into bytes or a `Vec` that
    /// grows, waiting as `strategy` says, up to `timeout` if there is one. A timeout of zero is one look.
    ///
    /// ```
    /// use std::time::Duration;
    /// use xbar_ring::Park;
    ///
    /// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
    /// let (mut subscriber, mut message) = (subscribers.subscribe(), Vec::new());
    /// publisher.send_as(1, b"not this")?;
    /// publisher.send_as(2, b"but this")?;
    /// let found = subscriber.receive(Park, Some(Duration::from_secs(1)), |kind| kind == 2, &mut message)?;
    /// assert_eq!(found.bytes, b"but this");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn receive<'b, D: Destination + ?Sized>(
        &mut self,
        strategy: impl WaitStrategy,
        timeout: Option<Duration>,
        wanted: impl FnMut(u16) -> bool,
        place: &'b mut D,
    ) -> Result<Message<'b>, RecvError> {
        let taken = match timeout {
            Some(timeout) => self.wait(strategy, Deadline::new(timeout), wanted, place),
            None => self.wait(strategy, Endless, wanted, place),
        };
        taken.map(|taken| taken.message(place.bytes()))
    }

    #[inline(always)]
    fn wait<D: Destination + ?Sized>(
        &mut self,
        mut strategy: impl WaitStrategy,
        mut clock: impl Clock,
        mut wanted: impl FnMut(u16) -> bool,
        place: &mut D,
    ) -> Result<Taken, RecvError> {
        let mut looks = 0_u32;
        loop {
            match self.take(&mut wanted, place) {
                Ok(taken) => return Ok(taken),
                Err(TryRecvError::Empty) => {}
                Err(error) => return Err(RecvError::of(error)),
            }
            looks = looks.saturating_add(1);
            let step = strategy.step(looks);
            match clock.left(looks, step) {
                // One last look: what came while the clock was read is not late.
                Some(left) if left.is_zero() => {
                    return self.take(&mut wanted, place).map_err(RecvError::of);
                }
                longest if step == Step::Sleep => self.sleep(Rest { longest, stop: strategy.stop() }),
                _ if step == Step::Stop => return Err(RecvError::Stopped),
                _ => {}
            }
        }
    }
}

/// What says when a wait ends.
trait Clock {
    /// The time that is left after the `looks`-th look; `None` when it is not known, or without an end.
    fn left(&mut self, looks: u32, step: Step) -> Option<core::time::Duration>;
}

/// A wait without an end.
struct Endless;

impl Clock for Endless {
    #[inline(always)]
    fn left(&mut self, _looks: u32, _step: Step) -> Option<core::time::Duration> {
        None
    }
}

#[cfg(feature = "std")]
impl Clock for Deadline {
    #[inline]
    fn left(&mut self, looks: u32, step: Step) -> Option<Duration> {
        Self::left(self, looks, step)
    }
}
