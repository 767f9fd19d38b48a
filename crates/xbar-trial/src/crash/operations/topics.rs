//! Victims that are participants of a region with one topic.

use std::path::{Path, PathBuf};

use xbar::{Publisher, Sample, Stream, Subscriber, Topic, TopicConfig};

use super::super::ear::PATIENCE;
use super::super::fault::{Checked, ensure};
use super::super::region::{NAME, Region, Speaker, URI};
use super::super::victim::{Victim, mark};
use super::super::words::{LARGE, SMALL, Words};
use super::{Operation, Scene};

/// Numbers of the messages that a victim publishes within its operation; before it they are smaller.
pub const WITHIN: u64 = 1000;

/// Sources of those who were dead before the victim.
const DEAD: u64 = 1 << 30;

/// A victim's part.
#[derive(Clone)]
pub struct Role {
    pub dir: PathBuf,
    pub round: u64,
    pub topic: TopicConfig,
}

impl Role {
    pub fn publisher(&self) -> Publisher {
        Publisher::open_in(&self.dir, NAME).unwrap()
    }

    pub fn topic(&self, publisher: &Publisher) -> Topic {
        publisher.register_with(URI, &self.topic).unwrap()
    }

    pub fn words(&self, number: u64) -> Words {
        Words { source: self.round, number }
    }

    pub fn send(&self, publisher: &Publisher, topic: &Topic, number: u64, length: usize) {
        publisher.send_timeout(topic, &self.words(number).bytes(length), PATIENCE).unwrap();
    }

    pub fn subscriber(&self) -> Subscriber {
        Subscriber::connect_in(&self.dir, NAME).unwrap()
    }

    /// Dies with two loans, having published three blocks and holding two of them; or within the claim of a fourth message.
    fn die(&self) {
        let publisher = self.publisher();
        let topic = self.topic(&publisher);
        let subscriber = self.subscriber();
        let stream = subscriber.subscribe(URI).unwrap();
        for number in 0..3 {
            self.send(&publisher, &topic, number, LARGE);
        }
        let samples = [take(&stream), take(&stream)];
        let loans: Vec<_> = (0..2).map(|_| publisher.loan(&topic, LARGE).unwrap()).collect();
        mark();
        self.send(&publisher, &topic, 3, SMALL);
        mark();
        drop((samples, loans));
    }
}

/// The next message, whole.
pub fn take(stream: &Stream) -> Sample<'_> {
    let sample = stream.recv_timeout(PATIENCE).unwrap();
    Words::read(&sample).unwrap();
    sample
}

/// What happens around a victim.
#[derive(Clone, Copy)]
pub struct Act {
    pub topic: fn() -> TopicConfig,
    /// What the victim does.
    pub play: fn(&Role),
    /// What a survivor publishes when the victim begins.
    pub spoken: &'static [usize],
    /// Messages that the victim publishes within its operation.
    pub publishes: u64,
    /// Numbers that may be lost with it.
    pub may_miss: u64,
    /// The survivors do not listen before the victim sleeps.
    pub is_deaf: bool,
    /// What a survivor publishes when the victim sleeps.
    pub rouses: &'static [usize],
    /// A publisher and a subscriber die just before the operation.
    pub is_after_a_death: bool,
    /// The publisher has claimed a slot among many.
    pub dies_in_a_claim: bool,
}

/// A lossy topic on which nothing happens.
pub const ACT: Act = Act {
    topic: TopicConfig::new,
    play: |_| {},
    spoken: &[],
    publishes: 0,
    may_miss: 0,
    is_deaf: false,
    rouses: &[],
    is_after_a_death: false,
    dies_in_a_claim: false,
};

impl Act {
    /// The act as an operation.
    pub fn operation(self, name: &'static str) -> Operation {
        let scene = move |dir: &Path| {
            let region = Region::new(dir, (self.topic)())?;
            Ok(Box::new(Drama { region, act: self, speaker: None, dead: None }) as Box<dyn Scene>)
        };
        Operation { name, scene: Box::new(scene) }
    }
}

/// A region in which one victim after the other acts.
struct Drama {
    region: Region,
    act: Act,
    speaker: Option<Speaker>,
    dead: Option<Victim>,
}

impl Drama {
    fn role(&self, round: u64) -> Role {
        Role { dir: self.region.dir.clone(), round, topic: self.region.topic }
    }

    fn speak(&mut self, lengths: &[usize]) -> Checked {
        if lengths.is_empty() {
            return Ok(());
        }
        if self.speaker.is_none() {
            self.speaker = Some(self.region.speaker()?);
        }
        let Some(speaker) = &mut self.speaker else { return Ok(()) };
        for &length in lengths {
            let words = speaker.say(length)?;
            self.region.ear.hear_until(words, 0)?;
        }
        Ok(())
    }
}

impl Scene for Drama {
    fn ready(&mut self, round: u64) -> Checked {
        self.region.shuffle()?;
        if self.act.is_after_a_death {
            let role = Role { round: DEAD + round, ..self.role(round) };
            let mut dead = Victim::start(|| role.die())?;
            dead.begun()?;
            self.dead = Some(dead);
        }
        Ok(())
    }

    fn play(&self, round: u64) {
        (self.act.play)(&self.role(round));
    }

    fn begun(&mut self, _round: u64) -> Checked {
        if !self.act.is_deaf {
            let heard = self.region.ear.hear_all()?;
            let in_order = heard.windows(2).all(|pair| pair[0].number + 1 == pair[1].number);
            ensure(in_order || self.region.ear.stream().delivery() == xbar::Delivery::Pinned, || {
                format!("heard {heard:?} before the operation")
            })?;
        }
        if let Some(mut dead) = self.dead.take() {
            let stream = self.region.ear.stream();
            if self.act.dies_in_a_claim {
                dead.step_until(|| stream.pending() > 0)?;
            }
            dead.kill()?;
        }
        self.speak(self.act.spoken)
    }

    fn rouse(&mut self, _round: u64) -> Checked {
        if self.act.is_deaf {
            self.region.ear.hear_all()?;
        }
        self.speak(self.act.rouses)
    }

    fn check(&mut self, round: u64) -> Checked {
        // Survivors that were there before go on.
        let again = if self.act.spoken.is_empty() { &[][..] } else { &[SMALL, LARGE] };
        let mut may: Vec<_> = if self.act.is_deaf { (0..WITHIN).collect() } else { Vec::new() };
        may.extend(WITHIN..WITHIN + self.act.publishes);
        let may: Vec<_> = may.into_iter().map(|number| Words { source: round, number }).collect();
        if self.act.publishes == 0 {
            self.speak(again)?;
        }
        self.speaker = None;
        self.region.aftermath(round, &may, self.act.may_miss)
    }

    fn finish(self: Box<Self>) -> Checked {
        let Self { region, speaker, .. } = *self;
        drop(speaker);
        region.finish()
    }
}

/// Shorthand for acts on other kinds of topics.
pub fn lossless() -> TopicConfig {
    TopicConfig::new().lossless()
}

pub fn pinned() -> TopicConfig {
    TopicConfig::new().pinned()
}

pub fn many() -> TopicConfig {
    TopicConfig::new().many_publishers()
}

pub fn lossless_many() -> TopicConfig {
    TopicConfig::new().lossless().many_publishers()
}
