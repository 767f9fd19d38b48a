//! A region with one topic, and those who survive in it: one who keeps it, one who listens, and after each death one who comes
//! to speak.

use std::path::{Path, PathBuf};

use xbar::{Config, Delivery, Publisher, Subscriber, Topic, TopicConfig};

use super::census;
use super::ear::{Ear, PATIENCE, expect};
use super::fault::{Checked, During, ensure};
use super::words::{LARGE, SMALL, Words};

/// The region's name.
pub const NAME: &str = "r";

/// The topic's name.
pub const URI: &str = "/t";

/// Messages that the topic keeps.
pub const DEPTH: u32 = 4;

/// Blocks that a publisher takes at once, and evicts before it looks which are free again.
pub const BATCH: u32 = 16;

/// Survivors' messages have numbers of sources from here on; victims' sources are their rounds.
pub const SURVIVOR: u64 = 1 << 40;

/// Small, so that rings, seats and blocks are soon used again.
pub fn config(dir: &Path) -> Config {
    Config::new()
        .topics(4)
        .depth(DEPTH)
        .block_bytes(1024)
        .publishers(3)
        .subscribers(3)
        .samples(2)
        .loans(2)
        .lossless_streams(2)
        .dir(dir)
}

/// The region and its survivors.
pub struct Region {
    pub dir: PathBuf,
    pub topic: TopicConfig,
    pub ear: Ear,
    _listener: Subscriber,
    pub keeper: Publisher,
    speakers: u64,
}

/// A publisher of the topic.
pub struct Speaker {
    // Left before its seat.
    topic: Topic,
    publisher: Publisher,
    source: u64,
    number: u64,
}

impl Speaker {
    /// Joins region `NAME` in `dir` and registers the topic.
    pub fn join(dir: &Path, topic: &TopicConfig, source: u64) -> Checked<Self> {
        let publisher = Publisher::open_in(dir, NAME).during("joining as a publisher")?;
        let topic = publisher.register_with(URI, topic).during("registering the topic")?;
        Ok(Self { topic, publisher, source, number: 0 })
    }

    /// Publishes a message of `length` bytes; in a loan where it takes a block.
    pub fn say(&mut self, length: usize) -> Checked<Words> {
        let words = Words { source: self.source, number: self.number };
        self.number += 1;
        if length > SMALL {
            let mut loan = self.publisher.loan(&self.topic, length).during("taking a loan")?;
            words.write(&mut loan);
            loan.publish_timeout(PATIENCE).during("publishing a block")?;
        } else {
            self.publisher.send_timeout(&self.topic, &words.bytes(length), PATIENCE).during("publishing")?;
        }
        Ok(words)
    }
}

impl Region {
    pub fn new(dir: &Path, topic: TopicConfig) -> Checked<Self> {
        let keeper = Publisher::create(NAME, &config(dir)).during("creating")?;
        drop(keeper.register_with(URI, &topic).during("registering")?);
        let listener = Subscriber::connect_in(dir, NAME).during("connecting")?;
        let ear = Ear::new(&listener, URI)?;
        let mut region = Self { dir: dir.to_owned(), topic, ear, _listener: listener, keeper, speakers: 0 };
        // Every slot names a block: what is published evicts.
        region.aftermath(1, &[], 0)?;
        Ok(region)
    }

    /// A survivor who publishes.
    pub fn speaker(&mut self) -> Checked<Speaker> {
        self.speakers += 1;
        Speaker::join(&self.dir, &self.topic, SURVIVOR + self.speakers)
    }

    /// Has the front of the free list in the name of a seat that no victim takes: a chain that a victim cuts off is then found by
    /// its intent alone, not by the number of an earlier owner.
    pub fn shuffle(&mut self) -> Checked {
        let first = Publisher::open_in(&self.dir, NAME).during("shuffling")?;
        let second = Publisher::open_in(&self.dir, NAME).during("shuffling")?;
        let topic = second.register("/shuffle").during("shuffling")?;
        drop((second.loan(&topic, LARGE).during("shuffling")?, first));
        Ok(())
    }

    /// What must hold after a death in round `round`, whose victim may have published `may` since the survivors listened last.
    /// `may_miss`: how many numbers may have been lost with it.
    pub fn aftermath(&mut self, round: u64, may: &[Words], may_miss: u64) -> Checked {
        // Recovery first, or only where somebody needs it.
        if round % 2 == 0 {
            self.keeper.recover().during("recovering first")?;
        }
        // Mostly the victim's seat is somebody else's then: what it evicted or took has another owner's number.
        let heir = match round % 4 {
            3 => None,
            _ => Some(Publisher::open_in(&self.dir, NAME).during("joining on the victim's seat")?),
        };
        let mut speaker = self.speaker()?;
        let newcomer = Subscriber::connect_in(&self.dir, NAME).during("joining as a subscriber")?;
        let mut other = Ear::new(&newcomer, URI)?;
        // A lossless topic may be full of what nobody has listened to.
        let mut heard = match self.ear.stream().delivery() {
            Delivery::Lossless => self.ear.hear_all()?,
            _ => Vec::new(),
        };
        let words = speaker.say(SMALL)?;
        heard.extend(self.ear.hear_until(words, may_miss)?);
        expect(&heard, may, &[words])?;
        let before = other.hear_until(words, may_miss)?;
        // Of a pinned topic the latest message is always there.
        let before = before.strip_suffix(&[words]).unwrap_or(&before);
        ensure(before.is_empty() || self.ear.stream().delivery() == Delivery::Pinned, || {
            format!("a newcomer heard {before:?} from before it came")
        })?;
        // A lap and more: whatever the victim left in the ring is evicted, in the end by blocks.
        for _ in 0..=DEPTH + 1 {
            let words = speaker.say(LARGE)?;
            expect(&self.ear.hear_until(words, 0)?, &[], &[words])?;
            expect(&other.hear_until(words, 0)?, &[], &[words])
                .map_err(|error| format!("a newcomer: {error}"))?;
        }
        drop((other, newcomer, speaker, heir));
        self.keeper.recover().during("recovering")?;
        let strays = self.keeper.strays();
        ensure(strays == 0, || format!("{strays} blocks are in the keeper's name that it does not have"))?;
        census::check(&self.dir, NAME, 0)
    }

    /// Everybody leaves.
    pub fn finish(self) -> Checked {
        let Self { ear, _listener: listener, keeper, dir, .. } = self;
        drop((ear, listener));
        census::check(&dir, NAME, 0)?;
        drop(keeper);
        Ok(())
    }
}
