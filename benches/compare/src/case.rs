//! A case: one thing to do, who does it, and beside what it is judged.

use std::cell::RefCell;
use std::fmt;

use crate::clock::{Plan, Round};
use crate::contract::Outcome;

type Check = Box<dyn Fn() -> Outcome<()>>;
type Run = Box<dyn Fn(&Plan) -> Outcome<Round>>;

/// Somebody who does a case: ours, a peer, or the bare machine.
pub struct Contender {
    /// As goals and rows call it.
    pub name: &'static str,
    /// What differs from ours: guarantees, settings.
    pub note: String,
    check: Check,
    run: Run,
}

impl Contender {
    /// A contender that needs no check: the bare machine.
    pub fn bare(name: &'static str, run: impl Fn(&Plan) -> Round + 'static) -> Self {
        Self {
            name,
            note: String::new(),
            check: Box::new(|| Ok(())),
            run: Box::new(move |plan| Ok(run(plan))),
        }
    }

    /// A contender that first shows that what arrives is what was sent.
    pub fn new(
        name: &'static str,
        check: impl Fn() -> Outcome<()> + 'static,
        run: impl Fn(&Plan) -> Outcome<Round> + 'static,
    ) -> Self {
        Self { name, note: String::new(), check: Box::new(check), run: Box::new(run) }
    }

    /// Says what differs.
    pub fn note(mut self, note: &str) -> Self {
        note.clone_into(&mut self.note);
        self
    }

    /// Sends messages and compares what arrives.
    pub fn check(&self) -> Outcome<()> {
        (self.check)()
    }

    /// Works one round, from scratch: handles and memory of its own.
    pub fn run(&self, plan: &Plan) -> Outcome<Round> {
        (self.run)(plan)
    }
}

/// A contender whose handles are made once and serve all rounds: for what takes long to set up.
pub fn kept<S: 'static>(
    name: &'static str,
    open: impl Fn() -> Outcome<S> + 'static,
    run: impl Fn(&mut S, &Plan) -> Outcome<Round> + 'static,
) -> Contender {
    let state = RefCell::new(None);
    Contender::new(
        name,
        || Ok(()),
        move |plan| {
            let mut state = state.borrow_mut();
            if state.is_none() {
                *state = Some(open()?);
            }
            state.as_mut().map_or_else(|| Err("nothing was opened".into()), |state| run(state, plan))
        },
    )
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

/// One thing to do.
#[derive(Debug)]
pub struct Case {
    /// What `--only` selects.
    pub family: &'static str,
    /// As goals and rows call it.
    pub name: &'static str,
    /// Bytes of one message.
    pub payload: u64,
    /// What varies in a series of cases of one name: how many topics, subscribers, slots.
    pub at: Option<u64>,
    /// Cores that it takes: 1, or 2 that are not one.
    pub cores: usize,
    /// True when single turns are timed too.
    pub latency: bool,
    /// Ours; none while it is not written yet.
    pub ours: Option<Contender>,
    /// The bare machine, if it can do something like it.
    pub limit: Option<Contender>,
    /// The peers that can do it.
    pub peers: Vec<Contender>,
}

impl Case {
    /// A case without anybody who does it.
    pub fn new(family: &'static str, name: &'static str, payload: usize) -> Self {
        Self {
            family,
            name,
            payload: payload as u64,
            at: None,
            cores: 1,
            latency: false,
            ours: None,
            limit: None,
            peers: Vec::new(),
        }
    }

    /// One of a series, at `at`.
    pub fn at(mut self, at: u64) -> Self {
        self.at = Some(at);
        self
    }

    /// Single turns are timed too: for turns of two threads, which outweigh a look at the clock.
    pub fn latency(mut self) -> Self {
        self.latency = true;
        self.two_cores()
    }

    /// It takes two threads, each on a core.
    pub fn two_cores(mut self) -> Self {
        self.cores = 2;
        self
    }

    /// Who is ours.
    pub fn ours(mut self, ours: Contender) -> Self {
        self.ours = Some(ours);
        self
    }

    /// What the bare machine takes.
    pub fn limit(mut self, limit: Contender) -> Self {
        self.limit = Some(limit);
        self
    }

    /// One more peer.
    pub fn peer(mut self, peer: Contender) -> Self {
        self.peers.push(peer);
        self
    }
}
