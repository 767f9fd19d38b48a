//! Writers and readers of buses, which go on when their writer was killed: of values, lossy or bounded, and of byte messages.

use std::time::{Duration, Instant};

use xbar::{BusConfig, ByteBus, ByteBusConfig, PodBus, RingTryRecvError};

use super::watch::Watch;
use super::{LONG, Part, Result};
use crate::soak::message::{self, HEAD, Mark};
use crate::soak::orders::{Order, say};

const CAPACITY: u32 = 256;

/// Of the byte bus: about two bursts of its messages.
const CAPACITY_BYTES: usize = 1 << 18;

/// The longest message of the byte bus.
const MOST_BYTES: u64 = 2000;

/// A reader without a writer for so long looks for another bus of the name: its writer may have left, and the bus with it.
const WITHOUT: Duration = Duration::from_millis(500);

/// Longer than a paused writer's last values need.
const QUIET: Duration = Duration::from_millis(150);

fn config(part: &Part) -> BusConfig {
    BusConfig::new().subscribers(8).dir(&part.dir)
}

fn byte_config(part: &Part) -> ByteBusConfig {
    ByteBusConfig::new().subscribers(8).dir(&part.dir)
}

pub fn publish(part: Part) -> Result {
    let bus = match part.place.as_str() {
        "bounded" => PodBus::<[u64; 6]>::create_bounded_with("bounded", CAPACITY, &config(&part))?,
        name => PodBus::create_with(name, CAPACITY, &config(&part))?,
    };
    send_all(part, |_, mark| {
        bus.publish(&message::value(mark));
        Ok(())
    })
}

/// Sends one after the other, or writes in place.
pub fn publish_bytes(part: Part) -> Result {
    let mut bus = ByteBus::create_with(&part.place, CAPACITY_BYTES, &byte_config(&part))?;
    let mut bytes = vec![0; MOST_BYTES as usize];
    send_all(part, |part, mark| {
        let length = HEAD + part.random.below(MOST_BYTES - HEAD as u64) as usize;
        let message = &mut bytes[..length];
        message::write(mark, message);
        if part.random.below(4) == 0 {
            let mut claim = bus.claim(length)?;
            let (front, back) = message.split_at(length / 2);
            claim.write(front.len(), back);
            claim.write(0, front);
            claim.commit(0);
        } else {
            bus.send(message)?;
        }
        Ok(())
    })
}

fn send_all(mut part: Part, mut send: impl FnMut(&mut Part, Mark) -> Result) -> Result {
    say("ready");
    let mut number = 0;
    loop {
        match part.orders.poll() {
            Some(Order::Pause) if !part.orders.report(&format!("paused {number}")) => return Ok(()),
            Some(Order::End) => return Ok(()),
            _ => {}
        }
        for _ in 0..=part.random.below(128) {
            let mark = Mark { sender: part.id, number };
            send(&mut part, mark)?;
            number += 1;
            part.sent(number)?;
        }
        part.rest();
    }
}

pub fn receive(part: Part) -> Result {
    let connect = |part: &Part| Ok(config(part).connect_timeout::<[u64; 6]>(&part.place, LONG)?);
    receive_all(part, connect, |bus| bus.try_recv().map(|value| message::of_value(&value)))
}

pub fn receive_bytes(part: Part) -> Result {
    let connect = |part: &Part| Ok(byte_config(part).connect_timeout(&part.place, LONG)?);
    let mut place = Vec::new();
    receive_all(part, connect, |bus| bus.try_recv_vec(&mut place).map(|found| message::read(found.bytes)))
}

/// Receives by `take`, which has nothing to say of a torn message.
fn receive_all<B>(
    mut part: Part,
    connect: impl Fn(&Part) -> Result<B>,
    mut take: impl FnMut(&mut B) -> std::result::Result<Option<Mark>, RingTryRecvError>,
) -> Result {
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
        match take(&mut bus) {
            Ok(mark) => {
                heard = Instant::now();
                watch.receive(mark.ok_or("a torn message")?, lossless)?;
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
            Err(RingTryRecvError::Empty | RingTryRecvError::Disconnected) => part.rest(),
            Err(error) => return Err(error.into()),
        }
    }
}
