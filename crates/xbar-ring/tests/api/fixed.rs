//! The ring in a `static`.

use std::thread;

use xbar_ring::{FixedRing, TryRecvError, lines_for};

#[test]
fn a_static_ring_is_split_once_and_works_between_threads() {
    static RING: FixedRing<u64, 5> = FixedRing::new();
    let (mut publisher, subscribers) = RING.split().unwrap();
    assert!(RING.split().is_none());
    let mut subscriber = subscribers.subscribe();
    let publishing = thread::spawn(move || {
        (0..1000).for_each(|n| publisher.publish(n));
        assert_eq!((publisher.published(), publisher.capacity()), (1000, 5));
    });
    let mut last = None;
    loop {
        match subscriber.try_recv() {
            Ok(value) => {
                assert!(last < Some(value), "in order");
                last = Some(value);
            }
            Err(TryRecvError::Disconnected) => break,
            Err(_) => {}
        }
    }
    publishing.join().unwrap();
    assert_eq!(last, Some(999));
    assert_eq!(subscriber.total_received() + subscriber.total_missed(), 1000);
    assert!(RING.split().is_none(), "not even when both ends are gone");
}

#[test]
fn a_ring_on_the_stack_lends_itself_out() {
    let ring = FixedRing::<[u8; 200], 3, { lines_for::<[u8; 200]>() }>::new();
    let (mut publisher, subscribers) = ring.split().unwrap();
    let mut subscriber = subscribers.subscribe();
    for n in 0..10 {
        publisher.publish([n; 200]);
        assert_eq!(subscriber.try_recv(), Ok([n; 200]));
    }
}

#[test]
fn its_size_is_what_its_documentation_says() {
    assert_eq!(size_of::<FixedRing<u64, 8>>(), (8 + 2) * 64);
    assert_eq!(size_of::<FixedRing<[u8; 57], 8, 2>>(), (8 * 2 + 2) * 64);
    assert_eq!([lines_for::<()>(), lines_for::<[u8; 56]>(), lines_for::<[u8; 57]>()], [1, 1, 2]);
}
