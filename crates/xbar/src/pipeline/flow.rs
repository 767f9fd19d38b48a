//! Laying out a pipeline: flows that stages take from.
//!
//! A link is made when the stage behind it is known, because that one says what kind it is; so a branch has its link before
//! anything runs, and no branch misses what was sent before it was there.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use xbar_ring::{Pod, RecvError, WaitStrategy};
use xbar_shm::memory::MemoryError;

use super::builder::Plan;
use super::ends::Output;
use super::error::PipelineError;
use super::link::{
    Ends, FanOut, Inlet, MakeLink, Nowhere, Outlet, Patience, Size, copied, entrance, entrances, lossy, moved,
};
use super::running::{Pipeline, Planned};
use crate::worker::{Waiting, Work};

pub(super) type Shared = Rc<RefCell<Plan>>;
pub(super) type Connect<T> = Box<dyn FnOnce(Box<dyn Outlet<T>>)>;

/// What lies in front of a stage, and how that one runs.
type Front<T> = (Box<dyn Inlet<T>>, Size, Work);

/// Where the items of a flow come from.
pub(super) enum Origin<T> {
    /// A link that is there.
    Link(Box<dyn Inlet<T>>, Size),
    /// A stage that wants to know where to put them.
    Stage(Connect<T>),
}

/// Items on their way, for the next stage to take. What is set here is the next stage's.
#[must_use]
pub struct Flow<T> {
    plan: Shared,
    origin: Origin<T>,
    name: Option<String>,
    core: Option<usize>,
    waiting: Waiting,
    capacity: Option<usize>,
    link: MakeLink<T>,
}

