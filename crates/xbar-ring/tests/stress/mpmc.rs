//! The lossy channel of many writers.

use std::thread;

use xbar_ring::{TryRecvError, channel_mpmc};

use crate::MESSAGES;

/// Who, how many, and both again, so that a torn value shows.
type Value = [u64; 4];

const WRITERS: u64 = 3;

#[test]
fn each_writer_in_order_whole_and_accounted_for() {
    for capacity in [2, 5, 64] {
        let (publisher, subscribers) = channel_mpmc::<Value>(capacity);
        let mut subscriber = subscribers.subscribe();
        let writers: Vec<_> = (0..WRITERS)
            .map(|who| {
                let mut publisher = publisher.clone();
                thread::spawn(move || {
                    for n in 0..MESSAGES / WRITERS {
                        if n % 100 == 0 {
                            drop(publisher.reserve());
                        }
                        publisher.publish([who, n, who ^ n, !n]);
                    }
                })
            })
            .collect();
        let counting = publisher;
        let reading = thread::spawn(move || {
            let mut next = [0; WRITERS as usize];
            loop {
                match subscriber.try_recv() {
                    Ok([who, n, both, not]) => {
                        assert_eq!((both, not), (who ^ n, !n), "torn");
                        assert!(n >= next[who as usize], "a writer's messages out of order");
                        next[who as usize] = n + 1;
                    }
                    Err(TryRecvError::Lagged { missed }) => assert!(missed > 0),
                    Err(TryRecvError::Disconnected) => return subscriber,
                    Err(_) => {}
                }
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let published = counting.published();
        assert!(published >= MESSAGES / WRITERS * WRITERS);
        drop(counting);
        let subscriber = reading.join().unwrap();
        assert_eq!(subscriber.total_received() + subscriber.total_missed(), published);
    }
}
