//! Channels between processes: all that was sent arrives in order, ends and deaths are told, nobody waits for the dead.
#![cfg(not(miri))]

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Dir, Other, hear, part, stay, tell};
use xbar::{Channel, ChannelConfig, ChannelError, Listener, RegionError, discover_in};

/// Longer than any machine needs; only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

fn config(dir: &Path) -> ChannelConfig {
    ChannelConfig::new().dir(dir)
}

/// A connection within this process: the connector's end, the listener's.
fn pair(listener: &Listener, config: &ChannelConfig) -> (Channel, Channel) {
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| config.connect_timeout("desk", LONG).unwrap());
        let accepted = listener.accept_timeout(LONG).unwrap();
        (connecting.join().unwrap(), accepted)
    })
}

/// Message `n`, of a size of its own: in a slot, in a block, and around the border.
fn message(n: u32) -> Vec<u8> {
    let size = [4, 46, 47, 48, 49, 200, 1000][n as usize % 7];
    let mut bytes = vec![n as u8; size];
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    bytes
}

const MESSAGES: u32 = 100_000;

/// Sends and receives all messages at once.
fn exchange(channel: &Channel) {
    let (mut sent, mut received) = (0, 0);
    while sent < MESSAGES || received < MESSAGES {
        if sent < MESSAGES {
            match channel.send_timeout(&message(sent), Duration::ZERO) {
                Ok(()) => sent += 1,
                Err(ChannelError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let patience = if sent == MESSAGES { LONG } else { Duration::ZERO };
        while received < MESSAGES {
            match channel.recv_timeout(patience) {
                Ok(bytes) => {
                    assert_eq!(*bytes, *message(received));
                    received += 1;
                }
                Err(ChannelError::Timeout) if patience.is_zero() => break,
                Err(error) => panic!("{error} after {received}"),
            }
        }
    }
}

#[test]
fn a_hundred_thousand_messages_each_way_arrive_in_order_between_processes_under_load() {
    if let Some((_, dir)) = part() {
        let channel = config(&dir).connect_timeout("desk", LONG).unwrap();
        exchange(&channel);
        assert!(matches!(channel.recv_timeout(LONG), Err(ChannelError::Closed)));
        return;
    }
    let dir = Dir::new();
    let listener = config(dir.path()).listen("desk").unwrap();
    let other = Other::start(
        "a_hundred_thousand_messages_each_way_arrive_in_order_between_processes_under_load",
        "connect",
        &dir,
    );
    let channel = listener.accept_timeout(LONG).unwrap();
    exchange(&channel);
    channel.close().unwrap();
    other.finish();
}

#[test]
fn an_end_that_closed_its_half_still_receives() {
    let dir = Dir::new();
    let config = config(dir.path());
    let listener = config.listen("desk").unwrap();
    let (client, server) = pair(&listener, &config);
    client.send(b"all that I have").unwrap();
    client.close().unwrap();
    client.close().unwrap(); // twice is once
    assert!(matches!(client.send(b"more"), Err(ChannelError::Closed)));
    assert_eq!(&*server.recv_timeout(LONG).unwrap(), b"all that I have");
    for _ in 0..2 {
        assert!(matches!(server.recv(), Err(ChannelError::Closed)));
    }
    for n in 0..1000 {
        server.send(&message(n)).unwrap();
        assert_eq!(*client.recv_timeout(LONG).unwrap(), *message(n));
    }
    drop(server);
    assert!(matches!(client.recv_timeout(LONG), Err(ChannelError::Closed)));
}

#[test]
fn a_message_is_written_in_place_and_one_that_is_too_large_is_told_in_one_line() {
    let dir = Dir::new();
    let config = config(dir.path()).max_bytes(1000);
    let listener = config.listen("desk").unwrap();
    let (client, server) = pair(&listener, &config);
    let mut loan = client.loan(1000).unwrap();
    loan.fill(7);
    loan.send();
    assert_eq!(*server.recv_timeout(LONG).unwrap(), [7; 1000]);
    drop(client.loan(10).unwrap());
    client.send(b"").unwrap();
    assert_eq!(&*server.recv_timeout(LONG).unwrap(), b"", "the loan that was dropped was never there");
    for bytes in [1100, 100_000] {
        let error = client.send(&vec![0; bytes]).unwrap_err().to_string();
        assert!(error.contains("bytes") && !error.contains('\n'), "{error}");
    }
    assert!(matches!(client.loan(usize::MAX), Err(ChannelError::Publish(_))));
    client.send(b"goes on").unwrap();
    assert_eq!(&*server.recv_timeout(LONG).unwrap(), b"goes on");
}

#[test]
fn all_that_a_killed_end_sent_is_received_then_it_is_gone() {
    let test = "all_that_a_killed_end_sent_is_received_then_it_is_gone";
    if let Some((_, dir)) = part() {
        let channel = config(&dir).connect_timeout("desk", LONG).unwrap();
        (0..50).for_each(|n| channel.send(&message(n)).unwrap());
        tell("sent");
        stay();
        return;
    }
    let dir = Dir::new();
    let listener = config(dir.path()).listen("desk").unwrap();
    let mut other = Other::start(test, "connect", &dir);
    let channel = listener.accept_timeout(LONG).unwrap();
    other.expect("sent");
    other.kill();
    for n in 0..50 {
        assert_eq!(*channel.recv_timeout(LONG).unwrap(), *message(n));
    }
    assert!(matches!(channel.recv(), Err(ChannelError::Disconnected)));
    assert!(matches!(channel.send(b"x"), Err(ChannelError::Disconnected)));
}

#[test]
fn a_sender_that_waits_for_a_killed_end_is_told() {
    let test = "a_sender_that_waits_for_a_killed_end_is_told";
    if let Some((_, dir)) = part() {
        let _channel = config(&dir).connect_timeout("desk", LONG).unwrap();
        tell("connected");
        stay();
        return;
    }
    let dir = Dir::new();
    let config = config(dir.path()).depth(8);
    let listener = config.listen("desk").unwrap();
    for is_killed_before in [true, false] {
        let mut other = Other::start(test, "connect", &dir);
        let channel = listener.accept_timeout(LONG).unwrap();
        other.expect("connected");
        if is_killed_before {
            other.kill();
        }
        let (waits, is_waiting) = std::sync::mpsc::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let sender = std::thread::spawn(move || {
            // Not full while the other end is dead: then it must be told without having to wait.
            while !is_killed_before && channel.send_timeout(&[0; 100], Duration::ZERO).is_ok() {}
            waits.send(()).unwrap();
            let error = std::iter::repeat_with(|| channel.send(&[0; 100])).find_map(Result::err);
            tell.send(error.unwrap()).unwrap();
        });
        is_waiting.recv_timeout(LONG).unwrap();
        if !is_killed_before {
            other.kill();
        }
        let error = told.recv_timeout(LONG).expect("the sender ends");
        assert!(matches!(error, ChannelError::Disconnected), "{error}");
        sender.join().unwrap();
    }
}

#[test]
fn when_all_connections_are_taken_the_next_is_refused_until_one_ends() {
    let dir = Dir::new();
    let config = config(dir.path()).connections(2);
    let listener = config.listen("desk").unwrap();
    for round in 0..20 {
        let first = pair(&listener, &config);
        let second = pair(&listener, &config);
        let error = config.connect("desk").unwrap_err();
        assert!(matches!(error, ChannelError::TooManyConnections { limit: 2 }), "{error} in round {round}");
        assert!(error.to_string().contains("all 2 connections"), "{error}");
        drop(first);
        let (client, server) = pair(&listener, &config);
        client.send(b"new").unwrap();
        assert_eq!(&*server.recv_timeout(LONG).unwrap(), b"new");
        second.0.send(b"old").unwrap();
        assert_eq!(&*second.1.recv_timeout(LONG).unwrap(), b"old");
    }
}

#[test]
fn a_connection_of_a_killed_process_is_free_again() {
    let test = "a_connection_of_a_killed_process_is_free_again";
    if let Some((_, dir)) = part() {
        let channel = config(&dir).connect_timeout("desk", LONG).unwrap();
        channel.send(b"connected").unwrap();
        stay();
        return;
    }
    let dir = Dir::new();
    let listener = config(dir.path()).connections(1).listen("desk").unwrap();
    for _ in 0..5 {
        let mut other = Other::start(test, "connect", &dir);
        let channel = listener.accept_timeout(LONG).unwrap();
        assert_eq!(&*channel.recv_timeout(LONG).unwrap(), b"connected");
        other.kill();
        assert!(matches!(channel.recv(), Err(ChannelError::Disconnected)));
    }
}

#[test]
fn a_connector_that_gave_up_leaves_nothing_that_another_trips_over() {
    let dir = Dir::new();
    let config = config(dir.path()).connections(1);
    let listener = config.listen("desk").unwrap();
    for _ in 0..3 {
        let gave_up = config.connect_timeout("desk", Duration::from_millis(1));
        assert!(matches!(gave_up, Err(ChannelError::Timeout)), "{gave_up:?}");
    }
    let connecting = std::thread::spawn({
        let config = config.clone();
        move || config.connect_timeout("desk", LONG).unwrap()
    });
    // All have knocked before the first is looked at.
    while discover_in(dir.path(), "/door").unwrap()[0].topics[0].published < 4 {
        std::thread::yield_now();
    }
    let server = listener.accept_timeout(LONG).unwrap();
    let client = connecting.join().unwrap();
    client.send(b"hello").unwrap();
    assert_eq!(&*server.recv_timeout(LONG).unwrap(), b"hello");
    server.send(b"you too").unwrap();
    assert_eq!(&*client.recv_timeout(LONG).unwrap(), b"you too");
    assert!(matches!(listener.accept_timeout(Duration::ZERO), Err(ChannelError::Timeout)));
}

#[test]
fn a_connector_in_time_waits_for_its_listener() {
    let test = "a_connector_in_time_waits_for_its_listener";
    if let Some((_, dir)) = part() {
        tell("connecting");
        let channel = config(&dir).connect_timeout("desk", LONG).unwrap();
        channel.send(b"at last").unwrap();
        hear("done");
        return;
    }
    let dir = Dir::new();
    let config = config(dir.path());
    assert!(matches!(config.connect("desk"), Err(ChannelError::Region(_))), "nobody listens");
    let early = config.connect_timeout("desk", Duration::from_millis(1));
    assert!(matches!(early, Err(ChannelError::Timeout)), "{early:?}");
    let mut other = Other::start(test, "connect", &dir);
    other.expect("connecting");
    let listener = config.listen("desk").unwrap();
    let channel = listener.accept_timeout(LONG).unwrap();
    assert_eq!(&*channel.recv_timeout(LONG).unwrap(), b"at last");
    other.say("done");
    other.finish();
}

#[test]
fn several_connections_at_once_do_not_mix() {
    let dir = Dir::new();
    let config = config(dir.path()).connections(4);
    let listener = config.listen("desk").unwrap();
    std::thread::scope(|scope| {
        for name in 0..4_u8 {
            let config = &config;
            scope.spawn(move || {
                let channel = config.connect_timeout("desk", LONG).unwrap();
                for n in 0..1000_u16 {
                    let question = [&[name][..], &n.to_le_bytes()].concat();
                    channel.send(&question).unwrap();
                    assert_eq!(*channel.recv_timeout(LONG).unwrap(), *question);
                }
            });
        }
        for _ in 0..4 {
            let channel = listener.accept_timeout(LONG).unwrap();
            scope.spawn(move || {
                while let Ok(question) = channel.recv_timeout(LONG) {
                    channel.send(&question).unwrap();
                }
            });
        }
    });
}

#[test]
fn connections_outlive_their_listener_and_nobody_connects_any_more() {
    let dir = Dir::new();
    let config = config(dir.path());
    let listener = config.listen("desk").unwrap();
    let (client, server) = pair(&listener, &config);
    // Knocked, and never accepted.
    let waiting = std::thread::spawn({
        let config = config.clone();
        move || config.connect("desk").map(|_| ())
    });
    drop(listener);
    assert!(waiting.join().unwrap().is_err());
    assert!(config.connect("desk").is_err());
    for n in 0..1000 {
        client.send(&message(n)).unwrap();
        assert_eq!(*server.recv_timeout(LONG).unwrap(), *message(n));
        server.send(&message(n)).unwrap();
        assert_eq!(*client.recv_timeout(LONG).unwrap(), *message(n));
    }
    drop((client, server));
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_connector_is_told_when_its_listener_is_killed_before_it_accepts() {
    let test = "a_connector_is_told_when_its_listener_is_killed_before_it_accepts";
    if let Some((_, dir)) = part() {
        let _listener = config(&dir).listen("desk").unwrap();
        tell("listening");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "listen", &dir);
    other.expect("listening");
    let config = config(dir.path());
    let connecting = std::thread::spawn({
        let config = config.clone();
        move || config.connect("desk").map(|_| ())
    });
    other.kill();
    assert!(connecting.join().unwrap().is_err());
    let listener = config.listen("desk").unwrap();
    let (client, server) = pair(&listener, &config);
    client.send(b"again").unwrap();
    assert_eq!(&*server.recv_timeout(LONG).unwrap(), b"again");
}

/// In a child: listens, accepts `connections`, says so, and stays.
fn listen_and_accept(dir: &Path, connections: usize) {
    let listener = config(dir).listen("desk").unwrap();
    tell("listening");
    let _channels: Vec<_> = (0..connections).map(|_| listener.accept_timeout(LONG).unwrap()).collect();
    tell("accepted");
    stay();
}

#[test]
fn a_killed_listener_is_replaced_while_those_who_were_connected_hold_its_region() {
    let test = "a_killed_listener_is_replaced_while_those_who_were_connected_hold_its_region";
    if let Some((_, dir)) = part() {
        listen_and_accept(&dir, 8);
        return;
    }
    let dir = Dir::new();
    let config = config(dir.path());
    let mut other = Other::start(test, "listen", &dir);
    other.expect("listening");
    let old: Vec<_> = (0..8).map(|_| config.connect_timeout("desk", LONG).unwrap()).collect();
    other.expect("accepted");
    other.kill();
    let mut listener = config.listen("desk").unwrap();
    for channel in &old {
        assert!(matches!(channel.recv_timeout(LONG), Err(ChannelError::Disconnected)));
    }
    drop(old);
    // Again and again, also when it only left; connections stay as they are.
    let mut pairs = Vec::new();
    for n in 0..8 {
        pairs.push(pair(&listener, &config));
        drop(listener);
        listener = config.listen("desk").unwrap();
        for (client, server) in &pairs {
            client.send(&message(n)).unwrap();
            assert_eq!(*server.recv_timeout(LONG).unwrap(), *message(n));
            server.send(&message(n + 1)).unwrap();
            assert_eq!(*client.recv_timeout(LONG).unwrap(), *message(n + 1));
        }
    }
    assert!(matches!(config.connect("desk"), Err(ChannelError::TooManyConnections { .. })));
    drop((pairs, listener));
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

/// Stopped from its knock on, so that it cannot notice that nobody listened for a while.
#[test]
fn whoever_knocked_at_a_listener_that_is_killed_is_accepted_by_the_next() {
    let test = "whoever_knocked_at_a_listener_that_is_killed_is_accepted_by_the_next";
    match part() {
        Some((role, dir)) if role == "connect" => {
            let channel = config(&dir).connect_timeout("desk", LONG).unwrap();
            channel.send(b"hello").unwrap();
            hear("done");
            return;
        }
        Some((_, dir)) => return listen_and_accept(&dir, 1),
        None => {}
    }
    let dir = Dir::new();
    let config = config(dir.path());
    let mut listening = Other::start(test, "listen", &dir);
    listening.expect("listening");
    // Accepted, so that the next knock stays unread.
    let old = config.connect_timeout("desk", LONG).unwrap();
    listening.expect("accepted");
    let mut connecting = Other::start(test, "connect", &dir);
    while discover_in(dir.path(), "/door").unwrap()[0].topics[0].published < 2 {
        std::thread::yield_now();
    }
    connecting.stop();
    listening.kill();
    let listener = config.listen("desk").unwrap();
    connecting.go_on();
    let channel = listener.accept_timeout(LONG).unwrap();
    assert_eq!(&*channel.recv_timeout(LONG).unwrap(), b"hello");
    assert!(matches!(old.recv_timeout(LONG), Err(ChannelError::Disconnected)));
    connecting.say("done");
    connecting.finish();
}

#[test]
fn a_living_listener_keeps_its_place_and_its_successor_its_configuration() {
    let test = "a_living_listener_keeps_its_place_and_its_successor_its_configuration";
    if let Some((_, dir)) = part() {
        listen_and_accept(&dir, 1);
        return;
    }
    let dir = Dir::new();
    let config = config(dir.path());
    let mut other = Other::start(test, "listen", &dir);
    other.expect("listening");
    let client = config.connect_timeout("desk", LONG).unwrap();
    other.expect("accepted");
    for config in [config.clone(), config.clone().connections(3)] {
        let error = support::line(&config.listen("desk").unwrap_err());
        assert!(error.contains("is alive") && error.contains(&format!("process {}", other.pid())), "{error}");
    }
    other.kill();
    let others = [
        (config.clone().connections(3), "connections 8, not 3"),
        (config.clone().depth(5), "depth 64, not 5"),
        (config.clone().max_bytes(77), "max_bytes 4096, not 77"),
    ];
    for (config, difference) in others {
        let error = config.listen("desk").unwrap_err();
        assert!(matches!(error, RegionError::OtherConfig { .. }), "{error}");
        assert!(support::line(&error).contains(difference), "{error}");
    }
    let listeners = std::thread::scope(|scope| {
        let tries = [(); 4].map(|()| scope.spawn(|| config.listen("desk")));
        tries.map(|listener| listener.join().unwrap())
    });
    assert_eq!(listeners.iter().filter(|listener| listener.is_ok()).count(), 1, "{listeners:?}");
    drop((client, listeners));
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_region_that_no_listener_made_is_left_alone() {
    let dir = Dir::new();
    let publisher = dir.publisher("desk");
    let error = config(dir.path()).listen("desk").unwrap_err();
    assert!(error.to_string().contains("is alive"), "{error}");
    assert!(discover_in(dir.path(), "/**").unwrap()[0].topics.is_empty());
    drop(publisher);
}
