//! A parked reader woken: from the publication until the reader has the message.

use std::fs;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use rustix::thread::{futex, gettid};

use crate::bus::{Bus, Parks, Puts, first, fresh_name};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round};
use crate::contract::{Outcome, told};
use crate::peers::{crossbar, xbar};
use crate::pin::pin;
use crate::rounds::median;

/// The cases.
pub fn cases() -> Vec<Case> {
    let case = Case::new("wake", "wake: a parked reader, two threads", 8)
        .latency()
        .ours(contender::<xbar::Region>())
        .limit(Contender::new("a bare futex", || Ok(()), bare))
        .peer(contender::<crossbar::Pool>());
    vec![case]
}

fn contender<B: Bus>() -> Contender
where
    B::Input: Parks,
{
    let few = Plan::at_once(0, 20);
    Contender::new(B::NAME, move || wakes::<B>(&few).map(drop), wakes::<B>)
}

fn wakes<B: Bus>(plan: &Plan) -> Outcome<Round>
where
    B::Input: Parks,
{
    let name = fresh_name();
    let mut output = B::output(&name, 8)?;
    let open = move || {
        let mut input = B::input(&name)?;
        Ok(move |turn| {
            let arrived = input.park(first);
            assert_eq!(arrived, turn, "another message arrived");
        })
    };
    measure(plan, open, |turn| output.copy(&turn.to_le_bytes()))
}

fn bare(plan: &Plan) -> Outcome<Round> {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let shared = futex::Flags::empty();
    let open = move || {
        Ok(move |turn: u64| {
            while theirs.load(Ordering::Acquire) != turn as u32 {
                // Woken, changed meanwhile, interrupted: the loop looks again.
                let _ = futex::wait(&theirs, shared, turn as u32 - 1, None);
            }
        })
    };
    measure(plan, open, |turn| {
        word.store(turn as u32, Ordering::Release);
        futex::wake(&word, shared, 1).expect("a word that is mapped");
    })
}

/// Wakes a thread `plan.turns` times, each time when the system says that it sleeps; the figure is the median.
fn measure<S: FnMut(u64)>(
    plan: &Plan,
    open: impl FnOnce() -> Outcome<S> + Send + 'static,
    mut wake: impl FnMut(u64),
) -> Outcome<Round> {
    let (plan, base) = (*plan, Instant::now());
    let woken_ns = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&woken_ns);
    let (ready, there) = mpsc::channel();
    let sleeping = thread::spawn(move || {
        pin(1);
        let opened = open();
        let thread = opened.as_ref().map(|_| gettid().as_raw_nonzero().get()).map_err(Clone::clone);
        ready.send(thread).expect("somebody who waits for this");
        let Ok(mut sleep) = opened else { return };
        for turn in 1..=plan.turns {
            sleep(turn);
            theirs.store(base.elapsed().as_nanos() as u64, Ordering::Release);
        }
    });
    let thread = there.recv().map_err(told)??;
    let status = format!("/proc/self/task/{thread}/stat");
    let mut singles = Vec::with_capacity(plan.turns as usize);
    for turn in 1..=plan.turns {
        while !sleeps(&status)? {}
        woken_ns.store(0, Ordering::Relaxed);
        let start = base.elapsed().as_nanos() as u64;
        wake(turn);
        let woken = loop {
            match woken_ns.load(Ordering::Acquire) {
                0 => {}
                woken => break woken,
            }
        };
        singles.push(woken - start);
    }
    sleeping.join().expect("the sleeping thread ends");
    let ns = median(&singles.iter().map(|ns| *ns as f64).collect::<Vec<_>>());
    Ok(Round { ns, singles })
}

/// True when the thread of that `stat` file is asleep.
fn sleeps(status: &str) -> Outcome<bool> {
    let text = fs::read_to_string(status).map_err(|error| format!("cannot read {status}: {error}"))?;
    // The state follows the name, which is in parentheses and may hold anything.
    Ok(text.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S')))
}
