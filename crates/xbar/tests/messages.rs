//! Messages through a region within one process: what arrives is what was sent, and the rest is counted.

mod support;

use std::io::Write;
use std::time::Duration;

use support::Dir;
use xbar::{BusySpin, Park, PublishError, RecvError, TryRecvError};

const SIZES: [usize; 9] = [0, 1, 7, 8, 47, 48, 49, 1000, 4096];

fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 + size) as u8).collect()
}

#[test]
fn messages_of_every_size_arrive_whole_and_in_order() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let mut next = 0;
    for size in SIZES {
        let bytes = payload(size);
        assert_eq!(publisher.send(&topic, &bytes).unwrap(), next);
        let mut loan = publisher.loan(&topic, size).unwrap();
        loan.copy_from_slice(&bytes);
        assert_eq!(loan.publish(), next + 1);
        for sequence in [next, next + 1] {
            let sample = stream.recv().unwrap();
            assert_eq!(sample.sequence(), sequence);
            assert_eq!(&*sample, &bytes[..], "{size} bytes");
            assert_eq!(sample.publish_time(), None);
        }
        next += 2;
    }
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!((stream.received(), stream.missed()), (next, 0));
}

#[test]
fn a_loan_is_as_long_as_what_was_written() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();

    let mut loan = publisher.loan(&topic, 100).unwrap();
    write!(loan, "price {}", 42).unwrap();
    loan.publish();
    assert_eq!(&*stream.recv().unwrap(), b"price 42");

    let mut loan = publisher.loan(&topic, 0).unwrap();
    loan.set_data(b"abc").unwrap();
    loan.write_all(b"def").unwrap();
    loan.publish();
    assert_eq!(&*stream.recv().unwrap(), b"abcdef");

    let mut loan = publisher.loan(&topic, 4).unwrap();
    loan.copy_from_slice(b"wxyz");
    loan.set_len(2).unwrap();
    loan.publish();
    assert_eq!(&*stream.recv().unwrap(), b"wx");
}

#[test]
fn a_small_loan_takes_no_block_until_it_grows() {
    let dir = Dir::new();
    let publisher = xbar::Publisher::create("r", &dir.config().loans(1)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();

    let mut small: Vec<_> = (0..5).map(|_| publisher.loan(&topic, 48).unwrap()).collect();
    small.iter_mut().zip(1..).for_each(|(loan, number)| loan.fill(number));
    assert_eq!(small[0].capacity(), 4096);
    let large = publisher.loan(&topic, 49).unwrap();
    let error = small[0].set_len(49).unwrap_err();
    assert!(matches!(error, PublishError::TooManyLoans { limit: 1 }), "{error}");
    assert_eq!(small[0].write_all(&[9; 49]).unwrap_err().kind(), std::io::ErrorKind::Other);
    assert_eq!(*small[0], [1; 48]);
    drop(large);
    small[0].set_len(49).unwrap();
    assert_eq!(small[0][..48], [1; 48]);
    small[0][48] = 7;
    assert!(small[1].set_len(49).is_err());

    for loan in small {
        loan.publish();
    }
    let first = stream.recv().unwrap();
    assert_eq!((first.len(), first[47], first[48]), (49, 1, 7));
    for number in 2..=5 {
        assert_eq!(*stream.recv().unwrap(), [number; 48]);
    }
    drop(first);
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty);
    publisher.loan(&topic, 100).unwrap().publish();
}

#[test]
fn a_payload_larger_than_a_block_is_refused_and_nothing_is_sent() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let error = publisher.send(&topic, &payload(4097)).unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { bytes: 4097, most: 4096, .. }), "{error}");
    assert!(publisher.loan(&topic, 4097).is_err());
    let mut loan = publisher.loan(&topic, 10).unwrap();
    assert!(loan.set_data(&payload(4097)).is_err());
    assert!(loan.set_len(4097).is_err());
    assert_eq!(loan.len(), 10);
    loan.write_all(&payload(4096)).unwrap();
    let error = loan.write(b"x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
    drop(loan);
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty);
}

#[test]
fn a_loan_that_is_dropped_changes_nothing_and_comes_back() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    for _ in 0..100_000 {
        publisher.loan(&topic, 100).unwrap()[0] = 1;
    }
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty);
    publisher.send(&topic, b"x").unwrap();
    assert_eq!(stream.recv().unwrap().sequence(), 0);
}

#[test]
fn several_loans_and_several_samples_at_once_up_to_the_limits() {
    let dir = Dir::new();
    let config = dir.config().loans(3).samples(2);
    let publisher = xbar::Publisher::create("r", &config).unwrap();
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();

    let mut loans: Vec<_> = (0..3).map(|_| publisher.loan(&topic, 100).unwrap()).collect();
    let error = publisher.loan(&topic, 100).unwrap_err();
    assert!(matches!(error, PublishError::TooManyLoans { limit: 3 }), "{error}");
    for (number, loan) in loans.iter_mut().enumerate() {
        loan.fill(number as u8);
    }
    for loan in loans {
        loan.publish();
    }

    let first = stream.recv().unwrap();
    let second = stream.recv().unwrap();
    assert_eq!(stream.recv().unwrap_err(), RecvError::TooManySamples { limit: 2 });
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::TooManySamples { limit: 2 });
    assert_eq!((first[0], second[0]), (0, 1));
    drop(first);
    assert_eq!(stream.recv().unwrap()[0], 2);
    assert_eq!((stream.received(), stream.missed()), (3, 0));
}

