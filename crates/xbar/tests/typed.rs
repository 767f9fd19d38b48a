//! Typed and structured messages: what one end writes is what the other reads, or an error that says why not.

mod support;

use std::path::Path;

use support::{Dir, Other, line, part, stay, tell};
use xbar::bytemuck::{Pod, Zeroable};
use xbar::{Publisher, RegionError, Structured, StructuredError, Subscriber, TopicConfig, TryRecvError};

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[bytemuck(crate = "xbar::bytemuck")]
#[repr(C)]
struct Quote {
    bid: f64,
    ask: f64,
}

macro_rules! aligned {
    ($($name:ident, $align:literal;)+) => {$(
        #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
        #[bytemuck(crate = "xbar::bytemuck")]
        #[repr(C, align($align))]
        struct $name([u8; $align]);

        impl From<u8> for $name {
            fn from(byte: u8) -> Self {
                Self([byte; $align])
            }
        }
    )+};
}
aligned! {
    To16, 16;
    To32, 32;
    To64, 64;
    To128, 128;
}

const QUOTE: Quote = Quote { bid: 1.25, ask: 1.5 };

/// Sends by copy and by loan, on a topic of one and of many publishers, and on a pinned one.
fn round_trip<T: Pod + PartialEq + std::fmt::Debug + From<u8>>() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let subscriber = dir.subscriber("r");
    let kinds = [
        TopicConfig::new(),
        TopicConfig::new().many_publishers(),
        TopicConfig::new().lossless(),
        TopicConfig::new().pinned(),
    ];
    for (number, config) in kinds.iter().enumerate() {
        let uri = format!("/{number}");
        let topic = publisher.register_typed_with::<T>(&uri, config).unwrap();
        let stream = subscriber.subscribe_typed::<T>(&uri).unwrap();
        for byte in [1, 2] {
            publisher.send_typed(&topic, &T::from(byte)).unwrap();
            let sample = stream.recv().unwrap();
            assert_eq!(*sample, T::from(byte));
            assert_eq!(std::ptr::from_ref(&*sample) as usize % align_of::<T>(), 0);
        }
        let mut loan = publisher.loan_typed(&topic).unwrap();
        *loan = T::from(3);
        loan.publish();
        let sample = stream.recv().unwrap();
        assert_eq!((sample.sequence(), *sample), (2, T::from(3)));
    }
}

#[test]
fn values_of_every_alignment_arrive_aligned() {
    round_trip::<u8>();
    round_trip::<u64>();
    round_trip::<To16>();
    round_trip::<To32>();
    round_trip::<To64>();
}

#[test]
fn types_that_cannot_be_messages_are_refused() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    for error in [
        publisher.register_typed::<To128>("/a").unwrap_err(),
        publisher.register_typed::<()>("/a").unwrap_err(),
        dir.subscriber("r").subscribe_typed::<To128>("/a").unwrap_err(),
    ] {
        assert!(matches!(error, RegionError::Type { .. }), "{error}");
        assert!(line(&error).contains("64 bytes of alignment"), "{error}");
    }
    let error = publisher.register_typed::<[u8; 5000]>("/a").unwrap_err();
    assert!(matches!(error, RegionError::NoPool { bytes: 5000, most: 4096, .. }), "{error}");
    line(&error);
}

/// Every way to ask for another type, at both ends, is refused with both types in one line.
fn others_are_refused(publisher: &Publisher, dir: &Path) {
    let subscriber = Subscriber::connect_in(dir, "r").unwrap();
    let config = TopicConfig::new();
    let errors = [
        publisher.register_typed::<[u64; 3]>("/quote").unwrap_err(),
        publisher.register_typed::<[u32; 4]>("/quote").unwrap_err(),
        publisher.register_named::<Quote>("/quote", &config, "Trade").unwrap_err(),
        publisher.register("/quote").unwrap_err(),
        subscriber.subscribe_typed::<[u64; 3]>("/quote").unwrap_err(),
        subscriber.subscribe_typed::<[u32; 4]>("/quote").unwrap_err(),
        subscriber.subscribe_typed_last::<u8>("/quote", 1).unwrap_err(),
        subscriber.subscribe_named::<Quote>("/quote", "Trade").unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, RegionError::Differs { .. }), "{error}");
        assert!(line(&error).contains("Quote of 16 bytes aligned to 8"), "{error}");
    }
    for stream in [
        subscriber.subscribe_typed::<Quote>("/quote").unwrap(),
        subscriber.subscribe_named::<Quote>("/quote", "Quote").unwrap(),
    ] {
        assert_eq!(stream.stream().uri(), "/quote");
    }
}

#[test]
fn another_type_is_refused_at_both_ends() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_named::<Quote>("/quote", &TopicConfig::new(), "Quote").unwrap();
    others_are_refused(&Publisher::open_in(dir.path(), "r").unwrap(), dir.path());
    drop(topic);
    publisher.register("/bytes").unwrap();
    let error = publisher.register_typed::<u64>("/bytes").unwrap_err();
    assert!(line(&error).contains("any bytes"), "{error}");
    let error = dir.subscriber("r").subscribe_typed::<u64>("/bytes").unwrap_err();
    assert!(line(&error).contains("any bytes"), "{error}");
}

