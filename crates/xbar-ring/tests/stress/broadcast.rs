//! The broadcast ring over words.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use xbar_ring::{HeapRing, Received};

use crate::MESSAGES;
use crate::scenarios::{Account, read_one, write};

#[test]
fn readers_account_for_every_message_under_load() {
    for capacity in [2, 3, 64] {
        let ring = HeapRing::new(capacity, 2);
        let mut writer = ring.writer();
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (mut reader, done) = (ring.reader(), Arc::clone(&done));
                thread::spawn(move || {
                    let mut account = Account::default();
                    loop {
                        let finished = done.load(Ordering::Acquire);
                        if read_one(&mut reader, 0, &mut account) == Received::Empty && finished {
                            return account;
                        }
                    }
                })
            })
            .collect();
        write(&mut writer, MESSAGES);
        done.store(true, Ordering::Release);
        for reader in readers {
            let account = reader.join().unwrap();
            assert_eq!(account.received + account.missed, MESSAGES);
        }
    }
}
