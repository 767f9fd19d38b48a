//! The many-writer ring: claims, bypasses, claims given up.

use std::mem::forget;
use std::sync::Arc;

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::thread;
use xbar_layout::sync::ReadU64;
use xbar_ring::heap::{Heap, HeapLines};
use xbar_ring::mpmc::{self, Poll, Reader, Writer};
use xbar_ring::{TryRecvError, channel_mpmc};

const STRIDE: usize = 8;

/// A ring of `capacity` slots: two writers and a reader.
fn ring(capacity: usize) -> ([Writer<Heap>; 2], Reader<Heap>) {
    let lines = HeapLines::new(capacity + 1, "a model");
    let writer = |owner| Writer::join(lines.from(1), lines.first_of(0), STRIDE, owner).unwrap();
    let words = lines.from(1).part(|words| ReadU64::of_slice(words));
    let reader = Reader::join(words, lines.first_of(0).part(ReadU64::of), STRIDE).unwrap();
    ([1, 2].map(writer), reader)
}

/// What a reader has seen: every sequence number is received or missed, once.
#[derive(Default)]
struct Account {
    messages: Vec<[u64; 2]>,
    missed: u64,
}

impl Account {
    /// One look; true when there was something.
    fn look(&mut self, reader: &mut Reader<Heap>) -> bool {
        let before = reader.next();
        let seen = match reader.poll() {
            Poll::Ready(glimpse) => {
                let words = [glimpse.words()[0].load_relaxed(), glimpse.words()[1].load_relaxed()];
                if glimpse.accept() { Some(words) } else { None }
            }
            Poll::Empty | Poll::Ended => return false,
            Poll::Overtaken => None,
        };
        match seen {
            Some(words) => {
                assert_eq!(words[1], words[0] * 10, "a torn message");
                assert_eq!(reader.next(), before + 1);
                self.messages.push(words);
            }
            None => {
                let missed = reader.catch_up();
                assert!(missed > 0);
                assert_eq!(reader.next(), before + missed);
                self.missed += missed;
            }
        }
        assert_eq!(self.messages.len() as u64 + self.missed, reader.next());
        true
    }
}

fn message(writer: u64, n: u64) -> [u64; 2] {
    let value = writer * 100 + n;
    [value, value * 10]
}

/// Proves: two writers never share a slot, no message is torn, each writer's messages come in their order, and every
/// number is received or missed, while both lap a reader. Bound: a ring of 2, 2 + 1 messages, 2 looks.
#[test]
fn two_writers_and_a_lapped_reader() {
    loom::model(|| {
        let ([mut first, mut second], mut reader) = ring(2);
        let writing = thread::spawn(move || (1..=2).for_each(|n| _ = first.publish(&message(1, n))));
        let other = thread::spawn(move || {
            second.publish(&message(2, 1));
            second
        });
        let mut account = Account::default();
        (0..2).for_each(|_| _ = account.look(&mut reader));
        writing.join().unwrap();
        let second = other.join().unwrap();
        while account.look(&mut reader) {}
        assert_eq!(reader.next(), second.taken());
        let of_first: Vec<_> = account.messages.iter().filter(|m| m[0] < 200).collect();
        assert!(of_first.is_sorted(), "a writer's messages out of order");
        // A claim that lasts while the other writer fills the ring costs a number more.
        assert!((3..=4).contains(&reader.next()));
    });
}

/// Proves: with room for all, nothing is missed, whoever publishes when. Bound: a ring of 4, 1 + 1 messages.
#[test]
fn nothing_is_missed_where_there_is_room() {
    loom::model(|| {
        let ([mut first, mut second], mut reader) = ring(4);
        let writing = thread::spawn(move || _ = first.publish(&message(1, 1)));
        second.publish(&message(2, 1));
        let mut account = Account::default();
        account.look(&mut reader);
        writing.join().unwrap();
        while account.look(&mut reader) {}
        assert_eq!((account.messages.len(), account.missed), (2, 0));
    });
}

/// Proves: the words of a slot's next writer come after those of its last one, also when the reader never looked at the
/// first. Bound: a ring of 2, 1 + 2 messages, one look.
#[test]
fn a_slot_changes_hands_with_its_words() {
    loom::model(|| {
        let ([mut first, mut second], mut reader) = ring(2);
        let writing = thread::spawn(move || _ = first.publish(&message(1, 1)));
        let other = thread::spawn(move || (1..=2).for_each(|n| _ = second.publish(&message(2, n))));
        writing.join().unwrap();
        other.join().unwrap();
        let mut account = Account::default();
        while account.look(&mut reader) {}
        assert!((3..=4).contains(&reader.next()) && !account.messages.is_empty());
    });
}

/// Proves: a claim that lasts longer than a lap holds up neither writers nor readers, and when it is committed at last, nobody
/// gets a torn or a repeated message. Bound: a ring of 2, a claim, 2 messages beside it, 1 look.
#[test]
fn a_claim_that_lasts_a_lap_is_bypassed() {
    loom::model(|| {
        let ([mut slow, mut fast], mut reader) = ring(2);
        let claim = slow.claim();
        let writing = thread::spawn(move || {
            (1..=2).for_each(|n| _ = fast.publish(&message(2, n)));
            fast
        });
        for (word, value) in claim.words().iter().zip(message(1, 1)) {
            word.store(value, Relaxed);
        }
        claim.commit();
        let mut account = Account::default();
        account.look(&mut reader);
        let fast = writing.join().unwrap();
        while account.look(&mut reader) {}
        assert_eq!(reader.next(), fast.taken());
        assert!(account.messages.contains(&message(2, 2)), "what came last is there");
    });
}

