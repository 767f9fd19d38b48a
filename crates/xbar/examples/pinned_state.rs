//! The state of a machine, pinned: there is only the latest, for whoever looks, whenever it looks.

use std::error::Error;

use xbar::bytemuck::{Pod, Zeroable};
use xbar::{Config, Publisher, Subscriber, TopicConfig, TryRecvError};

/// The state.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[bytemuck(crate = "xbar::bytemuck")]
#[repr(C)]
pub struct State {
    /// Turns a minute.
    pub turns: f64,
    /// Degrees Celsius.
    pub degrees: f64,
}

/// The state as it was seen at first, again, and by somebody who came late.
pub fn run(region: &str) -> Result<[State; 3], Box<dyn Error + Send + Sync>> {
    let publisher = Publisher::create(region, &Config::new().topics(1))?;
    let machine = publisher.register_typed_with::<State>("/machine/1", &TopicConfig::new().pinned())?;
    let early = Subscriber::connect(region)?.subscribe_typed::<State>("/machine/1")?;
    assert!(matches!(early.try_recv_pinned(), Err(TryRecvError::Empty)), "there is no state yet");

    for step in 0..100 {
        let turns = f64::from(step) * 10.0;
        publisher.send_typed(&machine, &State { turns, degrees: 20.0 + turns / 100.0 })?;
    }
    // The latest, as often as one likes ...
    let seen = [*early.try_recv_pinned()?, *early.try_recv_pinned()?];
    // ... which `try_recv` gives once: is there news?
    assert!(matches!(early.try_recv(), Err(TryRecvError::Empty)));
    let late = Subscriber::connect(region)?.subscribe_typed::<State>("/machine/1")?;
    Ok([seen[0], seen[1], *late.try_recv_pinned()?])
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let [first, again, late] = run("pinned-state")?;
    println!("seen:      {first:?}\nagain:     {again:?}\nseen late: {late:?}");
    Ok(())
}
