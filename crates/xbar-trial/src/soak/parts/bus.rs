//! Writers and readers of a bus of values, lossy or bounded, that goes on when its writer was killed.

use std::time::{Duration, Instant};

use xbar::{BusConfig, BusSubscriber, PodBus, RingTryRecvError};

use super::watch::Watch;
use super::{LONG, Part, Result};
use crate::soak::message::{self, Mark};
use crate::soak::orders::{Order, say};

const CAPACITY: u32 = 256;

/// A reader without a writer for so long looks for another bus of the name: its writer may have left, and the bus with it.
const WITHOUT: Duration = Duration::from_millis(500);

/// Longer than a paused writer's last values need.
const QUIET: Duration = Duration::from_millis(150);

fn config(part: &Part) -> BusConfig {
    BusConfig::new().subscribers(8).dir(&part.dir)
}

pub fn publish(mut part: Part) -> Result {
    let bus = match part.place.as_str() {
        "bounded" => PodBus::<[u64; 6]>::create_bounded_with("bounded", CAPACITY, &config(&part))?,
        name => PodBus::create_with(name, CAPACITY, &config(&part))?,
    };
    say("ready");
    let mut number = 0;
    loop {
        match part.orders.poll() {
            Some(Order::Pause) if !part.orders.report(&format!("paused {number}")) => return Ok(()),
            Some(Order::End) => return Ok(()),
            _ => {}
        }
        for _ in 0..=part.random.below(128) {
            bus.publish(&message::value(Mark { sender: part.id, number }));
            number += 1;
            part.sent(number)?;
        }
        part.rest();
    }
}

pub fn receive(mut part: Part) -> Result {
    let connect = |part: &Part| -> Result<BusSubscriber<[u64; 6]>> {
        Ok(config(part).connect_timeout::<[u64; 6]>(&part.place, LONG)?)
    };
    let mut bus = connect(&part)?;
    say("ready");
    let lossless = part.place == "bounded";
    let mut watch = Watch::default();
    let mut missed = 0;
    let mut heard = Instant::now();
    let mut pausing = false;
    loop {
        if !pausing {
            match part.orders.poll() {
                Some(Order::Pause) => (pausing, heard) = (true, Instant::now()),
                Some(Order::End) => return Ok(()),
                Some(Order::Go) | None => {}
            }
        }
        match bus.try_recv() {
            Ok(value) => {
                heard = Instant::now();
                watch.receive(message::of_value(&value).ok_or("a torn value")?, lossless)?;
            }
            Err(RingTryRecvError::Lagged { missed: lost }) if lossless => {
                return Err(format!("a bounded bus lost {lost}").into());
            }
            Err(RingTryRecvError::Lagged { missed: lost }) => missed += lost,
            Err(RingTryRecvError::Empty | RingTryRecvError::Disconnected)
                if pausing && heard.elapsed() > QUIET =>
            {
                pausing = false;
                if !part.orders.report(&watch.report(missed, u64::MAX)) {
                    return Ok(());
                }
                heard = Instant::now();
            }
            Err(RingTryRecvError::Disconnected) if !pausing && heard.elapsed() > WITHOUT => {
                drop(bus);
                watch.begin_anew();
                bus = connect(&part)?;
                heard = Instant::now();
            }
            Err(_) => part.rest(),
        }
    }
}
