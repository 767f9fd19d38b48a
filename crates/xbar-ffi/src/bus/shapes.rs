//! The sizes and alignments that values of a bus can have in C, each with the facade's bus of such values behind it.

use std::time::Duration;

use xbar::bytemuck::{self, Pod};
use xbar::{BusConfig, BusSubscriber, PodBus, RingRecvError, RingTryRecvError};

use crate::failure::Failure;
use crate::waiting::Waiting;

/// Bytes of the largest value.
pub(crate) const MOST_BYTES: usize = 256;

/// The writing end of a bus of one shape.
pub(crate) trait Writes {
    fn publish(&self, value: &[u8], waiting: Waiting) -> Result<(), Failure>;
    fn publish_timeout(&self, value: &[u8], timeout_ns: u64) -> Result<(), Failure>;
    fn published(&self) -> u64;
    fn subscriber_count(&self) -> usize;
}

/// The reading end of a bus of one shape. What was lost is told beside the error.
pub(crate) trait Reads {
    fn try_recv(&mut self, place: &mut [u8], lost: &mut u64) -> Result<(), Failure>;
    fn recv(
        &mut self,
        place: &mut [u8],
        lost: &mut u64,
        timeout_ns: Option<u64>,
        waiting: Waiting,
    ) -> Result<(), Failure>;
    fn latest(&mut self, place: &mut [u8], lost: &mut u64) -> Result<(), Failure>;
    fn size(&self) -> usize;
    fn received(&self) -> u64;
    fn missed(&self) -> u64;
}

/// What becomes of values that are not received in time.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Lossy,
    Bounded,
}

type Create = fn(&str, u32, Kind, &BusConfig) -> Result<Box<dyn Writes + Send>, Failure>;
type Connect = fn(&str, bool, u64, &BusConfig) -> Result<Box<dyn Reads + Send>, Failure>;

/// Buses of values of one size and alignment.
pub(crate) struct Shape {
    size: usize,
    align: usize,
    pub create: Create,
    pub connect: Connect,
}

const fn shape<T: Pod>() -> Shape {
    Shape { size: size_of::<T>(), align: align_of::<T>(), create: create::<T>, connect: connect::<T> }
}

macro_rules! shapes {
    ($($item:ty: $($length:literal)*;)*) => { &[$($(shape::<[$item; $length]>()),*),*] };
}

const SHAPES: &[Shape] = shapes! {
    u8: 1;
    u16: 1;
    u32: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16;
    u64: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32;
};

/// The shape of values of `size` bytes aligned to `align`.
pub(crate) fn of(size: u32, align: u32) -> Result<&'static Shape, Failure> {
    let is = |shape: &&Shape| (shape.size as u32, shape.align as u32) == (size, align); // at most 256
    SHAPES.iter().find(is).ok_or_else(|| {
        Failure::invalid(format!(
            "a bus has no values of {size} bytes aligned to {align}: use 1 aligned to 1, 2 to 2, a multiple of 4 up to 64 aligned to \
             4, a multiple of 8 up to {MOST_BYTES} aligned to 8, or a topic"
        ))
    })
}

fn create<T: Pod>(
    name: &str,
    capacity: u32,
    kind: Kind,
    config: &BusConfig,
) -> Result<Box<dyn Writes + Send>, Failure> {
    let bus = match kind {
        Kind::Lossy => PodBus::<T>::create_with(name, capacity, config),
        Kind::Bounded => PodBus::<T>::create_bounded_with(name, capacity, config),
    };
    Ok(Box::new(bus?))
}

fn connect<T: Pod>(
    name: &str,
    from_oldest: bool,
    timeout_ns: u64,
    config: &BusConfig,
) -> Result<Box<dyn Reads + Send>, Failure> {
    let waited = match timeout_ns {
        0 => None,
        ns => Some(config.connect_timeout::<T>(name, Duration::from_nanos(ns))?),
    };
    let reader = match (from_oldest, waited) {
        (false, Some(reader)) => reader,
        (false, None) => config.connect(name)?,
        (true, waited) => {
            drop(waited);
            config.connect_from_oldest(name)?
        }
    };
    Ok(Box::new(reader))
}

fn value_of<T: Pod>(bytes: &[u8]) -> Result<T, Failure> {
    bytemuck::try_pod_read_unaligned(bytes).map_err(|_| {
        let (expected, given) = (size_of::<T>(), bytes.len());
        Failure::invalid(format!(
            "values of this bus have {expected} bytes, not {given}: pass sizeof the type"
        ))
    })
}

impl<T: Pod> Writes for PodBus<T> {
    fn publish(&self, value: &[u8], waiting: Waiting) -> Result<(), Failure> {
        Ok(self.publish_with(&value_of(value)?, waiting)?)
    }

    fn publish_timeout(&self, value: &[u8], timeout_ns: u64) -> Result<(), Failure> {
        let value = value_of(value)?;
        Ok(match timeout_ns {
            0 => self.try_publish(&value),
            ns => self.publish_timeout(&value, Duration::from_nanos(ns)),
        }?)
    }

    fn published(&self) -> u64 {
        self.published()
    }

    fn subscriber_count(&self) -> usize {
        self.subscriber_count()
    }
}

fn tried<T: Pod>(
    found: Result<T, RingTryRecvError>,
    place: &mut [u8],
    lost: &mut u64,
) -> Result<(), Failure> {
    if let Err(RingTryRecvError::Lagged { missed }) = &found {
        *lost = *missed;
    }
    place.copy_from_slice(bytemuck::bytes_of(&found?));
    Ok(())
}

impl<T: Pod> Reads for BusSubscriber<T> {
    fn try_recv(&mut self, place: &mut [u8], lost: &mut u64) -> Result<(), Failure> {
        tried(self.try_recv(), place, lost)
    }

    fn recv(
        &mut self,
        place: &mut [u8],
        lost: &mut u64,
        timeout_ns: Option<u64>,
        waiting: Waiting,
    ) -> Result<(), Failure> {
        let found = match timeout_ns {
            None => self.recv_with(waiting),
            Some(ns) => self.recv_timeout_with(waiting, Duration::from_nanos(ns)),
        };
        if let Err(RingRecvError::Lagged { missed }) = &found {
            *lost = *missed;
        }
        place.copy_from_slice(bytemuck::bytes_of(&found?));
        Ok(())
    }

    fn latest(&mut self, place: &mut [u8], lost: &mut u64) -> Result<(), Failure> {
        tried(self.latest(), place, lost)
    }

    fn size(&self) -> usize {
        size_of::<T>()
    }

    fn received(&self) -> u64 {
        self.total_received()
    }

    fn missed(&self) -> u64 {
        self.total_missed()
    }
}
