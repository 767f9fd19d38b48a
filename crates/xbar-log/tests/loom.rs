//! Models of the commit word on the shipped code: a reader that looks while a writer appends.
#![cfg(xbar_loom)]

use loom::sync::Arc;
use loom::thread;
use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_log::model::{Tail, look_at};

/// Proves: whoever finds a commit word finds the whole record, with a checksum that holds, and the next one behind it; never half of one.
/// Bound: two records of a word each, three looks.
#[test]
fn a_record_is_there_whole_or_not_at_all() {
    loom::model(|| {
        let words: Arc<Vec<AtomicU64>> = Arc::new((0..10).map(|_| AtomicU64::new(0)).collect());
        let theirs = words.clone();
        let writing = thread::spawn(move || {
            let mut tail = Tail::default();
            tail.append(&theirs, 7);
            tail.append(&theirs, 8);
        });
        let (mut at, mut expected) = (0, 0);
        for _ in 0..3 {
            if let Some((seq, word, next)) = look_at(ReadU64::of_slice(&words), at).expect("never damaged") {
                assert_eq!((seq, word), (expected, 7 + expected));
                (at, expected) = (next, expected + 1);
            }
        }
        writing.join().unwrap();
        while let Some((seq, word, next)) = look_at(ReadU64::of_slice(&words), at).expect("never damaged") {
            assert_eq!((seq, word), (expected, 7 + expected));
            (at, expected) = (next, expected + 1);
        }
        assert_eq!(expected, 2);
    });
}
