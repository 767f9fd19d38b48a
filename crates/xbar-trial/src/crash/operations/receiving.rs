//! Victims that receive.

use super::super::region::URI;
use super::super::victim::mark;
use super::super::words::{LARGE, SMALL, Words};
use super::Operation;
use super::topics::{ACT, Act, Role, lossless, many, pinned, take};

pub fn operations() -> Vec<Operation> {
    let inline = Act { play: receive, spoken: &[SMALL], ..ACT };
    let block = Act { play: receive, spoken: &[LARGE], ..ACT };
    vec![
        Act { play: connect, spoken: &[SMALL], ..ACT }.operation("connect"),
        Act { play: subscribe, spoken: &[SMALL], ..ACT }.operation("subscribe"),
        Act { topic: lossless, play: subscribe, spoken: &[SMALL], ..ACT }.operation("subscribe, lossless"),
        Act { topic: pinned, play: subscribe, spoken: &[LARGE], ..ACT }.operation("subscribe, pinned"),
        Act { play: subscribe_last, spoken: &[SMALL, LARGE, LARGE], ..ACT }
            .operation("subscribe to the last two"),
        Act { play: subscribe_from_oldest, spoken: &[LARGE; 7], ..ACT }
            .operation("subscribe from the oldest"),
        Act { topic: lossless, play: subscribe_from_oldest, spoken: &[LARGE; 7], ..ACT }
            .operation("subscribe from the oldest, lossless"),
        inline.operation("receive inline"),
        block.operation("receive a block and hold it"),
        Act { play: let_go, ..block }.operation("drop what was received"),
        Act { play: keep, ..block }.operation("keep what was received, behind its stream"),
        Act { play: hold_on, spoken: &[LARGE, LARGE, LARGE], ..ACT }
            .operation("receive, holding as many as may be"),
        Act { play: receive, spoken: &[LARGE; 7], ..ACT }.operation("receive, having lagged"),
        Act { topic: many, ..block }.operation("receive of many"),
        Act { topic: lossless, ..inline }.operation("receive lossless, inline"),
        Act { topic: lossless, ..block }.operation("receive lossless, a block"),
        Act { topic: pinned, ..inline }.operation("receive pinned, inline"),
        Act { topic: pinned, ..block }.operation("receive pinned, a block"),
        Act { topic: pinned, play: receive_again, ..block }.operation("receive pinned, twice the same"),
        Act { play: unsubscribe, ..block }.operation("leave as a subscriber"),
        Act { topic: lossless, play: unsubscribe, ..block }.operation("leave as a subscriber, lossless"),
    ]
}

fn connect(role: &Role) {
    mark();
    let subscriber = role.subscriber();
    mark();
    drop(subscriber);
}

fn subscribe(role: &Role) {
    let subscriber = role.subscriber();
    mark();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    drop(stream);
}

fn subscribe_last(role: &Role) {
    let subscriber = role.subscriber();
    mark();
    let stream = subscriber.subscribe_last(URI, 2).unwrap();
    mark();
    drop(stream);
}

fn subscribe_from_oldest(role: &Role) {
    let subscriber = role.subscriber();
    mark();
    let stream = subscriber.subscribe_from_oldest(URI).unwrap();
    mark();
    drop(stream);
}

fn receive(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    let sample = stream.try_recv();
    mark();
    drop(sample);
}

fn let_go(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    // A block that was published before: it is held across the mark.
    let old = subscriber.subscribe_from_oldest(URI).unwrap();
    let held = take(&old);
    mark();
    drop(held);
    let sample = stream.try_recv();
    drop(sample);
    mark();
}

fn keep(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    let kept = stream.try_recv().map(|sample| sample.into_owned());
    drop((stream, subscriber));
    drop(kept);
    mark();
}

fn receive_again(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    for _ in 0..2 {
        drop(stream.try_recv_pinned());
    }
    mark();
}

fn hold_on(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    let held: Vec<_> = (0..3).map(|_| stream.try_recv()).collect();
    mark();
    held.iter().flatten().for_each(|sample| assert!(Words::read(sample).is_ok()));
}

fn unsubscribe(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    let old = subscriber.subscribe_from_oldest(URI).unwrap();
    let held = take(&old);
    mark();
    drop(held);
    drop((stream, old, subscriber));
    mark();
}