impl<T: Send + 'static> Flow<T> {
    pub(super) fn new(plan: Shared, origin: Origin<T>) -> Self {
        let (name, core, capacity, waiting) = (None, None, None, Waiting::default());
        Self { plan, origin, name, core, waiting, capacity, link: moved }
    }

    /// Names the next stage and its thread. Default: `stage 0`, `stage 1` ..
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Lets the next stage run on `core`.
    pub fn on_core(self, core: usize) -> Self {
        Self { core: Some(core), ..self }
    }

    /// Lets the next stage wait as `strategy` says. Default: [`Adaptive`](crate::Adaptive).
    pub fn waiting(self, strategy: impl WaitStrategy + Clone + Send + Sync + 'static) -> Self {
        Self { waiting: Waiting::new(strategy), ..self }
    }

    /// Items between this and the next stage, from 2. Not of the input: that is the [builder](super::Builder::capacity)'s.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity: Some(capacity), ..self }
    }

    /// Copies items to the next stage, through a ring of plain values, instead of moving them.
    pub fn copied(self) -> Self
    where
        T: Copy,
    {
        Self { link: copied, ..self }
    }

    /// Lets the next stage miss items when it is slow, rather than hold up those in front. What it missed is counted: see
    /// [`StageStats`](super::StageStats), and [`Output::missed`].
    pub fn lossy(self) -> Self
    where
        T: Pod,
    {
        Self { link: lossy, ..self }
    }

    /// A stage that makes an item of each.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    pub fn then<U: Send + 'static>(
        self,
        mut step: impl FnMut(T) -> U + Send + 'static,
    ) -> Result<Flow<U>, PipelineError> {
        self.stage(|| (), move |(), item| Some(step(item)))
    }

    /// As [`then`](Self::then), with a state that is made in the stage's thread and stays there, so it need not be `Send`.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    pub fn then_with<S, U: Send + 'static>(
        self,
        state: impl FnOnce() -> S + Send + 'static,
        mut step: impl FnMut(&mut S, T) -> U + Send + 'static,
    ) -> Result<Flow<U>, PipelineError> {
        self.stage(state, move |state, item| Some(step(state, item)))
    }

    /// A stage that makes an item of some.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    pub fn filter_map<U: Send + 'static>(
        self,
        mut step: impl FnMut(T) -> Option<U> + Send + 'static,
    ) -> Result<Flow<U>, PipelineError> {
        self.stage(|| (), move |(), item| step(item))
    }

    fn stage<S, U: Send + 'static>(
        self,
        state: impl FnOnce() -> S + Send + 'static,
        mut step: impl FnMut(&mut S, T) -> Option<U> + Send + 'static,
    ) -> Result<Flow<U>, PipelineError> {
        let plan = Rc::clone(&self.plan);
        let (mut inlet, front, work) = self.take()?;
        let shutdown = plan.borrow().shutdown.clone();
        let theirs = Rc::clone(&plan);
        let connect = move |mut outlet: Box<dyn Outlet<U>>| {
            let strategies = work.waiting.clone();
            let body = move || {
                let mut state = state();
                let mut receiving = shutdown.waiting_as(strategies.strategy());
                let mut sending: Patience = shutdown.waiting_as(strategies.strategy());
                let mut is_open = true;
                while is_open && !shutdown.is_stopped() {
                    let taken = inlet.each(&mut receiving, &mut |item| {
                        // Told to stop in the middle: what is left is dropped.
                        if is_open && !shutdown.is_stopped() {
                            if let Some(made) = step(&mut state, item) {
                                is_open = outlet.send(made, &mut sending).is_ok();
                            }
                        }
                    });
                    is_open &= taken.is_ok();
                }
            };
            theirs.borrow_mut().stages.push(Planned { work, fronts: vec![front], body: Box::new(body) });
        };
        Ok(Flow::new(plan, Origin::Stage(Box::new(connect))))
    }

    /// The same items for each of `N` branches: each gets all of them, however long it takes.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    pub fn fan_out<const N: usize>(self) -> Result<[Flow<T>; N], PipelineError>
    where
        T: Clone,
    {
        const { assert!(N >= 1, "a flow needs at least one branch") };
        let plan = Rc::clone(&self.plan);
        let connect = match self.origin {
            Origin::Stage(connect) => connect,
            // No stage in front could hand the items out: one is put there.
            Origin::Link(..) => {
                let name = self.name.clone().unwrap_or_else(|| "fan-out".to_owned());
                match self.named(&name).then(|item| item)?.origin {
                    Origin::Stage(connect) => connect,
                    Origin::Link(..) => unreachable!("a stage is the origin of what it makes"),
                }
            }
        };
        plan.borrow_mut().open += N - 1;
        let branches: Rc<RefCell<Branches<T>>> =
            Rc::new(RefCell::new(Branches { connect: Some(connect), outlets: Vec::new(), count: N }));
        Ok(std::array::from_fn(|_| {
            let branches = Rc::clone(&branches);
            let connect = move |outlet| branches.borrow_mut().add(outlet);
            Flow::new(Rc::clone(&plan), Origin::Stage(Box::new(connect)))
        }))
    }

    /// The n-th item of this flow with the n-th of `other`, by a stage that waits for both. It ends with the shorter one.
    ///
    /// Branches of one fan-out that [leave out](Self::filter_map) different items drift apart: the links of the one that is ahead
    /// must have [capacity](Self::capacity) for the difference, or each waits for the other.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    ///
    /// # Panics
    ///
    /// When `other` is of another pipeline.
    pub fn join<U: Send + 'static>(self, other: Flow<U>) -> Result<Flow<(T, U)>, PipelineError> {
        assert!(Rc::ptr_eq(&self.plan, &other.plan), "a flow of another pipeline cannot be joined");
        let plan = Rc::clone(&self.plan);
        plan.borrow_mut().open -= 1;
        let (mut left, front, work) = self.take()?;
        let (mut right, other_front, _) = other.take()?;
        let shutdown = plan.borrow().shutdown.clone();
        let theirs = Rc::clone(&plan);
        let connect = move |mut outlet: Box<dyn Outlet<(T, U)>>| {
            let strategies = work.waiting.clone();
            let body = move || {
                let mut receiving = shutdown.waiting_as(strategies.strategy());
                let mut sending: Patience = shutdown.waiting_as(strategies.strategy());
                let mut pair = move || -> Result<(T, U), RecvError> {
                    Ok((left.next(&mut receiving)?, right.next(&mut receiving)?))
                };
                while !shutdown.is_stopped() {
                    let Ok(pair) = pair() else { break };
                    if outlet.send(pair, &mut sending).is_err() {
                        break;
                    }
                }
            };
            let fronts = vec![front, other_front];
            theirs.borrow_mut().stages.push(Planned { work, fronts, body: Box::new(body) });
        };
        Ok(Flow::new(plan, Origin::Stage(Box::new(connect))))
    }

    /// The items of all `flows` in one, each flow's in their order.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    ///
    /// # Panics
    ///
    /// When one is of another pipeline, or comes straight from an input.
    pub fn merge<const N: usize>(flows: [Flow<T>; N]) -> Result<Flow<T>, PipelineError> {
        const { assert!(N >= 1, "a merge needs at least one flow") };
        let plan = Rc::clone(&flows[0].plan);
        let same = flows.iter().all(|flow| Rc::ptr_eq(&plan, &flow.plan));
        assert!(same, "a flow of another pipeline cannot be merged");
        plan.borrow_mut().open -= N - 1;
        let size = flows[0].size();
        let (producer, inlet) = entrances(&size)?;
        for flow in flows {
            match flow.origin {
                Origin::Stage(connect) => connect(entrance(producer.clone(), &size.counts)),
                Origin::Link(..) => panic!("an input has no stage to merge: put one behind it"),
            }
        }
        Ok(Flow::new(plan, Origin::Link(inlet, size)))
    }

    /// Closes this branch with an output; the pipeline starts when another one is [built](Self::build).
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    pub fn output(self) -> Result<Output<T>, PipelineError> {
        let plan = Rc::clone(&self.plan);
        plan.borrow_mut().open -= 1;
        let (inlet, counts, work) = self.take()?;
        let shutdown = plan.borrow().shutdown.clone();
        let (counts, waiting) = (counts.counts, work.waiting);
        Ok(Output { inlet, counts, shutdown, waiting })
    }

    /// Closes this branch with a stage that makes nothing; the pipeline starts when another one is [built](Self::build).
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    pub fn for_each(self, mut handle: impl FnMut(T) + Send + 'static) -> Result<(), PipelineError> {
        let plan = Rc::clone(&self.plan);
        let flow = self.stage(
            || (),
            move |(), item| -> Option<()> {
                handle(item);
                None
            },
        )?;
        flow.close(Box::new(Nowhere));
        plan.borrow_mut().open -= 1;
        Ok(())
    }

    /// Starts the pipeline, with an output of this, its last open flow.
    ///
    /// # Errors
    ///
    /// [`PipelineError`].
    pub fn build(self) -> Result<(Output<T>, Pipeline), PipelineError> {
        let plan = Rc::clone(&self.plan);
        let output = self.output()?;
        Ok((output, start(plan)?))
    }

    /// Starts the pipeline, whose last open flow ends here in a stage that makes nothing.
    ///
    /// # Errors
    ///
    /// [`PipelineError`].
    pub fn finish(self, handle: impl FnMut(T) + Send + 'static) -> Result<Pipeline, PipelineError> {
        let plan = Rc::clone(&self.plan);
        self.for_each(handle)?;
        start(plan)
    }

    fn close(self, outlet: Box<dyn Outlet<T>>) {
        if let Origin::Stage(connect) = self.origin {
            connect(outlet);
        }
    }

    fn size(&self) -> Size {
        let plan = self.plan.borrow();
        let capacity = self.capacity.unwrap_or(plan.capacity);
        Size { capacity, memory: plan.memory, counts: Arc::default() }
    }

    /// The link in front of the next stage, and how that runs.
    fn take(self) -> Result<Front<T>, MemoryError> {
        let size = self.size();
        let Self { plan, origin, name, core, waiting, link, .. } = self;
        let (inlet, size) = match origin {
            Origin::Link(inlet, size) => (inlet, size),
            Origin::Stage(connect) => {
                let (outlet, inlet): Ends<T> = link(&size)?;
                connect(outlet);
                (inlet, size)
            }
        };
        let name = name.unwrap_or_else(|| format!("stage {}", plan.borrow().stages.len()));
        Ok((inlet, size, Work { name, core, waiting }))
    }
}

impl<T> fmt::Debug for Flow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Branches of a fan-out that know where their items go.
struct Branches<T> {
    connect: Option<Connect<T>>,
    outlets: Vec<Box<dyn Outlet<T>>>,
    count: usize,
}

impl<T: Clone + Send + 'static> Branches<T> {
    fn add(&mut self, outlet: Box<dyn Outlet<T>>) {
        self.outlets.push(outlet);
        if self.outlets.len() == self.count {
            if let Some(connect) = self.connect.take() {
                connect(Box::new(FanOut(std::mem::take(&mut self.outlets))));
            }
        }
    }
}

fn start(plan: Shared) -> Result<Pipeline, PipelineError> {
    let open = plan.borrow().open;
    if open > 0 {
        return Err(PipelineError::Open { branches: open });
    }
    let mut plan = plan.borrow_mut();
    let stages = std::mem::take(&mut plan.stages);
    let close = std::mem::replace(&mut plan.close, Box::new(|| ()));
    Ok(Pipeline::start(plan.shutdown.clone(), close, stages)?)
}
