//! Victims that begin to serve: the next server has the name, and clients go on with it.

use std::path::{Path, PathBuf};

use xbar::{Client, RequestError, RequestId};

use super::super::ear::PATIENCE;
use super::super::fault::{Checked, During, ensure};
use super::super::region::{NAME, SURVIVOR};
use super::super::victim::{Victim, mark};
use super::super::words::{LARGE, Words};
use super::request::{Asking, config};
use super::{Operation, Scene};

pub fn operations() -> Vec<Operation> {
    let operation = |name, is_after_a_death| Operation {
        name,
        scene: Box::new(move |dir: &Path| {
            Ok(Box::new(Serving { dir: dir.to_owned(), is_after_a_death, bereaved: None }) as Box<dyn Scene>)
        }),
    };
    vec![operation("request: serve", false), operation("request: serve after a death", true)]
}

/// A server that dies before it has served anybody.
struct Serving {
    dir: PathBuf,
    /// Somebody served before, and was killed.
    is_after_a_death: bool,
    /// Who asked that one, and what.
    bereaved: Option<(Client, RequestId)>,
}

impl Scene for Serving {
    fn ready(&mut self, round: u64) -> Checked {
        if self.is_after_a_death {
            let dir = self.dir.clone();
            let mut dead = Victim::start(move || {
                let server = config(&dir).serve(NAME).unwrap();
                mark();
                drop(server);
            })?;
            dead.begun()?;
            let client = Client::connect_in(&self.dir, NAME).during("connecting to the first server")?;
            let words = Words { source: SURVIVOR + round, number: 0 };
            // Over when the next server is there, long before that.
            let asked = client.send(&words.bytes(LARGE), Some(PATIENCE)).during("asking the first server")?;
            self.bereaved = Some((client, asked));
            dead.kill()?;
        }
        Ok(())
    }

    fn play(&self, _round: u64) {
        mark();
        let server = config(&self.dir).serve(NAME);
        mark();
        drop(server.unwrap());
    }

    fn check(&mut self, round: u64) -> Checked {
        let server = config(&self.dir).serve(NAME).during("the next server")?;
        let client = match self.bereaved.take() {
            Some((client, asked)) => {
                let answer = client.wait(asked);
                ensure(matches!(answer, Err(RequestError::Disconnected)), || {
                    format!("what was asked of the first server: {answer:?}")
                })?;
                client
            }
            None => Client::connect_in(&self.dir, NAME).during("connecting")?,
        };
        let mut asking = Asking::of(&self.dir, server, client);
        asking.go_on(round)?;
        drop(asking);
        let left = std::fs::read_dir(&self.dir).during("looking for what is left")?.count();
        ensure(left == 0, || format!("{left} directories are left"))
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}
