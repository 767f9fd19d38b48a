//! The lossless channels.

use std::thread;

use xbar_ring::{Source, Subscriber, channel_bounded, channel_bounded_mpmc};

use crate::MESSAGES;

/// Through a small ring every few values wait for a thread to be scheduled.
fn messages(capacity: usize) -> u64 {
    if capacity < 8 { MESSAGES / 100 } else { MESSAGES }
}

fn reads_all<S: Source<Value = u64> + Send + 'static>(
    mut subscriber: Subscriber<S>,
    by_batch: bool,
    messages: u64,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut next = subscriber.cursor();
        let mut batch = [0; 7];
        while let Ok(first) = subscriber.recv() {
            assert_eq!(first, next);
            next += 1;
            if by_batch {
                let more = subscriber.recv_batch(&mut batch).unwrap_or(0);
                for value in &batch[..more] {
                    assert_eq!(*value, next);
                    next += 1;
                }
            }
        }
        assert_eq!(next, messages);
    })
}

#[test]
fn every_reader_gets_every_value_while_others_come_and_go() {
    for capacity in [2, 3, 64] {
        let (mut publisher, subscribers) = channel_bounded::<u64>(capacity);
        let messages = messages(capacity);
        let stay =
            [false, true].map(|by_batch| reads_all(subscribers.subscribe().unwrap(), by_batch, messages));
        let come_and_go = thread::spawn(move || {
            for turn in 0..200 {
                let mut subscriber =
                    if turn % 2 == 0 { subscribers.subscribe() } else { subscribers.subscribe_from_oldest() }
                        .unwrap();
                let start = subscriber.cursor();
                for n in start..start + turn % 5 {
                    match subscriber.recv() {
                        Ok(value) => assert_eq!(value, n),
                        Err(_) => return,
                    }
                }
            }
        });
        for n in 0..messages {
            publisher.publish(n).unwrap();
        }
        drop(publisher);
        stay.into_iter().for_each(|reader| reader.join().unwrap());
        come_and_go.join().unwrap();
    }
}

#[test]
fn many_writers_lose_nothing() {
    const WRITERS: u64 = 3;
    for capacity in [2, 64] {
        let messages = messages(capacity);
        let (publisher, subscribers) = channel_bounded_mpmc::<u64>(capacity);
        let mut subscriber = subscribers.subscribe().unwrap();
        let writers: Vec<_> = (0..WRITERS)
            .map(|who| {
                let mut publisher = publisher.clone();
                thread::spawn(move || {
                    for n in 0..messages / WRITERS {
                        publisher.publish(who << 32 | n).unwrap();
                    }
                })
            })
            .collect();
        drop(publisher);
        let mut next = [0; WRITERS as usize];
        while let Ok(value) = subscriber.recv() {
            let who = (value >> 32) as usize;
            assert_eq!(value & 0xffff_ffff, next[who], "each writer's values in order, none missing");
            next[who] += 1;
        }
        assert_eq!(next, [messages / WRITERS; WRITERS as usize]);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    }
}
