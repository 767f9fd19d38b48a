//! Requests between processes: each is answered once, in any order, or its client is told why not.
#![cfg(not(miri))]

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Dir, Other, hear, part, stay, tell};
use xbar::{Client, Publisher, RegionError, RequestError, RequestId, Server, ServerConfig};

/// Longer than any machine needs; only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

fn config(dir: &Dir) -> ServerConfig {
    ServerConfig::new().dir(dir.path())
}

fn client(dir: &Path) -> Client {
    Client::connect_in(dir, "adder").unwrap()
}

fn question(who: u32, n: u32) -> Vec<u8> {
    let mut bytes = [who.to_le_bytes(), n.to_le_bytes()].concat();
    bytes.resize(8 + n as usize % 300, n as u8);
    bytes
}

/// The answer: the question backwards.
fn answer(question: &[u8]) -> Vec<u8> {
    question.iter().rev().copied().collect()
}

const QUESTIONS: u32 = 2000;

/// Asks all questions, eight at a time, and takes the answers in another order.
fn ask_all(client: &Client, who: u32) {
    for first in (0..QUESTIONS).step_by(8) {
        let send = |n| client.send(&question(who, n), Some(LONG)).unwrap();
        let asked: Vec<(u32, RequestId)> = (first..first + 8).map(|n| (n, send(n))).collect();
        assert_eq!(client.in_flight(), 8);
        for (n, id) in asked.into_iter().rev() {
            assert_eq!(*client.wait(id).unwrap(), *answer(&question(who, n)));
        }
        assert_eq!(client.in_flight(), 0);
    }
}

fn answer_all(server: &Server, requests: u32) {
    // Out of order: every second one is held until the next was answered.
    let mut held = None;
    for _ in 0..requests {
        let request = server.recv_timeout(LONG).unwrap();
        match held.take() {
            None if request[4] % 2 == 0 => held = Some(request),
            before => {
                for request in std::iter::once(request).chain(before) {
                    let answer = answer(&request);
                    request.reply(&answer).unwrap();
                }
            }
        }
    }
    assert!(held.is_none());
}

#[test]
fn every_request_of_many_clients_gets_its_own_answer() {
    let test = "every_request_of_many_clients_gets_its_own_answer";
    if let Some((who, dir)) = part() {
        let client = client(&dir);
        tell("connected");
        hear("go");
        ask_all(&client, who.parse().unwrap());
        return;
    }
    let dir = Dir::new();
    let server = config(&dir).serve("adder").unwrap();
    let mut others = [10, 11].map(|who: u32| Other::start(test, &who.to_string(), &dir));
    for other in &mut others {
        other.expect("connected");
        other.say("go");
    }
    std::thread::scope(|scope| {
        for who in 0..2 {
            let client = client(dir.path());
            scope.spawn(move || ask_all(&client, who));
        }
        answer_all(&server, 4 * QUESTIONS);
    });
    others.into_iter().for_each(Other::finish);
    assert_eq!(server.expired(), 0);
}

#[test]
fn a_request_that_is_not_answered_in_time_is_over_for_both_sides() {
    let dir = Dir::new();
    let server = config(&dir).serve("adder").unwrap();
    let client = client(dir.path());
    let short = Duration::from_millis(1);
    let error = client.call(b"late", short).unwrap_err();
    assert!(matches!(error, RequestError::Timeout { waited: Some(waited) } if waited == short), "{error:?}");
    assert_eq!(client.in_flight(), 0);
    let id = client.send(b"in time", Some(LONG)).unwrap();
    let request = server.recv_timeout(LONG).unwrap();
    assert_eq!(&*request, b"in time", "the other is not worth an answer any more");
    assert!(request.time_left().unwrap() <= LONG);
    assert_eq!(server.expired(), 1);
    request.reply(b"yes").unwrap();
    assert_eq!(&*client.wait(id).unwrap(), b"yes");

    // Asked in time, answered too late: thrown away.
    let id = client.send(b"slow", Some(short)).unwrap();
    let slow = server.recv_timeout(LONG);
    assert!(matches!(client.wait(id), Err(RequestError::Timeout { .. })));
    if let Ok(slow) = slow {
        slow.reply(b"too late").unwrap();
    }
    let id = client.send(b"next", None).unwrap();
    let request = server.recv_timeout(LONG).unwrap();
    assert_eq!(request.time_left(), None);
    request.reply(b"of the next").unwrap();
    assert_eq!(&*client.wait(id).unwrap(), b"of the next");
}

