//! Groups: one read for all consumers.

use xbar_ring::{BusySpin, RecvError, TryRecvError, channel};

#[test]
fn each_consumer_of_a_group_gets_each_message_once_and_in_turn() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut group = subscribers.subscribe().into_group::<2>();
    assert_eq!((group.consumers(), group.cursor()), (2, 0));
    publisher.publish_batch(&[3, 9]);
    let calls = std::cell::RefCell::new(Vec::new());
    while group
        .try_dispatch(&mut [&mut |value| calls.borrow_mut().push((0, value)), &mut |value| {
            calls.borrow_mut().push((1, value))
        }])
        .is_ok()
    {}
    assert_eq!(*calls.borrow(), [(0, 3), (1, 3), (0, 9), (1, 9)]);
    assert_eq!((group.total_received(), group.total_delivered(), group.pending()), (2, 4, 0));
}

/// Nobody is called for what is not there, and the account is one for all.
#[test]
fn a_group_tells_what_it_missed_and_the_end_and_calls_nobody() {
    let (mut publisher, subscribers) = channel::<u64>(4);
    let mut group = subscribers.subscribe().into_group::<2>();
    (0..10).for_each(|n| publisher.publish(n));
    let dispatch = |group: &mut xbar_ring::SubscriberGroup<_, 2>| {
        group.try_dispatch(&mut [&mut |_| panic!("not for this one"), &mut |_| panic!("nor this")])
    };
    assert_eq!(dispatch(&mut group), Err(TryRecvError::Lagged { missed: 7 }));
    let mut batch = [0; 2];
    assert_eq!((group.recv_batch(&mut batch), batch), (Ok(2), [7, 8]));
    assert_eq!(group.recv_with(BusySpin), Ok(9));
    assert_eq!(dispatch(&mut group), Err(TryRecvError::Empty));
    assert_eq!((group.total_received(), group.total_missed(), group.total_delivered()), (3, 7, 6));
    publisher.publish(10);
    drop(publisher);
    let mut subscriber = group.into_subscriber();
    assert_eq!((subscriber.cursor(), subscriber.try_recv()), (10, Ok(10)), "where the group stood");
    let mut group = subscriber.into_group::<2>();
    assert_eq!(dispatch(&mut group), Err(TryRecvError::Disconnected));
    assert_eq!(group.recv_with(BusySpin), Err(RecvError::Disconnected));
}
