//! The commands at a byte bus: what it is, what is on it, whether it is well.

mod support;

use support::{Dir, Running, text};
use xbar::{ByteBus, ByteBusConfig};

fn bus(dir: &Dir) -> ByteBus {
    ByteBus::create_with("events", 1 << 16, &ByteBusConfig::new().dir(dir.path())).unwrap()
}

/// Sends until somebody has joined as a reader, and then `messages`.
fn send_when_heard(bus: &mut ByteBus, messages: &[(u16, &[u8])]) {
    while bus.subscriber_count() == 0 {
        std::thread::yield_now();
    }
    for (kind, message) in messages {
        bus.send_as(*kind, message).unwrap();
    }
}

#[test]
fn ls_and_doctor_say_what_a_byte_bus_is_and_how_much_was_sent() {
    let dir = Dir::new();
    let mut bus = bus(&dir);
    (0..5_u16).for_each(|kind| bus.send_as(kind, &[1; 100]).map(drop).unwrap());
    let table = dir.run(&["ls", "--interval", "1"]);
    let table = text(&table.stdout);
    assert!(table.contains("events  1 publisher  0 subscribers"), "{table}");
    let line = table.lines().find(|line| line.contains("/bus")).unwrap();
    assert!(line.contains(" 5 messages ") && line.contains("byte bus of 65536 bytes"), "{line}");
    let json = dir.run(&["ls", "--json", "--interval", "1"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let topic = &json[0]["topics"][0];
    assert_eq!((&topic["capacity_bytes"], &topic["published"]), (&65536.into(), &5.into()));
    assert_eq!((&topic["block_bytes"], &topic["depth"]), (&serde_json::Value::Null, &0.into()));

    let doctor = dir.run(&["doctor"]);
    let found = text(&doctor.stdout);
    assert!(found.contains("region events: 1 publisher, 0 subscribers, "), "{found}");
    assert!(found.contains("a byte bus of 65536 bytes") && !found.contains("blocks"), "{found}");
    assert_eq!(doctor.status.code(), Some(0));
}

#[test]
fn echo_prints_a_byte_bus_from_its_oldest_message_or_from_now_on() {
    let dir = Dir::new();
    let mut bus = bus(&dir);
    bus.send(b"first").unwrap();
    bus.send_as(7, b"second\n").unwrap();
    let history = dir.run(&["echo", "events", "/**", "--history", "--count", "2"]);
    assert_eq!(text(&history.stdout), "/bus: first\n/bus 7: second\\n\n");
    assert!(history.status.success() && history.stderr.is_empty());
    let hex = dir.run(&["echo", "events", "/bus", "--history", "--count", "1", "--hex"]);
    assert_eq!(text(&hex.stdout), "/bus: 6669727374\n");

    // Nothing is on what does not match, and nothing comes.
    for (pattern, says) in [("/other", "/other"), ("/bus", "/bus")] {
        let output = dir.run(&["echo", "events", pattern, "--timeout", "0.1"]);
        assert_eq!(output.status.code(), Some(1));
        let errors = text(&output.stderr);
        assert!(errors.starts_with(&format!("xbar: no message on {says} of region events")), "{errors}");
    }
}

#[test]
fn echo_of_a_byte_bus_ends_with_its_writer() {
    let dir = Dir::new();
    // Waits for it.
    let mut echo = Running::start(dir.xbar(&["echo", "events", "/bus", "--history"]));
    let mut bus = bus(&dir);
    send_when_heard(&mut bus, &[(0, b"one"), (1, b"two")]);
    assert_eq!((echo.line(), echo.line()), ("/bus: one".to_owned(), "/bus 1: two".to_owned()));
    drop(bus);
    let (code, errors) = echo.end();
    assert_eq!(code, 0);
    assert!(errors.contains("publishers are gone"), "{errors}");
    assert!(dir.is_empty());
}

#[test]
fn echo_of_a_bus_of_values_says_what_it_is() {
    let dir = Dir::new();
    let config = xbar::BusConfig::new().dir(dir.path());
    let _bus = xbar::PodBus::<u64>::create_with("quotes", 8, &config).unwrap();
    let output = dir.run(&["echo", "quotes", "/**", "--count", "1"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(errors.contains("a lossy bus of values of 8 bytes") && errors.lines().count() == 1, "{errors}");
    let doctor = dir.run(&["doctor"]);
    assert!(text(&doctor.stdout).contains("a lossy bus of values of 8 bytes aligned to 8"));
}