#[test]
fn whoever_takes_a_topic_over_is_checked_as_well() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let topic = publisher.register_named::<Quote>("/quote", &TopicConfig::new(), "Quote").unwrap();
        publisher.send_typed(&topic, &QUOTE).unwrap();
        tell("sent");
        return stay();
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let mut other = Other::start("whoever_takes_a_topic_over_is_checked_as_well", "publish", &dir);
    other.expect("sent");
    other.kill();
    others_are_refused(&publisher, dir.path());
    let last = dir.subscriber("r").subscribe_typed_last::<Quote>("/quote", 1).unwrap();
    let topic = publisher.register_typed::<Quote>("/quote").unwrap();
    publisher.send_typed(&topic, &Quote { bid: 2.0, ask: 3.0 }).unwrap();
    assert_eq!(*last.recv().unwrap(), QUOTE);
    assert_eq!(*last.recv().unwrap(), Quote { bid: 2.0, ask: 3.0 });
}

#[test]
fn a_message_of_another_size_is_no_value_and_counts_as_received() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/bytes").unwrap();
    let stream = dir.subscriber("r").subscribe("/bytes").unwrap();
    for bytes in [&[1_u8; 7][..], &[1; 9], &[0; 100], &1_u64.to_ne_bytes()] {
        publisher.send(&topic, bytes).unwrap();
    }
    for wrong in [7, 9, 100] {
        let error = stream.try_recv_typed::<u64>().unwrap_err();
        assert_eq!(error, TryRecvError::WrongType { bytes: wrong, size: 8, align: 8 });
        line(&error);
    }
    assert_eq!(*stream.try_recv_typed::<u64>().unwrap(), 1);
    assert_eq!((stream.received(), stream.missed()), (4, 0));
}

#[test]
fn a_typed_loan_that_finds_no_room_comes_back() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic =
        publisher.register_typed_with::<Quote>("/q", &TopicConfig::new().lossless().depth(1)).unwrap();
    let stream = dir.subscriber("r").subscribe_typed::<Quote>("/q").unwrap();
    publisher.try_send_typed(&topic, &QUOTE).unwrap();
    line(&publisher.try_send_typed(&topic, &QUOTE).unwrap_err());
    let mut loan = publisher.loan_typed(&topic).unwrap();
    *loan = Quote { bid: 7.0, ask: 8.0 };
    let xbar::NoRoom(loan) = loan.try_publish().unwrap_err();
    assert_eq!(*stream.recv().unwrap(), QUOTE);
    loan.try_publish().unwrap();
    assert_eq!(stream.recv().unwrap().ask, 8.0);
}

#[test]
fn structured_messages_arrive_or_say_what_is_wrong() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/s").unwrap();
    let stream = dir.subscriber("r").subscribe("/s").unwrap();

    let elements: Vec<To32> = (0..100).map(To32::from).collect();
    let mut loan = publisher.loan(&topic, 0).unwrap();
    loan.write_structured(&To64::from(7), &elements).unwrap();
    loan.publish();
    let sample = stream.recv().unwrap();
    assert_eq!(*sample.read_header::<To64>().unwrap(), To64::from(7));
    assert_eq!(sample.read_array::<To32>().unwrap(), &elements[..]);
    let error = sample.read_header::<To32>().unwrap_err();
    assert!(matches!(error, StructuredError::Header { asked: (32, 32), found: (64, 64) }));
    line(&error);
    let error = sample.read_array::<u64>().unwrap_err();
    assert!(matches!(error, StructuredError::Element { asked: (8, 8), found: (32, 32) }));
    line(&error);
    drop(sample);

    // No elements, and as many as fit.
    let mut loan = publisher.loan(&topic, 0).unwrap();
    loan.write_structured::<u8, u64>(&1, &[]).unwrap();
    loan.publish();
    assert!(stream.recv().unwrap().read_array::<u64>().unwrap().is_empty());
    let mut loan = publisher.loan(&topic, 10).unwrap();
    let error = loan.write_structured(&1_u64, &[0_u8; 4065]).unwrap_err();
    assert_eq!(error, StructuredError::TooLarge { bytes: 4097, most: 4096 });
    line(&error);
    assert_eq!(loan.len(), 10, "nothing changed");
    loan.write_structured(&1_u64, &[3_u8; 4064]).unwrap();
    line(&loan.structured::<To128, u8>(&To128::from(1), 1).unwrap_err());
    loan.publish();
    assert_eq!(stream.recv().unwrap().read_array::<u8>().unwrap(), [3; 4064]);

    // Bytes that are no structured message.
    publisher.send(&topic, &[0; 64]).unwrap();
    let sample = stream.recv().unwrap();
    line(&sample.read_header::<u64>().unwrap_err());
    assert_eq!(sample.read_array::<u64>().unwrap_err(), StructuredError::NotStructured { bytes: 64 });
}
