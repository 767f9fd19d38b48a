//! The waiting forms of handling and publishing.

use super::access::Access;
use super::order::Order;
use super::poller::{At, Poller};
use super::producer::Producer;
use crate::error::{PublishError, RecvError, TryRecvError};
use crate::wait::{Adaptive, Rest, Step, WaitStrategy};
use crate::wake::Wake;

impl<E: Send, A: Access, O: Order, W: Wake> Poller<E, A, O, W> {
    /// Handles the next event, however long it takes to come, waiting as [`Adaptive`] does.
    ///
    /// # Errors
    ///
    /// [`RecvError::Disconnected`]: see [`try_handle`](Self::try_handle).
    #[inline]
    pub fn handle<R>(&mut self, handle: impl for<'e> FnOnce(A::Of<'e, E>) -> R) -> Result<R, RecvError> {
        self.handle_with(Adaptive, handle)
    }

    /// Handles the next event, however long it takes to come, waiting as `strategy` says, until it says to stop.
    ///
    /// # Errors
    ///
    /// [`RecvError::Disconnected`], [`RecvError::Stopped`].
    #[inline]
    pub fn handle_with<R>(
        &mut self,
        mut strategy: impl WaitStrategy,
        handle: impl for<'e> FnOnce(A::Of<'e, E>) -> R,
    ) -> Result<R, RecvError> {
        let mut looks = 0_u32;
        loop {
            match self.look_ahead() {
                Ok(()) => return self.try_handle(handle).map_err(RecvError::of),
                Err(TryRecvError::Empty) => self.wait(&mut strategy, &mut looks)?,
                Err(error) => return Err(RecvError::of(error)),
            }
        }
    }

    /// Handles each event that is there, `most` at most, once there is one, waiting for it as `strategy` says, until it says to
    /// stop; says how many.
    ///
    /// # Errors
    ///
    /// [`RecvError::Disconnected`], [`RecvError::Stopped`].
    #[inline(always)] // the reason of `try_each`
    pub fn each_with(
        &mut self,
        mut strategy: impl WaitStrategy,
        most: usize,
        mut handle: impl for<'e> FnMut(A::Of<'e, E>, At),
    ) -> Result<usize, RecvError> {
        let mut looks = 0_u32;
        loop {
            match self.try_each(most, &mut handle) {
                Err(TryRecvError::Empty) => self.wait(&mut strategy, &mut looks)?,
                done => return done.map_err(RecvError::of),
            }
        }
    }

    /// Handles the next event if it comes within `timeout`, waiting as [`Adaptive`] does. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError::Timeout`], [`RecvError::Disconnected`].
    #[cfg(feature = "std")]
    pub fn handle_timeout<R>(
        &mut self,
        timeout: core::time::Duration,
        handle: impl for<'e> FnOnce(A::Of<'e, E>) -> R,
    ) -> Result<R, RecvError> {
        let mut deadline = crate::wait::Deadline::new(timeout);
        let mut looks = 0_u32;
        loop {
            match self.look_ahead() {
                Err(TryRecvError::Empty) => {}
                _ => return self.try_handle(handle).map_err(RecvError::of),
            }
            looks = looks.saturating_add(1);
            let step = Adaptive.step(looks);
            match deadline.left(looks, step) {
                Some(left) if left.is_zero() => return self.try_handle(handle).map_err(RecvError::of),
                left if step == Step::Sleep => self.sleep(Rest { longest: left, stop: None }),
                _ => {}
            }
        }
    }

    #[inline]
    fn wait(&self, strategy: &mut impl WaitStrategy, looks: &mut u32) -> Result<(), RecvError> {
        *looks = looks.saturating_add(1);
        match strategy.step(*looks) {
            Step::Look => {}
            Step::Sleep => self.sleep(Rest { longest: None, stop: strategy.stop() }),
            Step::Stop => return Err(RecvError::Stopped),
        }
        Ok(())
    }

    #[cold]
    fn sleep(&self, rest: Rest<'_>) {
        self.slots.keep().news.sleep(&|| self.is_ready(), rest);
    }
}

impl<E: Send, O: Order, W: Wake> Producer<E, O, W> {
    /// Lets `change` make the next event, waiting for room as [`Adaptive`] does, however long that takes.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`], with `change`: see [`try_publish`](Self::try_publish).
    #[inline]
    pub fn publish<R, F: FnOnce(&mut E) -> R>(&mut self, change: F) -> Result<R, PublishError<F>> {
        self.publish_waiting(Adaptive, change)
    }

    /// Lets `change` make the next event, waiting for room as `strategy` says, until it says to stop.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`], [`PublishError::Stopped`], with `change`.
    #[inline]
    pub fn publish_waiting<R, F: FnOnce(&mut E) -> R>(
        &mut self,
        mut strategy: impl WaitStrategy,
        mut change: F,
    ) -> Result<R, PublishError<F>> {
        let mut looks = 0_u32;
        loop {
            change = match self.try_publish(change) {
                Err(PublishError::Full(change)) => change,
                done => return done,
            };
            if let Err(stopped) = self.wait(&mut strategy, &mut looks) {
                return Err(stopped.with(change));
            }
        }
    }

    /// Lets `change` make the next `count` events, waiting for room as [`Adaptive`] does. It is told the place of each among
    /// them. Those for which there is room do not wait for the others, so a batch may be larger than the ring.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`] with the number of events that were published before.
    pub fn publish_each(
        &mut self,
        count: usize,
        change: impl FnMut(usize, &mut E),
    ) -> Result<(), PublishError<usize>> {
        self.publish_each_waiting(Adaptive, count, change)
    }

    /// As [`publish_each`](Self::publish_each), waiting for room as `strategy` says, until it says to stop.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`], [`PublishError::Stopped`], with the number of events that were published before.
    #[inline]
    pub fn publish_each_waiting(
        &mut self,
        mut strategy: impl WaitStrategy,
        count: usize,
        mut change: impl FnMut(usize, &mut E),
    ) -> Result<(), PublishError<usize>> {
        let (mut published, mut looks) = (0, 0_u32);
        while published < count {
            match self.try_publish_each(count - published, |index, event| change(published + index, event)) {
                Ok(more) => (published, looks) = (published + more, 0),
                Err(PublishError::Full(())) => {
                    self.wait(&mut strategy, &mut looks).map_err(|stopped| stopped.with(published))?;
                }
                Err(refused) => return Err(refused.with(published)),
            }
        }
        Ok(())
    }

    #[inline]
    fn wait(&self, strategy: &mut impl WaitStrategy, looks: &mut u32) -> Result<(), PublishError<()>> {
        *looks = looks.saturating_add(1);
        match strategy.step(*looks) {
            Step::Look => {}
            Step::Sleep => self.sleep(Rest { longest: None, stop: strategy.stop() }),
            Step::Stop => return Err(PublishError::Stopped(())),
        }
        Ok(())
    }

    #[cold]
    fn sleep(&self, rest: Rest<'_>) {
        self.slots.keep().room.sleep(&|| self.is_ready(), rest);
    }
}