#[test]
fn waiting_for_less_than_a_request_takes_leaves_it_in_flight() {
    let dir = Dir::new();
    let server = config(&dir).serve("adder").unwrap();
    let client = client(dir.path());
    let short = Duration::from_millis(1);
    for timeout in [Some(LONG), None] {
        let id = client.send(b"patience", timeout).unwrap();
        for patience in [Duration::ZERO, short] {
            assert!(matches!(client.wait_timeout(id, patience), Err(RequestError::Empty)));
            assert_eq!(client.in_flight(), 1);
        }
        server.recv_timeout(LONG).unwrap().reply(b"here").unwrap();
        assert_eq!(&*client.wait_timeout(id, Duration::ZERO).unwrap(), b"here");
        assert!(matches!(client.wait_timeout(id, short), Err(RequestError::Unknown { .. })));
    }
    let id = client.send(b"late", Some(short)).unwrap();
    assert!(matches!(client.wait_timeout(id, LONG), Err(RequestError::Timeout { waited: Some(_) })));
}

#[test]
fn a_request_that_the_server_drops_is_refused() {
    let dir = Dir::new();
    let server = config(&dir).serve("adder").unwrap();
    let client = client(dir.path());
    let [first, second] = [b"1", b"2"].map(|bytes| client.send(bytes, None).unwrap());
    drop(server.recv_timeout(LONG).unwrap());
    drop(server.recv_timeout(LONG).unwrap().loan(10).unwrap());
    assert!(matches!(client.wait(first), Err(RequestError::Refused)));
    assert!(matches!(client.wait(second), Err(RequestError::Refused)));
    assert!(matches!(client.wait(first), Err(RequestError::Unknown { id }) if id == first));
}

#[test]
fn a_client_is_told_that_its_server_was_killed() {
    let test = "a_client_is_told_that_its_server_was_killed";
    if let Some((_, dir)) = part() {
        let server = ServerConfig::new().dir(dir).depth(8).serve("adder").unwrap();
        tell("serving");
        let request = server.recv().unwrap();
        let answer = answer(&request);
        request.reply(&answer).unwrap();
        tell("answered");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "serve", &dir);
    other.expect("serving");
    let clients = [(); 3].map(|()| client(dir.path()));
    let id = clients[0].send(&question(0, 7), None).unwrap();
    other.expect("answered");
    let unanswered = clients[0].send(b"?", None).unwrap();
    let polled = clients[0].send(b"?", None).unwrap();
    let waiting = clients[1].send(b"?", None).unwrap();
    other.kill();
    assert_eq!(*clients[0].wait(id).unwrap(), *answer(&question(0, 7)), "sent before its death");
    assert!(matches!(clients[0].wait(unanswered), Err(RequestError::Disconnected)));
    assert!(matches!(clients[0].try_recv(polled), Err(RequestError::Disconnected)));
    assert!(matches!(clients[0].try_recv(polled), Err(RequestError::Unknown { .. })));
    assert!(matches!(clients[1].wait(waiting), Err(RequestError::Disconnected)));
    // One that never receives hears of it too, also when it waits for room.
    let error = std::iter::repeat_with(|| clients[2].send(b"?", None)).find_map(Result::err).unwrap();
    assert!(matches!(error, RequestError::Disconnected), "{error}");
    assert!(Client::connect_in(dir.path(), "adder").is_err());
}

#[test]
fn a_client_is_told_that_its_server_ended() {
    let dir = Dir::new();
    let server = config(&dir).serve("adder").unwrap();
    let client = client(dir.path());
    let id = client.send(b"?", None).unwrap();
    drop(server);
    assert!(matches!(client.wait(id), Err(RequestError::Disconnected)));
    assert!(matches!(client.send(b"?", None), Err(RequestError::Disconnected)));
}

