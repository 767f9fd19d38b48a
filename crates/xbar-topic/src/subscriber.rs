//! A subscriber: one participant that takes messages out of a region.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use xbar_discovery::{RegionView, TopicView, Uri};
use xbar_layout::Content;
use xbar_layout::sync::Ordering;
use xbar_shm::{BaseDir, RegionName, SeatKind};

use crate::error::RegionError;
use crate::seat::{LOCK_PATIENCE, Seat};
use crate::stream::{Start, Stream};

/// How often a wait for a region or a topic looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A handle that receives. Its streams may outlive it and go to other threads.
pub struct Subscriber {
    seat: Arc<Seat>,
}

impl Subscriber {
    /// Joins region `name`.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when the region does not exist, nobody publishes there any more, or all seats are taken.
    pub fn connect(base: &BaseDir, name: &RegionName) -> Result<Self, RegionError> {
        let view = RegionView::open(base, name)?;
        let limit = view.facts().geometry.limits().subscribers;
        let held = view.segment().lock(LOCK_PATIENCE)?;
        if view.publishers() == 0 {
            return Err(RegionError::NoPublisher { region: name.clone() });
        }
        for index in 0..limit {
            let Some(lock) = view.segment().take_seat(SeatKind::Subscriber, index)? else { continue };
            drop(held);
            let seat = Seat::subscriber(view, index, lock)?;
            // ORDERING: ledger: before the full fence of this reader's first hold, so that every reclaimer whose look
            // could miss the hold's cell counts this row.
            seat.control.subscribers_joined.fetch_max(index + 1, Ordering::Relaxed);
            return Ok(Self { seat: Arc::new(seat) });
        }
        Err(RegionError::TooManySubscribers { region: name.clone(), limit })
    }

    /// As [`Subscriber::connect`], waiting up to `timeout` for the region to appear.
    ///
    /// # Errors
    ///
    /// [`RegionError::TimedOut`] with what the last look said; other errors at once, when waiting cannot help.
    pub fn connect_timeout(
        base: &BaseDir,
        name: &RegionName,
        timeout: Duration,
    ) -> Result<Self, RegionError> {
        wait_for(timeout, || Self::connect(base, name))
    }

    /// Receives what is published on topic `uri`, from `start` on.
    ///
    /// # Errors
    ///
    /// [`RegionError::NoTopic`] when nobody has registered it; others when it is a bus of any kind, or lossless and this subscriber has
    /// as many lossless streams as it may.
    pub fn subscribe(&self, uri: &Uri, start: Start) -> Result<Stream, RegionError> {
        let topic = self.find(uri)?;
        let shape = topic.facts().shape;
        if shape.content != Content::Messages {
            let region = self.view().segment().name().clone();
            let (asked, found) = ("a topic of messages".to_owned(), shape.to_string());
            return Err(RegionError::Differs { region, uri: uri.clone(), asked, found });
        }
        Stream::new(&self.seat, &topic, start)
    }

    pub(crate) fn find(&self, uri: &Uri) -> Result<TopicView, RegionError> {
        let view = &self.seat.view;
        view.find(uri)
            .ok_or_else(|| RegionError::NoTopic { region: view.segment().name().clone(), uri: uri.clone() })
    }

    pub(crate) const fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// As [`Subscriber::subscribe`], waiting up to `timeout` for the topic to be registered.
    ///
    /// # Errors
    ///
    /// [`RegionError::TimedOut`], or [`RegionError::NoPublisher`] when there is nobody left to register it.
    pub fn subscribe_timeout(
        &self,
        uri: &Uri,
        start: Start,
        timeout: Duration,
    ) -> Result<Stream, RegionError> {
        wait_for(timeout, || {
            let stream = self.subscribe(uri, start);
            let gone = stream.is_err() && self.seat.view.publishers() == 0;
            if gone {
                Err(RegionError::NoPublisher { region: self.view().segment().name().clone() })
            } else {
                stream
            }
        })
    }

    /// The region's view.
    pub fn view(&self) -> &RegionView {
        &self.seat.view
    }
}

/// Tries until it works, waiting cannot help, or the time is over: to be used where what is waited for takes several steps, each
/// attempt from the first.
///
/// # Errors
///
/// [`RegionError::TimedOut`] with what the last attempt said; other errors of an attempt at once, when waiting cannot help.
pub fn wait_for<T>(
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<T, RegionError>,
) -> Result<T, RegionError> {
    let start = Instant::now();
    loop {
        let error = match attempt() {
            Err(error) if may_come(&error) => error,
            done => return done,
        };
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(RegionError::TimedOut { waited: timeout, last: Box::new(error) });
        }
        thread::sleep(left.min(LOOK_AGAIN));
    }
}

/// True when the next look may find what this one did not.
fn may_come(error: &RegionError) -> bool {
    use xbar_discovery::ViewError;
    use xbar_shm::ShmError;
    matches!(
        error,
        RegionError::Open(ViewError::Shm(ShmError::NotFound { .. } | ShmError::Gone { .. }))
            | RegionError::NoPublisher { .. }
            | RegionError::NoTopic { .. }
    )
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("region", &self.seat.view.segment().name())
            .field("seat", &self.seat.index)
            .finish_non_exhaustive()
    }
}
