//! Victims that accept a connection: who knocks is told, and the next listener has the name.

use std::path::{Path, PathBuf};

use xbar::ChannelError;

use super::super::ear::{PATIENCE, STEP_BY_STEP};
use super::super::fault::{Checked, During, ensure};
use super::super::region::NAME;
use super::super::victim::{Victim, mark};
use super::channel::{Part, Talk, config};
use super::{Operation, Scene};

pub fn operations() -> Vec<Operation> {
    let scene = |dir: &Path| Ok(Box::new(Accepting { dir: dir.to_owned(), other: None }) as Box<dyn Scene>);
    vec![Operation { name: "channel: accept", scene: Box::new(scene) }]
}

/// A listener that dies, and somebody who connects to it.
struct Accepting {
    dir: PathBuf,
    other: Option<Victim>,
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

impl Scene for Accepting {
    fn play(&self, _round: u64) {
        let listener = config(&self.dir).listen(NAME).unwrap();
        mark();
        let channel = listener.accept_timeout(STEP_BY_STEP);
        mark();
        drop(channel);
    }

    fn begun(&mut self, _round: u64) -> Checked {
        let dir = self.dir.clone();
        let other = Victim::start(move || connect(&dir))?;
        // It has knocked, and waits.
        other.asleep(PATIENCE)?;
        self.other = Some(other);
        Ok(())
    }

    fn check(&mut self, round: u64) -> Checked {
        if let Some(mut other) = self.other.take() {
            other.begun().map_err(|error| format!("whoever connected was not told: {error}"))?;
            other.kill()?;
        }
        let mut talk =
            Talk::new(&self.dir, Part::Connect).map_err(|error| format!("the next listener: {error}"))?;
        talk.converse(round)?;
        drop(talk);
        let left = std::fs::read_dir(&self.dir).during("looking for what is left")?.count();
        ensure(left == 0, || format!("{left} directories are left"))
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}