#[test]
fn a_reply_to_a_killed_client_says_that_it_is_gone() {
    let test = "a_reply_to_a_killed_client_says_that_it_is_gone";
    if let Some((_, dir)) = part() {
        let client = client(&dir);
        client.send(b"?", None).unwrap();
        tell("asked");
        stay();
        return;
    }
    let dir = Dir::new();
    let server = config(&dir).clients(1).serve("adder").unwrap();
    let mut other = Other::start(test, "ask", &dir);
    other.expect("asked");
    let request = server.recv_timeout(LONG).unwrap();
    other.kill();
    assert!(matches!(request.reply(b"!"), Err(RequestError::Disconnected)));
    // Its seat is another's now, which gets nothing that is not for it.
    let client = client(dir.path());
    let id = client.send(b"mine?", Some(LONG)).unwrap();
    server.recv_timeout(LONG).unwrap().reply(b"yours").unwrap();
    assert_eq!(&*client.wait(id).unwrap(), b"yours");
    let another = Client::connect_in(dir.path(), "adder").unwrap_err().to_string();
    assert!(another.contains("larger"), "{another}");
}

#[test]
fn what_is_too_large_is_told_where_it_is_sent() {
    let dir = Dir::new();
    let server = config(&dir).max_bytes(100).serve("adder").unwrap();
    let client = client(dir.path());
    let error = client.call(&[0; 1000], LONG).unwrap_err();
    assert!(matches!(error, RequestError::Publish(_)) && !error.to_string().contains('\n'), "{error}");
    assert_eq!(client.in_flight(), 0);
    let id = client.send(&[1; 100], None).unwrap();
    let error = server.recv_timeout(LONG).unwrap().reply(&[0; 1000]).unwrap_err();
    assert!(matches!(error, RequestError::Publish(_)), "{error}");
    assert!(matches!(client.wait(id), Err(RequestError::Refused)), "and nobody waits for it");
    let id = client.send(&[1; 100], None).unwrap();
    server.recv_timeout(LONG).unwrap().reply(&[2; 100]).unwrap();
    assert_eq!(*client.wait(id).unwrap(), [2; 100]);
}

#[test]
fn a_request_is_polled_given_up_or_unknown() {
    let dir = Dir::new();
    let server = config(&dir).serve("adder").unwrap();
    let client = client(dir.path());
    assert!(matches!(server.try_recv(), Err(RequestError::Empty)));
    let [kept, given_up] = [b"1", b"2"].map(|bytes| client.send(bytes, None).unwrap());
    assert!(matches!(client.try_recv(kept), Err(RequestError::Empty)));
    client.give_up(given_up);
    assert_eq!(client.in_flight(), 1);
    for n in [b"1", b"2"] {
        let request = server.try_recv().unwrap();
        assert_eq!(&*request, n);
        request.reply(n).unwrap();
    }
    assert_eq!(&*client.try_recv(kept).unwrap(), b"1");
    for id in [kept, given_up] {
        let error = client.try_recv(id).unwrap_err();
        assert!(matches!(error, RequestError::Unknown { id: other } if other == id), "{error}");
        assert!(error.to_string().contains(&id.to_string()));
    }
}

#[test]
fn a_client_that_receives_nothing_holds_up_no_other() {
    let dir = Dir::new();
    let server = config(&dir).depth(8).serve("adder").unwrap();
    let (lazy, busy) = (client(dir.path()), client(dir.path()));
    let mut full = false;
    for n in 0..100 {
        lazy.send(&[n; 100], None).unwrap();
        full |= matches!(server.recv_timeout(LONG).unwrap().reply(&[n; 100]), Err(RequestError::Full));
        let id = busy.send(&[n], None).unwrap();
        server.recv_timeout(LONG).unwrap().reply(&[n]).unwrap();
        assert_eq!(*busy.wait(id).unwrap(), [n]);
    }
    assert!(full, "a server never waits for a client");
}

