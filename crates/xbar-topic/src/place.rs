//! A lossless reader's place before its publishers' gate.

use std::cell::RefCell;

use xbar_discovery::TopicView;
use xbar_layout::sync::ReadU64;
use xbar_shm::wake::{Bell, System};

use crate::Keep;
use crate::error::RegionError;
use crate::gate::Pass;
use crate::rings;
use crate::seat::{Seat, present};

/// A pass, and what wakes publishers that wait for room.
#[derive(Debug)]
pub(crate) struct Place {
    pass: RefCell<Pass<Keep>>,
    room: Bell<Keep>,
}

impl Place {
    /// Takes a place at `position`, or behind it where that is no longer safe: [`Place::position`] says where.
    pub(crate) fn take(seat: &Seat, topic: &TopicView, position: u64) -> Result<Self, RegionError> {
        let view = &seat.view;
        let streams = present(seat.streams(), view, "peers")?;
        let announced = rings::announced::<ReadU64>(view, topic.facts())?;
        let room = rings::room(topic.facts());
        let pass = Pass::join(&streams, &announced, topic.index(), room, position);
        let pass = pass.ok_or_else(|| RegionError::TooManyStreams {
            region: view.segment().name().clone(),
            uri: topic.uri().clone(),
            limit: view.facts().geometry.limits().streams,
        })?;
        let line = seat.topic_line(topic.index())?;
        let room =
            Bell::new(line.part(|line| &line.room), line.part(|line| &line.publishers_waiting), System);
        Ok(Self { pass: RefCell::new(pass), room })
    }

    pub(crate) fn position(&self) -> u64 {
        self.pass.borrow().position()
    }

    /// Makes room for the publishers: all below `position` was read, or is held.
    #[inline(always)]
    pub(crate) fn move_to(&self, position: u64) {
        let mut pass = self.pass.borrow_mut();
        if position != pass.position() {
            pass.move_to(position);
            self.room.ring();
        }
    }

    /// Gives the place up. Not done by dropping it: a forked child must not.
    pub(crate) fn leave(&self) {
        self.pass.borrow_mut().leave();
        self.room.ring();
    }
}