#[test]
fn a_held_sample_keeps_its_bytes_while_the_ring_goes_round() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    publisher.send(&topic, &payload(1000)).unwrap();
    let sample = stream.recv().unwrap();
    for _ in 0..10_000 {
        publisher.send(&topic, &payload(999)).unwrap();
    }
    assert_eq!(&*sample, &payload(1000)[..]);
    let owned = sample.into_owned();
    let thread = std::thread::spawn(move || {
        assert_eq!(&*owned, &payload(1000)[..]);
        owned
    });
    let owned = thread.join().unwrap();
    drop((stream, publisher, topic));
    assert_eq!(&*owned, &payload(1000)[..]);
}

#[test]
fn what_is_missed_is_counted_exactly_and_told_once() {
    let dir = Dir::new();
    let publisher = xbar::Publisher::create("r", &dir.config().depth(64)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    for round in 1..=50_u64 {
        for n in 0..100_u64 {
            publisher.send(&topic, &payload(if n % 3 == 0 { 8 } else { 100 })).unwrap();
        }
        let Err(TryRecvError::Lagged { missed }) = stream.try_recv() else { panic!("not lagged") };
        // 64 are readable; an eighth of the 65 slots is left as a margin.
        assert_eq!(missed, 100 - 64 + 8);
        while stream.try_recv().is_ok() {}
        assert_eq!(stream.received() + stream.missed(), round * 100);
    }
}

#[test]
fn publish_times_are_there_when_asked_for() {
    let dir = Dir::new();
    let publisher = xbar::Publisher::create("r", &dir.config().publish_times(true)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let before = xbar::Timestamp::now();
    for size in [8, 1000] {
        publisher.send(&topic, &payload(size)).unwrap();
        let time = stream.recv().unwrap().publish_time().unwrap();
        assert!(time >= before && time <= xbar::Timestamp::now());
    }
}

#[test]
fn timeouts_end_a_wait_in_every_strategy() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let _topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let short = Duration::from_millis(5);
    assert_eq!(stream.recv_timeout(Duration::ZERO).unwrap_err(), RecvError::Timeout);
    assert_eq!(stream.recv_timeout(short).unwrap_err(), RecvError::Timeout);
    assert_eq!(stream.recv_with_timeout(BusySpin, short).unwrap_err(), RecvError::Timeout);
    assert_eq!(stream.recv_with_timeout(Park, short).unwrap_err(), RecvError::Timeout);
}

#[test]
fn a_parked_reader_is_woken_by_every_message() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let (ping, pong) = (publisher.register("/ping").unwrap(), publisher.register("/pong").unwrap());
    let subscriber = dir.subscriber("r");
    let (pings, pongs) = (subscriber.subscribe("/ping").unwrap(), subscriber.subscribe("/pong").unwrap());
    let echo = xbar::Publisher::open_in(dir.path(), "r").unwrap();
    drop(pong);
    let pong = echo.register("/pong").unwrap();
    let other = std::thread::spawn(move || {
        for n in 0..2_000_u64 {
            let sample = pings.recv_with(Park).unwrap();
            assert_eq!(*sample, n.to_le_bytes());
            echo.send(&pong, &sample).unwrap();
        }
    });
    for n in 0..2_000_u64 {
        publisher.send(&ping, &n.to_le_bytes()).unwrap();
        assert_eq!(*pongs.recv_with(Park).unwrap(), n.to_le_bytes());
    }
    other.join().unwrap();
}

#[test]
fn two_threads_under_load_account_for_every_message() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let subscriber = dir.subscriber("r");
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let stream = subscriber.subscribe("/a").unwrap();
            std::thread::spawn(move || {
                let mut held = Vec::new();
                loop {
                    match stream.recv() {
                        Ok(sample) => {
                            let first = sample[0];
                            assert!(sample.iter().all(|&byte| byte == first), "a torn payload");
                            assert_eq!(sample.sequence() as u8, first);
                            if sample.sequence() % 5 == 0 && sample.len() > 48 {
                                held.push((first, sample.into_owned()));
                            }
                            if held.len() > 4 {
                                let (first, sample) = held.remove(0);
                                assert!(sample.iter().all(|&byte| byte == first), "a held payload changed");
                            }
                        }
                        Err(RecvError::Lagged { .. }) => {}
                        Err(RecvError::Disconnected) => return stream.received() + stream.missed(),
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    const MESSAGES: u64 = 200_000;
    for n in 0..MESSAGES {
        publisher.send(&topic, &vec![n as u8; if n % 2 == 0 { 40 } else { 200 }]).unwrap();
    }
    drop(topic);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), MESSAGES);
    }
}