/// A client finds its reply topic as soon as that is registered: by then the server hears.
#[test]
fn a_client_that_connects_while_the_server_is_being_made_is_answered() {
    let dir = Dir::new();
    for _ in 0..20 {
        let server = std::thread::scope(|scope| {
            let server = scope.spawn(|| config(&dir).serve("adder").unwrap());
            let id = scope.spawn(|| {
                let client = loop {
                    match Client::connect_in(dir.path(), "adder") {
                        Ok(client) => break client,
                        Err(RequestError::Region(_)) => std::thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                };
                client.send(b"first", None).unwrap();
                client
            });
            let server = server.join().unwrap();
            let client = id.join().unwrap();
            assert_eq!(&*server.recv_timeout(Duration::from_secs(10)).expect("the request"), b"first");
            drop(client);
            server
        });
        drop(server);
    }
}

/// In a child: serves, answers one request, receives another, says so, and stays.
fn answer_one_of_two(dir: &Path) {
    let server = ServerConfig::new().dir(dir).serve("adder").unwrap();
    tell("serving");
    let request = server.recv().unwrap();
    let answer = answer(&request);
    request.reply(&answer).unwrap();
    let _unanswered = server.recv().unwrap();
    tell("answered");
    stay();
}

#[test]
fn clients_of_a_killed_server_go_on_with_the_next_and_what_it_had_not_answered_is_over() {
    let test = "clients_of_a_killed_server_go_on_with_the_next_and_what_it_had_not_answered_is_over";
    if let Some((_, dir)) = part() {
        answer_one_of_two(&dir);
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "serve", &dir);
    other.expect("serving");
    let client = client(dir.path());
    let answered = client.send(&question(0, 7), None).unwrap();
    let received = client.send(b"?", None).unwrap();
    other.expect("answered");
    let unread = client.send(b"?", None).unwrap();
    other.kill();
    // Before the client could notice that nobody served for a while.
    let mut server = config(&dir).serve("adder").unwrap();
    let asked_now = client.send(&question(1, 1), None).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let answer = client.wait(answered).map(|reply| reply.to_vec());
        tell.send((answer, client.wait(received).err(), client.wait(unread).err())).unwrap();
        assert_eq!(*client.wait(asked_now).unwrap(), *answer_to(1));
        client
    });
    let (first, received, unread) = told.recv_timeout(LONG).expect("nobody waits for ever");
    assert_eq!(first.unwrap(), answer(&question(0, 7)), "sent before its death");
    for over in [received, unread] {
        assert!(matches!(over, Some(RequestError::Disconnected)), "{over:?}");
    }
    let request = server.recv_timeout(LONG).unwrap();
    assert_eq!(*request, *question(1, 1), "what was asked of the last one is not for this one");
    let reply = answer(&request);
    request.reply(&reply).unwrap();
    let client = waiting.join().unwrap();
    // Again and again, also when it only left.
    for n in 0..20 {
        let over = client.send(b"?", None).unwrap();
        drop(server);
        server = config(&dir).serve("adder").unwrap();
        let id = client.send(&question(1, n), None).unwrap();
        let request = server.recv_timeout(LONG).unwrap();
        assert_eq!(*request, *question(1, n));
        let reply = answer(&request);
        request.reply(&reply).unwrap();
        assert_eq!(*client.wait(id).unwrap(), *answer_to(n));
        assert!(matches!(client.wait(over), Err(RequestError::Disconnected)));
        assert_eq!(client.in_flight(), 0);
    }
    drop((client, server));
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

fn answer_to(n: u32) -> Vec<u8> {
    answer(&question(1, n))
}

#[test]
fn a_living_server_keeps_its_place_and_its_successor_its_configuration() {
    let test = "a_living_server_keeps_its_place_and_its_successor_its_configuration";
    if let Some((_, dir)) = part() {
        answer_one_of_two(&dir);
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "serve", &dir);
    other.expect("serving");
    let first = client(dir.path());
    let error = support::line(&config(&dir).serve("adder").unwrap_err());
    assert!(error.contains("is alive") && error.contains(&format!("process {}", other.pid())), "{error}");
    other.kill();
    let others = [
        (config(&dir).clients(3), "clients 16, not 3"),
        (config(&dir).depth(5), "depth 64, not 5"),
        (config(&dir).max_bytes(77), "max_bytes 4096, not 77"),
    ];
    for (config, difference) in others {
        let error = config.serve("adder").unwrap_err();
        assert!(matches!(error, RegionError::OtherConfig { .. }), "{error}");
        assert!(support::line(&error).contains(difference), "{error}");
    }
    assert!(matches!(Client::connect_in(dir.path(), "adder"), Err(RequestError::Region(_))), "nobody serves");
    // On another seat than its predecessor, which a client has then.
    let seat = Publisher::open_in(dir.path(), "adder").unwrap();
    let server = config(&dir).serve("adder").unwrap();
    drop(seat);
    let second = client(dir.path());
    for client in [&first, &second] {
        let id = client.send(b"12", None).unwrap();
        server.recv_timeout(LONG).unwrap().reply(b"21").unwrap();
        assert_eq!(&*client.wait(id).unwrap(), b"21");
    }
}
