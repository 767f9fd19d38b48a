//! Victims that listen, and accept: whoever is connected or knocks is told, and the next listener has the name.

use std::path::{Path, PathBuf};

use xbar::{Channel, ChannelError};

use super::super::ear::{PATIENCE, STEP_BY_STEP};
use super::super::fault::{Checked, During, ensure};
use super::super::region::NAME;
use super::super::victim::{Victim, mark};
use super::channel::{self, Talk, config, ensure_gone};
use super::{Operation, Scene};

/// What a victim does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Listens where nobody is.
    Listen,
    /// Takes the place of a listener that was killed, and whose connection lives.
    TakeOver,
    Accept,
}

pub fn operations() -> Vec<Operation> {
    let operation = |name, part| Operation {
        name,
        scene: Box::new(move |dir: &Path| {
            Ok(Box::new(Listening { dir: dir.to_owned(), part, knocker: None, peer: None }) as Box<dyn Scene>)
        }),
    };
    vec![
        operation("channel: accept", Part::Accept),
        operation("channel: listen", Part::Listen),
        operation("channel: listen after a death", Part::TakeOver),
    ]
}

/// A listener that dies, and whoever has to do with it.
struct Listening {
    dir: PathBuf,
    part: Part,
    /// Waits to be accepted by the victim.
    knocker: Option<Victim>,
    /// Was accepted by one that is dead.
    peer: Option<Channel>,
}

/// Connects, and stays until the other end is gone.
fn connect(dir: &Path) {
    match config(dir).connect_timeout(NAME, STEP_BY_STEP) {
        Ok(channel) => {
            let heard = channel.recv_timeout(STEP_BY_STEP).map(|_| ());
            assert!(matches!(heard, Err(ChannelError::Disconnected | ChannelError::Closed)), "{heard:?}");
        }
        Err(error) => assert!(matches!(error, ChannelError::Disconnected), "{error}"),
    }
    mark();
}

impl Scene for Listening {
    fn ready(&mut self, _round: u64) -> Checked {
        if self.part == Part::TakeOver {
            let dir = self.dir.clone();
            let mut dead = Victim::start(move || {
                let listener = config(&dir).listen(NAME).unwrap();
                let end = listener.accept_timeout(PATIENCE).unwrap();
                mark();
                drop((end, listener));
            })?;
            let peer = config(&self.dir).connect_timeout(NAME, PATIENCE);
            self.peer = Some(peer.during("connecting to the first listener")?);
            dead.begun()?;
            dead.kill()?;
        }
        Ok(())
    }

    fn play(&self, _round: u64) {
        if self.part == Part::Accept {
            let listener = config(&self.dir).listen(NAME).unwrap();
            mark();
            let channel = listener.accept_timeout(STEP_BY_STEP);
            mark();
            drop(channel);
            return;
        }
        mark();
        let listener = config(&self.dir).listen(NAME);
        mark();
        drop(listener.unwrap());
    }

    fn begun(&mut self, _round: u64) -> Checked {
        if self.part == Part::Accept {
            let dir = self.dir.clone();
            let knocker = Victim::start(move || connect(&dir))?;
            // It has knocked, and waits.
            knocker.asleep(PATIENCE)?;
            self.knocker = Some(knocker);
        }
        Ok(())
    }

    fn check(&mut self, round: u64) -> Checked {
        if let Some(mut knocker) = self.knocker.take() {
            knocker.begun().map_err(|error| format!("whoever connected was not told: {error}"))?;
            knocker.kill()?;
        }
        let mut talk = Talk::new(&self.dir, channel::Part::Connect)
            .map_err(|error| format!("the next listener: {error}"))?;
        if let Some(peer) = self.peer.take() {
            ensure_gone(&peer)?;
        }
        talk.converse(round)?;
        drop(talk);
        let left = std::fs::read_dir(&self.dir).during("looking for what is left")?.count();
        ensure(left == 0, || format!("{left} directories are left"))
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}
