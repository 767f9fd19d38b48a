//! Registering a topic: added, joined, or taken over from the dead; never as something that it is not.

use xbar_discovery::{TopicView, Uri, seats_of};
use xbar_layout::sync::Ordering;
use xbar_layout::{Content, Delivery, TopicShape};
use xbar_shm::SeatKind;

use crate::error::RegionError;
use crate::options::TopicConfig;
use crate::publisher::Publisher;
use crate::topic::Topic;
use crate::{recover, table};

impl Publisher {
    /// Registers topic `uri`, or joins it, or takes it over when its publisher is gone: sequence numbers go on.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive publishes it and it has one publisher at a time, when it is registered as
    /// something else, or when the region has no room for it.
    pub fn register(&self, uri: &Uri, config: &TopicConfig) -> Result<Topic, RegionError> {
        self.under_lock(|| {
            let mut has_evicted = false;
            let topic = Topic::open(self.seat(), &self.registered(uri, config)?, |pool, index| {
                has_evicted = true;
                self.evict(pool, index);
            })?;
            if has_evicted {
                self.settle(topic.pool);
            }
            Ok(topic)
        })
    }

    /// The topic `uri`, registered and free for this publisher. The caller holds the region's lock.
    pub(crate) fn registered(&self, uri: &Uri, config: &TopicConfig) -> Result<TopicView, RegionError> {
        let view = &self.view();
        let region = || view.segment().name().clone();
        let shape = config.shape(view.facts()).map_err(|bytes| RegionError::NoPool {
            region: region(),
            uri: uri.clone(),
            bytes,
            most: view.facts().geometry.pools().last().map_or(0, |pool| pool.limits.block_bytes),
        })?;
        if !shape.has_possible_slots() {
            return Err(RegionError::Depth { uri: uri.clone(), depth: config.depth.unwrap_or_default() });
        }
        if shape.many && (shape.content != Content::Messages || shape.delivery == Delivery::Pinned) {
            return Err(RegionError::OnePublisher { uri: uri.clone() });
        }
        let Some(found) = view.find(uri) else { return table::add(view, uri, &shape, self.seat_index()) };
        agree(&found, config, &shape).map_err(|(asked, found)| RegionError::Differs {
            region: region(),
            uri: uri.clone(),
            asked,
            found,
        })?;
        for seat in seats_of(found.publishers()) {
            self.clear_the_way(seat, uri, shape.many)?;
        }
        Ok(found)
    }

    /// Recovers from the publisher on `seat`, which has a topic registered, if it is dead. If it lives, says that the topic is
    /// taken, unless it is to be shared.
    fn clear_the_way(&self, seat: u32, uri: &Uri, shared: bool) -> Result<(), RegionError> {
        let view = &self.view();
        if seat >= view.facts().geometry.limits().publishers {
            return Ok(()); // damage: no such seat
        }
        if seat != self.seat_index() {
            if let Some(_proof_of_death) = view.segment().take_seat(SeatKind::Publisher, seat)? {
                return recover::recover_publisher(self, seat).map(|_complete| ());
            }
            if shared {
                return Ok(());
            }
        }
        let record = self.seat().record_of(SeatKind::Publisher, seat);
        // ORDERING: none; a fact for people.
        let pid = record.map_or(0, |record| record.pid.load(Ordering::Relaxed));
        Err(RegionError::TopicTaken { region: view.segment().name().clone(), uri: uri.clone(), pid })
    }
}

/// Whether a topic that is there is what `config`, of shape `asked`, asks for; what was asked and found, if not. What was
/// not asked for by name may differ.
fn agree(topic: &TopicView, config: &TopicConfig, asked: &TopicShape) -> Result<(), (String, String)> {
    let found = &topic.facts().shape;
    if asked.kind() != found.kind() {
        return Err((asked.to_string(), found.to_string()));
    }
    let types_agree = match (&asked.value, &found.value) {
        (Some(asked), Some(found)) => asked.agrees_with(found),
        (asked, found) => asked.is_none() && found.is_none(),
    };
    if !types_agree {
        let name = |shape: &TopicShape| match &shape.value {
            Some(value) => format!("the type {value}"),
            None => "any bytes".to_owned(),
        };
        return Err((name(asked), name(found)));
    }
    if config.depth.is_some() && asked.slots != found.slots {
        if found.content == Content::Bytes {
            return Err((asked.to_string(), found.to_string()));
        }
        let depth = |shape: &TopicShape| format!("a depth of {}", shape.slots.saturating_sub(1));
        return Err((depth(asked), depth(found)));
    }
    if config.max_bytes.is_some() && asked.pool != found.pool {
        let pool = |shape: &TopicShape| match shape.pool {
            Some(pool) => format!("blocks of pool {pool}"),
            None => "no blocks".to_owned(),
        };
        return Err((pool(asked), pool(found)));
    }
    Ok(())
}
