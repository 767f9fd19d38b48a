//! Handlers of events in threads of their own.

use std::fmt;

use xbar_ring::event::{Access, At, Order, Poller};
use xbar_ring::{RecvError, WaitStrategy, Wake};

use crate::shutdown::Shutdown;
use crate::worker::{StagePanic, StartError, Waiting, Work, Workers};

/// Events that a handler gets before its thread looks whether it was stopped.
const MOST: usize = 64;

/// Threads that handle events, one for each stage: started before or after the first event, and ended together.
///
/// A handler that panics ends its stage, and is told by [`join`](Self::join); the producers and the stages beside it go on, the
/// stages behind it end where it stopped.
///
/// ```
/// use xbar::{ThreadChannel, Handlers};
///
/// let mut events = ThreadChannel::new(64).events(|| 0_u64)?;
/// let (double, show) = (events.changer([]), ());
/// let sum = events.reader([double.place()]);
/// let mut producer = events.build();
///
/// let (told, sums) = std::sync::mpsc::channel();
/// let mut handlers = Handlers::new();
/// handlers.start("double", double, |event, _| *event *= 2)?;
/// // State that is made in the thread need not be `Send`.
/// handlers.start_with("sum", sum, || std::rc::Rc::new(std::cell::Cell::new(0)), move |sum, event, at| {
///     sum.set(sum.get() + *event);
///     if at.sequence == 9 {
///         _ = told.send(sum.get());
///     }
/// })?;
/// producer.publish_each(10, |index, event| *event = index as u64)?;
/// drop(producer); // the end: handlers handle what is left
/// handlers.join()?;
/// assert_eq!(sums.recv()?, 90);
/// # let () = show;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Handlers {
    shutdown: Shutdown,
    core: Option<usize>,
    waiting: Waiting,
    workers: Workers,
}

impl Handlers {
    /// No handlers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the handlers that are started from now on run on `core`.
    pub fn on_core(&mut self, core: usize) -> &mut Self {
        self.core = Some(core);
        self
    }

    /// Lets the handlers that are started from now on wait as `strategy` says. Default: [`Adaptive`](crate::Adaptive).
    pub fn waiting(&mut self, strategy: impl WaitStrategy + Clone + Send + Sync + 'static) -> &mut Self {
        self.waiting = Waiting::new(strategy);
        self
    }

    /// Starts a handler of what `poller` gets.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start<E: Send + 'static, A: Access, O: Order, W: Wake + 'static>(
        &mut self,
        name: &str,
        poller: Poller<E, A, O, W>,
        mut handle: impl for<'e> FnMut(A::Of<'e, E>, At) + Send + 'static,
    ) -> Result<(), StartError> {
        self.start_with(name, poller, || (), move |(), event, at| handle(event, at))
    }

    /// Starts a handler with a state that is made in its thread, and stays there.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start_with<E: Send + 'static, A: Access, O: Order, W: Wake + 'static, S>(
        &mut self,
        name: &str,
        mut poller: Poller<E, A, O, W>,
        state: impl FnOnce() -> S + Send + 'static,
        mut handle: impl for<'e> FnMut(&mut S, A::Of<'e, E>, At) + Send + 'static,
    ) -> Result<(), StartError> {
        let mut until = self.shutdown.waiting_as(self.waiting.strategy());
        let shutdown = self.shutdown.clone();
        let work = Work { name: name.to_owned(), core: self.core, waiting: self.waiting.clone() };
        self.workers.start(&work, move || {
            let mut state = state();
            while !shutdown.is_stopped() {
                match poller.each_with(&mut until, MOST, |event, at| handle(&mut state, event, at)) {
                    Ok(_) => {}
                    Err(RecvError::Disconnected | RecvError::Stopped) => break,
                    Err(_) => {} // events neither lag nor time out
                }
            }
        })
    }

    /// True while no handler has panicked.
    pub fn is_healthy(&self) -> bool {
        self.workers.panics().is_empty()
    }

    /// Handlers that have panicked so far.
    pub fn panics(&self) -> Vec<StagePanic> {
        self.workers.panics()
    }

    /// Waits until all handlers have handled what there is, which is when the last producer is dropped.
    ///
    /// # Errors
    ///
    /// The first [`StagePanic`].
    pub fn join(mut self) -> Result<(), StagePanic> {
        self.workers.join()
    }

    /// Ends all handlers within the next few events; what is left is not handled.
    ///
    /// # Errors
    ///
    /// The first [`StagePanic`].
    pub fn stop(mut self) -> Result<(), StagePanic> {
        self.shutdown.stop();
        self.workers.join()
    }
}

impl Drop for Handlers {
    /// As [`stop`](Self::stop), for those that were neither joined nor stopped.
    fn drop(&mut self) {
        self.shutdown.stop();
        // Nobody is left to tell about panics.
        let _ = self.workers.join();
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").field("workers", &self.workers).finish_non_exhaustive()
    }
}
