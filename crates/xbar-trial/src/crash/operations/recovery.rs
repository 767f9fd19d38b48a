//! Victims that recover from others who died before them: what they leave half-done, the next one completes.

use super::super::region::{NAME, URI};
use super::super::victim::mark;
use super::super::words::LARGE;
use super::Operation;
use super::topics::{ACT, Act, Role, many};

pub fn operations() -> Vec<Operation> {
    let bereaved = Act { is_after_a_death: true, ..ACT };
    let claimed = Act { topic: many, may_miss: 1, dies_in_a_claim: true, ..bereaved };
    vec![
        Act { play: recover, ..bereaved }.operation("recover from two deaths"),
        Act { play: recover, ..claimed }.operation("recover from two deaths, one in a claim"),
        Act { play: recover_from_outside, ..claimed }.operation("doctor: recover from two deaths"),
        Act { play: look, ..bereaved }.operation("look at a region, two of it dead"),
        Act { play: take_topic, ..claimed }.operation("register among many, one dead in a claim"),
        Act { play: take_seat, ..bereaved }.operation("join on a dead one's seat"),
        Act { play: take_topic, ..bereaved }.operation("register a dead one's topic"),
        Act { play: loan, ..claimed }.operation("loan after two deaths"),
        Act { play: connect, ..bereaved }.operation("subscribe on a dead one's seat"),
    ]
}

fn recover(role: &Role) {
    let publisher = role.publisher();
    mark();
    let recovered = publisher.recover();
    mark();
    recovered.unwrap();
}

/// What `xbar doctor --fix` does in a region that lives.
fn recover_from_outside(role: &Role) {
    mark();
    let recovery = xbar::recover_in(&role.dir, NAME);
    mark();
    recovery.unwrap();
}

/// What changes nothing, but asks the kernel's locks who lives.
fn look(role: &Role) {
    mark();
    let found = xbar::discover_in(&role.dir, "**");
    let account = xbar::audit_in(&role.dir, NAME);
    mark();
    drop((found, account));
}

fn take_seat(role: &Role) {
    mark();
    let publisher = role.publisher();
    mark();
    drop(publisher);
}

fn take_topic(role: &Role) {
    let publisher = role.publisher();
    mark();
    let topic = role.topic(&publisher);
    mark();
    drop(topic);
}

fn loan(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    mark();
    let loan = publisher.loan(&topic, LARGE);
    mark();
    drop(loan);
}

fn connect(role: &Role) {
    mark();
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    drop(stream);
}
