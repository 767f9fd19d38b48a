//! Victims that publish.

use xbar::Park;

use super::super::ear::STEP_BY_STEP;
use super::super::region::{BATCH, DEPTH};
use super::super::victim::mark;
use super::super::words::{LARGE, SMALL};
use super::Operation;
use super::topics::{ACT, Act, Role, WITHIN, lossless, lossless_many, many, pinned};

pub fn operations() -> Vec<Operation> {
    let published = Act { publishes: 1, ..ACT };
    // Somebody else publishes too: a claim that died costs one number.
    let claimed = Act { topic: many, spoken: &[SMALL, LARGE], may_miss: 1, ..published };
    vec![
        Act { play: inline, ..published }.operation("publish inline"),
        Act { play: block, ..published }.operation("publish a block and evict"),
        Act { play: inline_at_once, ..published }.operation("publish inline, the straight way"),
        Act { play: block_at_once, ..published }.operation("publish a block and evict, the straight way"),
        Act { play: reclaim, publishes: 2, ..published }.operation("publish, evict and reclaim"),
        Act { play: loan, ..ACT }.operation("loan, out of the shared list"),
        Act { play: give_back, ..ACT }.operation("loan given back"),
        Act { topic: pinned, play: give_back_pinned, ..ACT }.operation("loan of a pinned topic given back"),
        Act { topic: pinned, play: inline, ..published }.operation("publish pinned, inline"),
        Act { topic: pinned, play: block, ..published }.operation("publish pinned, a block"),
        Act { topic: lossless, play: inline, ..published }.operation("publish lossless, inline"),
        Act { topic: lossless, play: block, ..published }.operation("publish lossless, a block"),
        Act { topic: lossless, play: wait_for_room, is_deaf: true, ..published }
            .operation("publish lossless, waiting for room"),
        Act { topic: lossless, play: wait_with_a_loan, is_deaf: true, ..published }
            .operation("publish lossless, a block, asleep for room"),
        Act { play: inline, ..claimed }.operation("claim among many, inline"),
        Act { play: block, ..claimed }.operation("claim among many, a block"),
        Act { play: reclaim, publishes: 2, ..claimed }.operation("claim among many, evict and reclaim"),
        Act { topic: lossless_many, play: block, ..claimed }.operation("claim among many, lossless"),
        Act { play: register, ..ACT }.operation("register a topic again"),
        Act { play: leave_topic, ..ACT }.operation("leave a topic"),
        Act { play: leave, ..ACT }.operation("leave as a publisher"),
        Act { topic: many, play: register, spoken: &[SMALL], ..ACT }.operation("register among many"),
        Act { topic: many, play: leave, spoken: &[SMALL], ..ACT }.operation("leave many"),
    ]
}

/// Messages in a row behind which a publisher enters so few in its record that the next one goes the straight way.
const MANY: u64 = 20;

fn inline(role: &Role) {
    inline_behind(role, 1);
}

fn inline_at_once(role: &Role) {
    inline_behind(role, MANY);
}

fn inline_behind(role: &Role, others: u64) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    (0..others).for_each(|number| role.send(&publisher, &topic, number, SMALL));
    let bytes = role.words(WITHIN).bytes(SMALL);
    mark();
    let sent = publisher.send(&topic, &bytes);
    mark();
    sent.unwrap();
}

fn block(role: &Role) {
    block_behind(role, 1);
}

fn block_at_once(role: &Role) {
    block_behind(role, MANY);
}

fn block_behind(role: &Role, others: u64) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    (0..others).for_each(|number| role.send(&publisher, &topic, number, LARGE));
    let bytes = role.words(WITHIN).bytes(LARGE);
    mark();
    let mut loan = publisher.loan(&topic, LARGE).unwrap();
    loan.copy_from_slice(&bytes);
    loan.publish();
    mark();
}

/// The last evicted block of a batch, and one more, which comes out of limbo.
fn reclaim(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    for number in 1..u64::from(BATCH) {
        role.send(&publisher, &topic, number, LARGE);
    }
    let bytes = [WITHIN, WITHIN + 1].map(|number| role.words(number).bytes(LARGE));
    mark();
    for bytes in &bytes {
        publisher.send(&topic, bytes).unwrap();
    }
    mark();
}

fn wait_for_room(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    for number in 0..u64::from(DEPTH) {
        role.send(&publisher, &topic, number, SMALL);
    }
    let bytes = role.words(WITHIN).bytes(SMALL);
    mark();
    let sent = publisher.send_timeout(&topic, &bytes, STEP_BY_STEP);
    mark();
    sent.unwrap();
}

/// Asleep at once, with a block of its own.
fn wait_with_a_loan(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    for number in 0..u64::from(DEPTH) {
        role.send(&publisher, &topic, number, LARGE);
    }
    let mut loan = publisher.loan(&topic, LARGE).unwrap();
    role.words(WITHIN).write(&mut loan);
    mark();
    let published = loan.publish_with(Park);
    mark();
    assert!(published.is_ok());
}

fn loan(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    mark();
    let loan = publisher.loan(&topic, LARGE);
    mark();
    drop(loan);
}

fn give_back(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    let loans: Vec<_> = (0..2).map(|_| publisher.loan(&topic, LARGE).unwrap()).collect();
    mark();
    drop(loans);
    mark();
}

/// Begun to be written, and given up: readers keep the value before.
fn give_back_pinned(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    role.send(&publisher, &topic, 0, LARGE);
    mark();
    let mut loan = publisher.loan_pinned(&topic, LARGE).unwrap();
    loan[..8].fill(0xff);
    drop(loan);
    mark();
}

fn register(role: &Role) {
    let publisher = role.publisher();
    mark();
    let topic = role.topic(&publisher);
    mark();
    drop(topic);
}

fn leave_topic(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    role.send(&publisher, &topic, 0, LARGE);
    mark();
    drop(topic);
    mark();
}

fn leave(role: &Role) {
    let publisher = role.publisher();
    let topic = role.topic(&publisher);
    for number in 0..3 {
        role.send(&publisher, &topic, number, LARGE);
    }
    mark();
    drop(topic);
    drop(publisher);
    mark();
}
