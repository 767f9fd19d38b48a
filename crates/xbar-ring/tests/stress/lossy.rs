//! The lossy channel of one writer, typed.

use std::thread;

use xbar_ring::{TryRecvError, channel};

use crate::MESSAGES;

/// Long enough for the vector copies, with a tail.
type Value = [u64; 21];

#[test]
fn whole_values_and_exact_accounts_under_load() {
    for capacity in [2, 3, 64] {
        let (mut publisher, subscribers) = channel::<Value>(capacity);
        let readers: Vec<_> = (0..2)
            .map(|which| {
                let mut subscriber = subscribers.subscribe();
                thread::spawn(move || {
                    let mut next = 0;
                    loop {
                        let received = match which {
                            0 => subscriber.try_recv(),
                            _ => subscriber.latest(),
                        };
                        match received {
                            Ok(value) => {
                                assert!(value.iter().all(|word| *word == value[0]), "torn: {value:?}");
                                assert!(value[0] >= next, "backwards");
                                next = value[0] + 1;
                                assert_eq!(next, subscriber.cursor());
                            }
                            Err(TryRecvError::Lagged { missed }) => assert!(missed > 0),
                            Err(TryRecvError::Disconnected) => return subscriber,
                            Err(_) => {}
                        }
                    }
                })
            })
            .collect();
        (0..MESSAGES).for_each(|n| publisher.publish([n; 21]));
        drop(publisher);
        for reader in readers {
            let subscriber = reader.join().unwrap();
            assert_eq!(subscriber.total_received() + subscriber.total_missed(), MESSAGES);
        }
    }
}
