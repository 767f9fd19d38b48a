//! Sleeping until a bell rings or a token stops the wait.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use xbar_ring::Stop;
use xbar_shm::wake::Sleeper;

use crate::Keep;

/// Wakes a sleeper of this process.
struct Rouse(Arc<Sleeper<Keep>>);

impl Wake for Rouse {
    fn wake(self: Arc<Self>) {
        self.0.rouse();
    }
}

/// Sleeps on `sleeper` unless `ready()`, `longest` at most, or until `stop` is stopped. A stop in the instant before the kernel
/// sleeps is seen behind this sleep.
pub(crate) fn sleep_unless(
    sleeper: &Arc<Sleeper<Keep>>,
    ready: impl Fn() -> bool,
    longest: Duration,
    stop: Option<&dyn Stop>,
) {
    match stop {
        Some(stop) => {
            let waker = Waker::from(Arc::new(Rouse(Arc::clone(sleeper))));
            let watch = stop.watch(&waker);
            sleeper.sleep_unless(|| stop.is_stopped() || ready(), longest);
            stop.forget(watch);
        }
        None => sleeper.sleep_unless(ready, longest),
    }
}
