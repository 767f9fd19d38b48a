//! Stages: subscribers that handle a message only after others have handled it.
//!
//! Invariant: a stage's progress passes a message when its handler for it has *returned*, not when it was received.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use xbar_layout::sync::Ordering;

use crate::error::{RecvError, TryRecvError};
use crate::line::Line;
use crate::source::Source;
use crate::subscriber::Subscriber;
use crate::wait::{Adaptive, Rest, Step, WaitStrategy};

/// Topmost bit of a progress: the stage is gone and will pass nothing more.
pub(crate) const GONE: u64 = 1 << 63;

/// How far a stage has come; clone it for every stage that waits for it.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Line>);

impl Progress {
    /// Nothing passed yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Line::zeroed()))
    }

    /// Sequence numbers below this one were handled, or lost to the stage.
    ///
    /// What the stage's handler did for them is visible to the caller.
    pub fn passed(&self) -> u64 {
        self.look() & !GONE
    }

    /// True when the stage was dropped or its handler panicked.
    pub fn is_gone(&self) -> bool {
        self.look() & GONE != 0
    }

    /// True for two handles of one stage.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    #[inline(always)]
    pub(crate) fn look(&self) -> u64 {
        // ORDERING: stage-done: pairs with the release of the stage.
        self.0.first().load(Ordering::Acquire)
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: u64) {
        // ORDERING: stage-done: release pairs with the acquire of the stages behind: what the handler did is done.
        self.0.first().store(value, Ordering::Release);
    }
}

/// A subscriber with a handler, in front of and behind other stages of the same channel.
///
/// A handler that panics ends its stage: the message has not passed, and the stages behind find `Disconnected` when they
/// come to it, as they do when the stage is dropped. Messages that the stage lost count as passed: they will never be
/// handled.
///
/// ```
/// use xbar_ring::TryRecvError;
///
/// let (mut publisher, subscribers) = xbar_ring::channel::<u64>(64);
/// let mut risk = subscribers.subscribe().into_stage([]);
/// let mut order = subscribers.subscribe().into_stage([risk.progress()]);
/// publisher.publish(7);
/// assert_eq!(order.try_handle(|n| n), Err(TryRecvError::Empty));
/// assert_eq!(risk.try_handle(|n| n < 10), Ok(true));
/// assert_eq!(order.try_handle(|n| n), Ok(7));
/// ```
pub struct Stage<S> {
    subscriber: Subscriber<S>,
    after: Vec<Progress>,
    /// What all stages in front have passed, when last looked at.
    allowed: u64,
    done: Progress,
    ended: bool,
}

impl<S: Source> Stage<S> {
    /// A stage at the place of `subscriber` that handles what all of `after` have passed.
    pub fn new(subscriber: Subscriber<S>, after: impl IntoIterator<Item = Progress>) -> Self {
        let done = Progress::new();
        done.set(subscriber.cursor());
        Self { subscriber, after: after.into_iter().collect(), allowed: 0, done, ended: false }
    }

    /// How far this stage has come, for the stages behind it.
    pub fn progress(&self) -> Progress {
        self.done.clone()
    }

    /// Handles the next message, if it is there and all stages in front have passed it.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]. `Disconnected` also when a stage in front is gone and will never pass the message, and after a
    /// panic of this stage's handler.
    #[inline]
    pub fn try_handle<R>(&mut self, handler: impl FnOnce(S::Value) -> R) -> Result<R, TryRecvError> {
        let position = self.subscriber.cursor();
        if self.ended || position >= self.allowed && !self.after.is_empty() {
            self.look_ahead(position)?;
        }
        let value = match self.subscriber.try_recv() {
            Ok(value) => value,
            Err(error) => {
                if let TryRecvError::Lagged { .. } = error {
                    self.done.set(self.subscriber.cursor());
                }
                return Err(error);
            }
        };
        let unfinished = Unfinished(self);
        let result = handler(value);
        unfinished.finish();
        Ok(result)
    }

