//! A forked child keeps no handle of its parent's alive, and takes none of them away.
#![cfg(not(miri))]
#![allow(unsafe_code)] // `fork`, for which there is no safe function

mod support;

use std::time::Duration;

use support::{Dir, Other, part, stay, tell};
use xbar::{Config, Publisher, RecvError, Subscriber, TopicConfig};

/// Forks a child that runs `child` and ends without unwinding or exit handlers; says its process.
///
/// Only in a process whose other threads hold no lock: a part, which runs one test.
fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs only `child` and `_exit`; nobody else is at work here.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no more processes");
    if pid == 0 {
        child();
        // SAFETY: ends the process.
        unsafe { libc::_exit(0) };
    }
    pid
}

fn config(dir: &std::path::Path) -> Config {
    // As few blocks as can work: one that is given back twice, or held by nobody, shows.
    Config::new().topics(2).depth(2).publishers(1).subscribers(2).samples(2).loans(2).block_bytes(64).dir(dir)
}

#[test]
fn a_forked_childs_drop_of_all_handles_takes_nothing_from_its_parent() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::create("r", &config(&dir)).unwrap();
        let topic = publisher.register("/a").unwrap();
        let orders = publisher.register_with("/b", &TopicConfig::new().lossless()).unwrap();
        let subscriber = Subscriber::connect_in(&dir, "r").unwrap();
        let (stream, order) = (subscriber.subscribe("/a").unwrap(), subscriber.subscribe("/b").unwrap());
        publisher.send(&topic, &[1; 60]).unwrap();
        publisher.send(&topic, &[2; 60]).unwrap();
        let (sample, owned) = (stream.recv().unwrap(), stream.recv().unwrap().into_owned());
        let mut loan = publisher.loan(&topic, 60).unwrap();
        loan.fill(3);
        let mut copies = Some((loan, sample, owned));
        let child = fork(|| drop(copies.take()));
        reap(child);
        let (loan, sample, owned) = copies.unwrap();
        // Every block that is free is written before the held ones are looked at.
        for n in 0..200_u8 {
            publisher.send(&topic, &[n; 60]).unwrap();
        }
        assert_eq!((&sample[..], &owned[..], &loan[..]), (&[1; 60][..], &[2; 60][..], &[3; 60][..]));
        loan.publish();
        drop((sample, owned));

        let mut all = Some((publisher, topic, orders, subscriber));
        let (mut streams, whole) = (Some((stream, order)), &mut all);
        let child = fork(|| drop((whole.take(), streams.take())));
        reap(child);
        let ((publisher, topic, orders, subscriber), (stream, order)) = (all.unwrap(), streams.unwrap());
        assert_eq!((subscriber.publisher_count(), publisher.subscriber_count()), (1, 1));
        for n in 0..20 {
            publisher.send(&orders, &[n; 60]).unwrap();
            assert_eq!(order.recv().unwrap()[..], [n; 60], "the gate still waits for this stream");
        }
        while stream.try_recv().is_ok_and(|_| true) || stream.pending() > 0 {}
        publisher.send(&topic, b"end").unwrap();
        assert_eq!(stream.recv().unwrap()[..], *b"end");
        tell("survived");
        return;
    }
    let dir = Dir::new();
    let mut other =
        Other::start("a_forked_childs_drop_of_all_handles_takes_nothing_from_its_parent", "fork", &dir);
    other.expect("survived");
    other.finish();
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

fn reap(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: waits for a child of this process, into a local.
    let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((reaped, status), (pid, 0), "the forked child failed");
}

#[test]
fn a_forked_child_keeps_neither_its_parents_publisher_nor_its_subscriber_alive() {
    if let Some((what, dir)) = part() {
        let publisher = (what == "publish").then(|| Publisher::create("r", &config(&dir)).unwrap());
        let topic = publisher.as_ref().map(|publisher| publisher.register("/a").unwrap());
        let stream = (what == "subscribe")
            .then(|| Subscriber::connect_in(&dir, "r").unwrap().subscribe("/b").unwrap());
        fork(|| {
            // Behind the fork handlers: a child that has not run yet has its parent's locks.
            tell("ready");
            stay();
        });
        stay();
        drop((topic, publisher, stream));
        return;
    }
    const TEST: &str = "a_forked_child_keeps_neither_its_parents_publisher_nor_its_subscriber_alive";
    let dir = Dir::new();
    let mut other = Other::start(TEST, "publish", &dir);
    other.expect("ready");
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    other.kill();
    assert_eq!(stream.recv_timeout(Duration::from_secs(60)).unwrap_err(), RecvError::Disconnected);

    let publisher = Publisher::create("r", &config(dir.path())).expect("the name is free");
    let topic = publisher.register_with("/b", &TopicConfig::new().lossless()).unwrap();
    let mut other = Other::start(TEST, "subscribe", &dir);
    other.expect("ready");
    assert_eq!((publisher.subscriber_count(), publisher.reader_count(&topic)), (1, 1));
    other.kill();
    for n in 0..10 {
        publisher.send_timeout(&topic, &[n; 60], Duration::from_secs(60)).expect("nobody waits for the dead");
    }
    assert_eq!(publisher.subscriber_count(), 0);
}
