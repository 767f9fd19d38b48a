//! The byte ring.

use std::thread;

use xbar_ring::TryRecvError;
use xbar_ring::bytes::{ByteSubscriber, channel};

use crate::MESSAGES;
use crate::scenarios::{bytes, kind, receive_one};

/// Each takes longer than a value.
const SENT: u64 = MESSAGES / 4;

#[test]
fn whole_messages_and_exact_accounts_under_load() {
    // Rings of a few words, rings of vector copies.
    for (capacity, longest) in [(64, 8), (256, 56), (4096, 1016), (65536, 300)] {
        let (mut publisher, subscribers) = channel(capacity);
        let readers: Vec<_> = (0..3)
            .map(|which| {
                let (mut subscriber, mut place) = (subscribers.subscribe(), vec![0; capacity]);
                thread::spawn(move || {
                    loop {
                        if which == 0 {
                            if !receive_one(&mut subscriber, 0, longest) && ended(&subscriber) {
                                return subscriber;
                            }
                            continue;
                        }
                        let found = if which == 1 {
                            subscriber.bulk(&mut place).map(|window| {
                                for message in window {
                                    assert_eq!(message.bytes, bytes(message.sequence, longest), "torn");
                                    assert_eq!(message.kind, kind(message.sequence));
                                }
                            })
                        } else {
                            subscriber.try_recv_where(&mut place, |kind| kind == 1).map(|message| {
                                assert_eq!(message.sequence % 3, 1);
                                assert_eq!(message.bytes, bytes(message.sequence, longest), "torn");
                            })
                        };
                        if found == Err(TryRecvError::Disconnected) {
                            return subscriber;
                        }
                    }
                })
            })
            .collect();
        for sequence in 0..SENT {
            publisher.send_as(kind(sequence), &bytes(sequence, longest)).unwrap();
        }
        drop(publisher);
        for reader in readers {
            let subscriber = reader.join().unwrap();
            let received = subscriber.total_received() + subscriber.total_skipped();
            assert_eq!(received + subscriber.total_missed(), SENT);
        }
    }
}

fn ended(subscriber: &ByteSubscriber) -> bool {
    subscriber.reader().is_ended()
}

/// Whoever joins or rewinds in the middle of a stream begins at a message that comes whole, with its own number.
#[test]
fn joiners_know_which_message_they_begin_with() {
    let (mut publisher, subscribers) = channel(1024);
    let joining = thread::spawn(move || {
        let mut joins = 0;
        loop {
            let mut subscriber =
                if joins % 2 == 0 { subscribers.subscribe() } else { subscribers.subscribe_from_oldest() };
            joins += 1;
            let start = subscriber.cursor();
            for _ in 0..20 {
                receive_one(&mut subscriber, start, 100);
            }
            if ended(&subscriber) {
                return joins;
            }
        }
    });
    for sequence in 0..SENT {
        publisher.send_as(kind(sequence), &bytes(sequence, 100)).unwrap();
    }
    drop(publisher);
    assert!(joining.join().unwrap() > 0);
}
