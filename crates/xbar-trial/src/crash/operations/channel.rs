//! Victims at one end of a connection.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use xbar::{Channel, ChannelConfig, ChannelError, Listener};

use super::super::census;
use super::super::ear::{PATIENCE, STEP_BY_STEP};
use super::super::fault::{Checked, During, ensure};
use super::super::region::{BATCH, NAME, SURVIVOR};
use super::super::victim::{Victim, mark};
use super::super::words::{LARGE, SMALL, Words};
use super::topics::WITHIN;
use super::{Operation, Scene};

/// What a victim does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Connect,
    Send(usize),
    Receive(usize),
    Close,
    Leave,
}

pub fn operations() -> Vec<Operation> {
    let operation = |name, part| Operation {
        name,
        scene: Box::new(move |dir: &Path| Ok(Box::new(Talk::new(dir, part)?) as Box<dyn Scene>)),
    };
    vec![
        operation("channel: connect", Part::Connect),
        operation("channel: send inline", Part::Send(SMALL)),
        operation("channel: send a block", Part::Send(LARGE)),
        operation("channel: receive", Part::Receive(LARGE)),
        operation("channel: close", Part::Close),
        operation("channel: leave", Part::Leave),
    ]
}

pub fn config(dir: &Path) -> ChannelConfig {
    ChannelConfig::new().connections(1).depth(4).max_bytes(1024).dir(dir)
}

/// Who listens, and the end that it has of the victim's connection.
pub struct Talk {
    dir: PathBuf,
    part: Part,
    listener: Listener,
    end: Option<Channel>,
}

impl Talk {
    pub fn new(dir: &Path, part: Part) -> Checked<Self> {
        let listener = config(dir).listen(NAME).during("listening")?;
        Ok(Self { dir: dir.to_owned(), part, listener, end: None })
    }

    /// Somebody else connects, says three things and hears one.
    pub fn converse(&mut self, round: u64) -> Checked {
        let words = |number| Words { source: SURVIVOR + round, number };
        let dir = self.dir.clone();
        let mut other = Victim::start(move || {
            let channel = config(&dir).connect_timeout(NAME, PATIENCE).unwrap();
            for (number, length) in [SMALL, LARGE, SMALL].into_iter().enumerate() {
                channel.send_timeout(&words(number as u64).bytes(length), PATIENCE).unwrap();
            }
            assert_eq!(Words::read(&channel.recv_timeout(PATIENCE).unwrap()), Ok(words(3)));
            mark();
            drop(channel);
        })?;
        let start = Instant::now();
        let channel = loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            let channel = match self.listener.accept_timeout(left) {
                Ok(channel) => channel,
                Err(error) => {
                    let other =
                        if other.sleeps() { "it waits".to_owned() } else { format!("{:?}", other.begun()) };
                    return Err(format!("accepting the next connection: {error}; who connects: {other}"));
                }
            };
            let first = match channel.recv_timeout(PATIENCE) {
                Ok(said) => Some(Words::read(&said)?),
                // A knock of the dead.
                Err(ChannelError::Disconnected | ChannelError::Closed) => None,
                Err(error) => return Err(format!("hearing the next connection: {error}")),
            };
            if let Some(said) = first {
                ensure(said == words(0), || format!("somebody else's words: {said}"))?;
                break channel;
            }
        };
        for number in 1..3 {
            let said = channel.recv_timeout(PATIENCE).during("hearing the next connection")?;
            ensure(Words::read(&said)? == words(number), || format!("not what was said {number}th"))?;
        }
        channel.send_timeout(&words(3).bytes(LARGE), PATIENCE).during("answering")?;
        other.begun()?;
        // Some are killed, which takes longer to notice.
        if round % 4 == 0 {
            other.kill()?;
        } else {
            other.go_away()?;
        }
        ensure_gone(&channel)
    }
}

/// The other end is found gone, whatever it still said.
pub fn ensure_gone(channel: &Channel) -> Checked {
    match channel.recv_timeout(PATIENCE) {
        Err(ChannelError::Disconnected | ChannelError::Closed) => Ok(()),
        Err(error) => Err(format!("the other end died: {error}")),
        Ok(said) => Err(format!("the other end died and said {:?}", Words::read(&said))),
    }
}

impl Scene for Talk {
    fn play(&self, round: u64) {
        let words = |number| Words { source: round, number };
        if self.part == Part::Connect {
            mark();
            let channel = config(&self.dir).connect_timeout(NAME, STEP_BY_STEP).unwrap();
            mark();
            drop(channel);
            return;
        }
        let channel = config(&self.dir).connect_timeout(NAME, PATIENCE).unwrap();
        channel.send(&words(0).bytes(SMALL)).unwrap();
        match self.part {
            Part::Send(length) => {
                let bytes = words(WITHIN).bytes(length);
                mark();
                channel.send(&bytes).unwrap();
                mark();
            }
            Part::Receive(_) => {
                mark();
                let said = channel.try_recv();
                mark();
                Words::read(&said.unwrap()).unwrap();
            }
            Part::Close => {
                mark();
                let closed = channel.close();
                mark();
                closed.unwrap();
            }
            Part::Leave => {
                mark();
                drop(channel);
                mark();
            }
            Part::Connect => {}
        }
    }

    fn meet(&mut self, round: u64) -> Checked {
        if self.part != Part::Connect {
            let channel = self.listener.accept_timeout(PATIENCE).during("accepting the victim")?;
            let said = channel.recv_timeout(PATIENCE).during("hearing the victim")?;
            ensure(Words::read(&said)? == Words { source: round, number: 0 }, || {
                "somebody else's words".to_owned()
            })?;
            drop(said);
            self.end = Some(channel);
        }
        Ok(())
    }

    fn begun(&mut self, round: u64) -> Checked {
        if let (Part::Receive(length), Some(channel)) = (self.part, &self.end) {
            let words = Words { source: SURVIVOR + round, number: 0 };
            channel.send_timeout(&words.bytes(length), PATIENCE).during("sending to the victim")?;
        }
        Ok(())
    }

    fn rouse(&mut self, _round: u64) -> Checked {
        if self.part == Part::Connect && self.end.is_none() {
            match self.listener.accept_timeout(Duration::ZERO) {
                Ok(channel) => self.end = Some(channel),
                Err(ChannelError::Timeout) => {}
                Err(error) => return Err(format!("accepting the victim: {error}")),
            }
        }
        Ok(())
    }

    fn check(&mut self, round: u64) -> Checked {
        if let Some(channel) = self.end.take() {
            match channel.recv_timeout(PATIENCE) {
                Ok(said) => {
                    let words = Words::read(&said)?;
                    let is_sent = matches!(self.part, Part::Send(_))
                        && words == Words { source: round, number: WITHIN };
                    ensure(is_sent, || format!("the victim never said {words}"))?;
                    drop(said);
                    ensure_gone(&channel)?;
                }
                Err(ChannelError::Disconnected | ChannelError::Closed) => {}
                Err(error) => return Err(format!("the other end died: {error}")),
            }
            // Nobody waits for the dead.
            let start = Instant::now();
            while channel.send_timeout(&[0; SMALL], PATIENCE).is_ok() {
                ensure(start.elapsed() < PATIENCE, || "sending to the dead goes on".to_owned())?;
            }
        }
        self.converse(round)?;
        let publisher = xbar::Publisher::open_in(&self.dir, NAME).during("joining to count")?;
        publisher.recover().during("recovering")?;
        drop(publisher);
        census::check(&self.dir, NAME, BATCH)
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}