    /// Handles each message that is there and that all stages in front have passed, `most` at most; says how many. They pass
    /// together: the way to handle most per second.
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::channel_bounded::<u64>(64);
    /// let mut risk = subscribers.subscribe()?.into_stage([]);
    /// let mut order = subscribers.subscribe()?.into_stage([risk.progress()]);
    /// publisher.publish_batch(&[1, 2, 3])?;
    /// assert_eq!(risk.try_handle_each(2, |n| assert!(n < 10)), Ok(2));
    /// let mut sum = 0;
    /// assert_eq!(order.try_handle_each(usize::MAX, |n| sum += n), Ok(2));
    /// assert_eq!(sum, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_handle`](Self::try_handle), when not even one message was handled.
    #[inline(always)] // the reason of `Subscriber::try_recv_each`
    pub fn try_handle_each(
        &mut self,
        most: usize,
        handler: impl FnMut(S::Value),
    ) -> Result<usize, TryRecvError> {
        let position = self.subscriber.cursor();
        let mut most = most;
        if self.ended || !self.after.is_empty() {
            if self.ended || position >= self.allowed {
                self.look_ahead(position)?;
            }
            most = most.min(usize::try_from(self.allowed - position).unwrap_or(usize::MAX));
        }
        let unfinished = Unfinished(self);
        let handled = unfinished.0.subscriber.try_recv_each(most, handler);
        match handled {
            Ok(_) | Err(TryRecvError::Lagged { .. }) => unfinished.finish(),
            Err(_) => core::mem::forget(unfinished),
        }
        handled
    }

    /// As [`try_handle`](Self::try_handle), waiting for the message as [`Adaptive`] does.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    pub fn handle<R>(&mut self, handler: impl FnOnce(S::Value) -> R) -> Result<R, RecvError> {
        self.handle_with(Adaptive, handler)
    }

    /// As [`try_handle`](Self::try_handle), waiting for the message as `strategy` says.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    pub fn handle_with<R>(
        &mut self,
        mut strategy: impl WaitStrategy,
        handler: impl FnOnce(S::Value) -> R,
    ) -> Result<R, RecvError> {
        let (mut handler, mut looks) = (Some(handler), 0_u32);
        loop {
            // Taken by the one call that has a message for it.
            let handled = self.try_handle(|value| handler.take().map(|handler| handler(value)));
            match handled {
                Ok(Some(result)) => return Ok(result),
                Ok(None) | Err(TryRecvError::Empty) => {}
                Err(error) => return Err(RecvError::of(error)),
            }
            looks = looks.saturating_add(1);
            match strategy.step(looks) {
                Step::Look => {}
                Step::Sleep => self.subscriber.sleep(Rest { longest: None, stop: strategy.stop() }),
                Step::Stop => return Err(RecvError::Stopped),
            }
        }
    }

    /// Has every stage in front passed `position`?
    #[cold]
    fn look_ahead(&mut self, position: u64) -> Result<(), TryRecvError> {
        if self.ended {
            return Err(TryRecvError::Disconnected);
        }
        let mut gone = false;
        self.allowed = u64::MAX;
        for progress in &self.after {
            let seen = progress.look();
            self.allowed = self.allowed.min(seen & !GONE);
            gone |= seen & GONE != 0 && seen & !GONE <= position;
        }
        match (position < self.allowed, gone) {
            (true, _) => Ok(()),
            (false, true) => Err(TryRecvError::Disconnected),
            (false, false) => Err(TryRecvError::Empty),
        }
    }

    /// The subscriber's account: see [`Subscriber`].
    pub const fn subscriber(&self) -> &Subscriber<S> {
        &self.subscriber
    }
}

impl<S> Drop for Stage<S> {
    fn drop(&mut self) {
        self.done.set(self.done.look() | GONE);
    }
}

/// A message whose handler has not returned. Dropped by a panic, it ends the stage.
struct Unfinished<'s, S: Source>(&'s mut Stage<S>);

impl<S: Source> Unfinished<'_, S> {
    #[inline(always)]
    fn finish(self) {
        let stage = &mut *core::mem::ManuallyDrop::new(self).0;
        stage.done.set(stage.subscriber.cursor());
    }
}

impl<S: Source> Drop for Unfinished<'_, S> {
    fn drop(&mut self) {
        self.0.ended = true;
        // The message at hand was taken, and has not passed.
        self.0.done.set((self.0.subscriber.cursor() - 1) | GONE);
    }
}

impl<S: Source> Subscriber<S> {
    /// A stage at this subscriber's place that handles what all of `after` have passed.
    pub fn into_stage(self, after: impl IntoIterator<Item = Progress>) -> Stage<S> {
        Stage::new(self, after)
    }
}

impl<S: Source> fmt::Debug for Stage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("subscriber", &self.subscriber)
            .field("after", &self.after)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
