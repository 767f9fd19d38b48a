//! A region shared with others: subscribers of another user receive, and are trusted with no more than that.
//!
//! Two real users, in processes of their own; without root the test says that it looked at nothing.
#![cfg(not(miri))]

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::chown;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::{Gid, Uid, geteuid, umask};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use support::{Dir, Other, hear, part, stay, tell};
use xbar::{Publisher, SharedWith, Subscriber, TopicConfig};

const OWNER: u32 = 65533;
const OTHER: u32 = 65534;

/// This thread, and with it the part that it plays, becomes another user.
fn become_user(uid: u32) {
    set_thread_groups(&[]).unwrap();
    set_thread_gid(Gid::from_raw(uid)).unwrap();
    set_thread_uid(Uid::from_raw(uid)).unwrap();
}

#[test]
fn another_user_receives_from_a_shared_region_and_its_death_holds_nobody_up() {
    const TEST: &str = "another_user_receives_from_a_shared_region_and_its_death_holds_nobody_up";
    const LONG: Duration = Duration::from_secs(60);
    if let Some((what, dir)) = part() {
        if what == "publish" {
            become_user(OWNER);
            umask(Mode::from_raw_mode(0o077)); // whatever that says
            let config =
                xbar::Config::new().topics(2).subscribers(2).dir(&dir).shared_with(SharedWith::Everybody);
            let publisher = Publisher::create("r", &config).unwrap();
            let topic = publisher.register_with("/a", &TopicConfig::new().lossless().depth(4)).unwrap();
            tell("ready");
            hear("go");
            // The other user dies on the way: nobody waits for it, and its seat is free again.
            for n in 0..200_u64 {
                publisher.send_timeout(&topic, &n.to_le_bytes().repeat(n as usize % 20 + 1), LONG).unwrap();
            }
            assert_eq!(publisher.reader_count(&topic), 0);
            tell("sent");
            hear("end");
            return;
        }
        become_user(OTHER);
        let refused = Subscriber::connect_in(&dir, "r").unwrap_err().to_string();
        assert!(refused.contains("belongs to user 65533: "), "{refused}");
        let subscriber = Subscriber::connect_to_user_in(OWNER, &dir, "r").unwrap();
        let stream = subscriber.subscribe("/a").unwrap();
        let publisher = Publisher::open_in(&dir, "r").unwrap_err().to_string();
        assert!(publisher.contains("65533"), "{publisher}");
        assert!(
            OpenOptions::new().write(true).open(dir.join("r/data")).is_err(),
            "data is the owner's to write"
        );
        tell("joined");
        for n in 0..50_u64 {
            let sample = stream.recv_timeout(LONG).unwrap();
            assert_eq!(sample[..8], n.to_le_bytes());
        }
        tell("received");
        stay();
        return;
    }
    if !geteuid().is_root() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {TEST} needs root to become two users");
        return;
    }
    let parent = Dir::new();
    // Made for everybody by who creates the region there.
    chown(parent.path(), Some(OWNER), Some(OWNER)).unwrap();
    fs::set_permissions(parent.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut publisher = Other::start(TEST, "publish", &parent);
    publisher.expect("ready");
    let mut subscriber = Other::start(TEST, "subscribe", &parent);
    subscriber.expect("joined");
    publisher.say("go");
    subscriber.expect("received");
    subscriber.kill();
    publisher.expect("sent");
    publisher.say("end");
    publisher.finish();
    assert!(parent.contents().is_empty(), "{:?}", parent.contents());
}
