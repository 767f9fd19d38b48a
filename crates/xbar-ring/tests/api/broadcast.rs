//! The broadcast ring over words.

use xbar_ring::{HeapRing, Poll, Received};

use crate::scenarios::message;

#[test]
fn an_abandoned_claim_changes_nothing_a_reader_sees() {
    let ring = HeapRing::new(4, 2);
    let (mut writer, mut reader) = (ring.writer(), ring.reader());
    let _ = writer.claim();
    assert_eq!(reader.receive(&mut [0; 2]), Received::Empty);
    writer.publish(&message(0));
    assert_eq!(reader.receive(&mut [0; 2]), Received::Message { sequence: 0 });
}

#[test]
fn a_glimpse_says_when_it_was_overtaken() {
    let ring = HeapRing::new(2, 2);
    let (mut writer, mut reader) = (ring.writer(), ring.reader());
    writer.publish(&message(0));
    let Poll::Ready(glimpse) = reader.poll() else { panic!("nothing there") };
    assert!(glimpse.is_whole());
    writer.publish(&message(1));
    assert!(!glimpse.is_whole());
    assert!(!glimpse.accept());
    assert!(matches!(reader.poll(), Poll::Overtaken));
    assert_eq!(reader.catch_up(), 1);
    assert_eq!(reader.receive(&mut [0; 2]), Received::Message { sequence: 1 });
}

#[test]
fn lag_is_told_once_and_leaves_a_margin() {
    let ring = HeapRing::new(64, 2);
    let (mut writer, mut reader) = (ring.writer(), ring.reader());
    for n in 0..100 {
        writer.publish(&message(n));
    }
    // 63 readable: 37 .. 99, and eight of them as margin.
    assert_eq!(reader.receive(&mut [0; 2]), Received::Lagged { missed: 37 + 8 });
    for n in 100..107 {
        writer.publish(&message(n));
    }
    assert_eq!(reader.receive(&mut [0; 2]), Received::Message { sequence: 45 });
}

#[test]
fn a_rewound_reader_gets_all_that_is_still_there() {
    let ring = HeapRing::new(4, 2);
    let (mut writer, mut reader) = (ring.writer(), ring.reader());
    assert_eq!(reader.rewind(), 0);
    for published in 1..20_u64 {
        writer.publish(&message(published - 1));
        let readable = published.min(3);
        assert_eq!(reader.rewind(), readable);
        for sequence in published - readable..published {
            assert_eq!(reader.receive(&mut [0; 2]), Received::Message { sequence });
        }
        assert_eq!(reader.receive(&mut [0; 2]), Received::Empty);
    }
}

#[test]
#[should_panic(expected = "a ring needs a capacity >= 2, not 1")]
fn a_ring_of_one_slot_is_refused() {
    HeapRing::new(1, 1);
}
