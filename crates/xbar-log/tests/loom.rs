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
            if let Some((word, next)) =
                look_at(ReadU64::of_slice(&words), at, expected).expect("never damaged")
            {
                assert_eq!(word, 7 + expected);
                (at, expected) = (next, expected + 1);
            }
        }
        writing.join().unwrap();
        while let Some((word, next)) =
            look_at(ReadU64::of_slice(&words), at, expected).expect("never damaged")
        {
            assert_eq!(word, 7 + expected);
            (at, expected) = (next, expected + 1);
        }
        assert_eq!(expected, 2);
    });
}

/// Proves: whoever finds a record sees what its writer did before it appended it, so that its bytes may be read by plain loads.
/// Bound: one record, three looks.
#[test]
fn what_was_done_before_an_append_is_visible() {
    loom::model(|| {
        let words: Arc<Vec<AtomicU64>> = Arc::new((0..10).map(|_| AtomicU64::new(0)).collect());
        let done = Arc::new(loom::cell::UnsafeCell::new(0));
        let (theirs, their_done) = (words.clone(), done.clone());
        let writing = thread::spawn(move || {
            // SAFETY: the reader looks behind the append alone, or the model fails.
            their_done.with_mut(|done| unsafe { *done = 5 });
            Tail::default().append(&theirs, 7);
        });
        for _ in 0..3 {
            if look_at(ReadU64::of_slice(&words), 0, 0).expect("never damaged").is_some() {
                // SAFETY: as above.
                assert_eq!(done.with(|done| unsafe { *done }), 5);
                break;
            }
        }
        writing.join().unwrap();
    });
}
