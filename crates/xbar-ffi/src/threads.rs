//! What the documentation of handles says of threads, held against the Rust types behind them.
//!
//! "Any, at once" is `Sync`; "one at a time, whichever that is" is `Send`. The counts that hold a handle and its messages together
//! are not atomic: they are used by the one thread that uses the handle.

use xbar::log::{Cursor, Reader, Writer};
use xbar::{Client, OwnedSample, Publisher, RegionInfo, Reply, Server, Shutdown, Stream, Subscriber, Topic};

const fn any_at_once<T: Send + Sync>() {}
const fn one_at_a_time<T: Send>() {}

const _: () = {
    any_at_once::<Subscriber>();
    any_at_once::<Vec<RegionInfo>>();
    any_at_once::<Shutdown>();
    one_at_a_time::<Publisher>();
    one_at_a_time::<Topic>();
    one_at_a_time::<Stream>();
    one_at_a_time::<OwnedSample>();
    one_at_a_time::<Server>();
    one_at_a_time::<Client>();
    one_at_a_time::<Reply>();
    one_at_a_time::<Writer>();
    one_at_a_time::<Reader>();
    one_at_a_time::<Cursor>();
};