/// Proves: whoever holds a claim for ever stops nobody for longer than a lap. Bound: a ring of 2, 3 messages beside it.
#[test]
fn a_claim_held_for_ever_stops_nobody() {
    loom::model(|| {
        let ([mut slow, mut fast], mut reader) = ring(2);
        forget(slow.claim());
        let writing = thread::spawn(move || (1..=3).for_each(|n| _ = fast.publish(&message(2, n))));
        let mut account = Account::default();
        account.look(&mut reader);
        writing.join().unwrap();
        while account.look(&mut reader) {}
        assert!(account.messages.contains(&message(2, 3)), "what came last is there");
    });
}

/// Proves: a claim given up by its owner or for a dead owner, by two at a time, is missed once by a reader and frees the slot
/// once, while another writer is at work. Bound: a ring of 2, a claim, 2 messages, one look.
#[test]
fn a_claim_is_given_up_once() {
    loom::model(|| {
        let lines = HeapLines::new(3, "a model");
        let ([mut dead, mut alive], _) = ring(2);
        drop((dead.claim(), alive.claim())); // dropped claims, before the real thing
        let writer = |owner| Writer::join(lines.from(1), lines.first_of(0), STRIDE, owner).unwrap();
        let (mut dead, mut alive) = (writer(1), writer(2));
        let words = lines.from(1).part(|words| ReadU64::of_slice(words));
        let mut reader = Reader::join(words, lines.first_of(0).part(ReadU64::of), STRIDE).unwrap();
        forget(dead.claim());
        let theirs = lines.from(1);
        let giving_up = thread::spawn(move || mpmc::abandon(&theirs, STRIDE, 1));
        let ours = mpmc::abandon(&lines.from(1), STRIDE, 1);
        alive.publish(&message(2, 1));
        let mut account = Account::default();
        account.look(&mut reader);
        assert_eq!(ours + giving_up.join().unwrap(), 1);
        alive.publish(&message(2, 2));
        while account.look(&mut reader) {}
        assert_eq!(account.missed, 1);
        assert_eq!(account.messages, [message(2, 1), message(2, 2)]);
    });
}

/// Proves: what a dead writer had stored comes before what the next writer of its slot stores, though the two never met. Bound:
/// a ring of 2, a claim half written and given up by a third, 2 messages.
#[test]
fn what_the_dead_wrote_does_not_come_after_what_the_living_write() {
    loom::model(|| {
        let lines = HeapLines::new(3, "a model");
        let writer = |owner| Writer::join(lines.from(1), lines.first_of(0), STRIDE, owner).unwrap();
        let (mut dead, mut alive) = (writer(1), writer(2));
        let words = lines.from(1).part(|words| ReadU64::of_slice(words));
        let mut reader = Reader::join(words, lines.first_of(0).part(ReadU64::of), STRIDE).unwrap();
        let is_dead = Arc::new(AtomicU64::new(0));
        let known = Arc::clone(&is_dead);
        let dying = thread::spawn(move || {
            let claim = dead.claim();
            claim.words()[0].store(7, Relaxed);
            forget(claim);
            is_dead.store(1, Release);
        });
        let theirs = lines.from(1);
        let recovering = thread::spawn(move || {
            if known.load(Acquire) == 1 {
                mpmc::abandon(&theirs, STRIDE, 1);
            }
        });
        (1..=2).for_each(|n| _ = alive.publish(&message(2, n)));
        recovering.join().unwrap();
        // Not joined before: it must not order anything for the reader.
        let mut account = Account::default();
        (0..3).for_each(|_| _ = account.look(&mut reader));
        dying.join().unwrap();
    });
}

/// Proves: the stream ends when the last publisher is dropped, whichever that is, behind everything that any of them did.
/// Bound: two publishers, one message.
#[test]
fn the_last_publisher_ends_the_stream_behind_all() {
    loom::model(|| {
        let (publisher, subscribers) = channel_mpmc::<u64>(4);
        let mut subscriber = subscribers.subscribe();
        let work = Arc::new(AtomicU64::new(0));
        let other = {
            let (mut publisher, work) = (publisher.clone(), Arc::clone(&work));
            thread::spawn(move || {
                publisher.publish(7);
                work.fetch_add(1, Relaxed);
            })
        };
        let dropping = thread::spawn(move || drop(publisher));
        let mut received = 0;
        for _ in 0..2 {
            match subscriber.try_recv() {
                Ok(value) => received += value,
                Err(TryRecvError::Disconnected) => {
                    assert_eq!((received, work.load(Relaxed)), (7, 1));
                }
                Err(error) => assert_eq!(error, TryRecvError::Empty),
            }
        }
        other.join().unwrap();
        dropping.join().unwrap();
        let left: u64 = subscriber.drain().map(Result::unwrap).sum();
        assert_eq!(received + left, 7);
        assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
    });
}
