//! Every block is accounted for, whoever was killed with whatever in hand; and what is not, is told.

mod support;

use std::os::unix::fs::FileExt;

use support::{Dir, Other, part, stay, tell};
use xbar::{PoolAccount, Publisher, RegionError, Subscriber, TopicConfig, audit_in, recover_in};

fn only(pools: &[PoolAccount]) -> &PoolAccount {
    let [pool] = pools else { panic!("one pool") };
    let PoolAccount { blocks, free, in_rings, with_publishers, with_readers, left_behind, lost, .. } = pool;
    assert_eq!(free + in_rings + with_publishers + with_readers + left_behind + lost, *blocks, "{pool}");
    pool
}

#[test]
fn every_block_is_somewhere_and_each_holder_is_named() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let many = publisher.register_with("/b", &TopicConfig::new().many_publishers()).unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let loans: Vec<_> = (0..3).map(|_| publisher.loan(&topic, 100).unwrap()).collect();
    for n in 0..100_u8 {
        publisher.send(&topic, &[n; 100]).unwrap();
        publisher.send(&many, &[n; 100]).unwrap();
        publisher.send(&many, b"inline").unwrap();
    }
    let sample = stream.recv().or_else(|_| stream.recv()).unwrap();
    let account = audit_in(dir.path(), "r").unwrap();
    assert!(account.settled && account.is_clean(), "{account:?}");
    let pool = only(&account.pools);
    assert_eq!(
        pool.in_rings,
        64 + 32,
        "every slot but the next of the one ring, each other one of the other; {pool}"
    );
    assert!(pool.with_publishers >= 3, "{pool}");
    assert_eq!(publisher.strays(), 0);
    let [publishes, reads] = &account.holders[..] else { panic!("{account:?}") };
    assert!(publishes.is_publisher && publishes.is_alive && publishes.pid == std::process::id());
    assert_eq!(publishes.taken + publishes.evicted, pool.with_publishers);
    assert_eq!((reads.is_publisher, reads.held), (false, 1));
    drop((loans, sample));
    assert!(audit_in(dir.path(), "r").unwrap().is_clean());
    assert!(matches!(audit_in(dir.path(), "none"), Err(RegionError::Open(_))));
}

#[test]
fn what_the_killed_had_is_left_behind_until_one_recovery() {
    if let Some((part, dir)) = part() {
        let publisher = Publisher::open_in(&dir, "r").unwrap();
        let topic = publisher.register(&format!("/{part}")).unwrap();
        let stream = Subscriber::connect_in(&dir, "r").unwrap().subscribe("/a").unwrap();
        let loans: Vec<_> = (0..8).map(|_| publisher.loan(&topic, 100).unwrap()).collect();
        for n in 0..100_u8 {
            publisher.send(&topic, &[n; 100]).unwrap();
        }
        tell("ready");
        let samples: Vec<_> = (0..16).map(|_| stream.recv().unwrap()).collect();
        tell("holding");
        stay();
        drop((loans, samples));
        return;
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().depth(16)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let blocks = only(&audit_in(dir.path(), "r").unwrap().pools).blocks;
    for n in 0..5 {
        let test = "what_the_killed_had_is_left_behind_until_one_recovery";
        let mut other = Other::start(test, ["b", "c"][n % 2], &dir);
        other.expect("ready");
        // The parent reads a message of the child's, and keeps it beyond the child's life.
        let uri = ["/b", "/c"][n % 2];
        let kept = dir.subscriber("r").subscribe_from_oldest(uri).unwrap();
        let kept = kept.recv().or_else(|_| kept.recv()).unwrap();
        for n in 0..16_u8 {
            publisher.send(&topic, &[n; 100]).unwrap();
        }
        other.expect("holding");
        other.kill();
        let account = audit_in(dir.path(), "r").unwrap();
        let pool = only(&account.pools);
        assert!(pool.left_behind >= 8 && pool.lost == 0 && pool.doubled == 0, "{account:?}");
        assert!(account.holders.iter().any(|holder| holder.is_publisher && !holder.is_alive));
        assert!(account.holders.iter().any(|holder| !holder.is_alive && holder.held == 16));

        let recovery = recover_in(dir.path(), "r").unwrap();
        assert_eq!((recovery.publishers, recovery.subscribers), (1, 1), "{recovery:?}");
        assert_eq!(recovery.blocks, pool.left_behind);
        assert!(recovery.account.settled && recovery.account.is_clean(), "{:?}", recovery.account);
        assert_eq!(only(&recovery.account.pools).blocks, blocks);
        assert!(recovery.account.holders.iter().all(|holder| holder.is_alive || holder.is_publisher));
        drop(kept);
        assert_eq!(publisher.strays(), 0);
        let again = recover_in(dir.path(), "r").unwrap();
        assert!(again.account.is_clean() && again.subscribers == 0, "{again:?}");
    }
}

#[test]
fn a_dead_subscriber_is_recovered_from_where_all_publisher_seats_are_taken() {
    if let Some((_, dir)) = part() {
        let stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        tell("ready");
        let _sample = stream.recv().unwrap();
        tell("holding");
        stay();
        return;
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().publishers(1)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let test = "a_dead_subscriber_is_recovered_from_where_all_publisher_seats_are_taken";
    let mut other = Other::start(test, "hold", &dir);
    other.expect("ready");
    publisher.send(&topic, &[1; 100]).unwrap();
    other.expect("holding");
    other.kill();
    let recovery = recover_in(dir.path(), "r").unwrap();
    assert_eq!((recovery.publishers, recovery.subscribers), (0, 1));
    assert_eq!(recovery.account.holders.len(), 1, "{recovery:?}");
}

#[test]
fn a_region_whose_publishers_are_dead_is_not_recovered() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::create("r", &xbar::Config::new().topics(1).dir(dir)).unwrap();
        let topic = publisher.register("/a").unwrap();
        publisher.send(&topic, &[1; 100]).unwrap();
        tell("ready");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start("a_region_whose_publishers_are_dead_is_not_recovered", "publish", &dir);
    other.expect("ready");
    other.kill();
    assert!(matches!(recover_in(dir.path(), "r"), Err(RegionError::NoPublisher { .. })));
    let account = audit_in(dir.path(), "r").unwrap();
    assert!(!account.is_clean() && only(&account.pools).in_rings == 1, "{account:?}");
}

/// The account can fail: a block that is taken off the free list by hand is lost, one whose header changes hands a stray.
#[test]
fn a_block_that_was_taken_away_by_hand_is_told() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    publisher.send(&topic, &[1; 100]).unwrap();
    assert!(audit_in(dir.path(), "r").unwrap().is_clean());

    let data = std::fs::OpenOptions::new().read(true).write(true).open(dir.path().join("r/data")).unwrap();
    let (base, name) = (xbar_shm::BaseDir::at(dir.path()), xbar_shm::RegionName::new("r").unwrap());
    let view = xbar_discovery::RegionView::open(&base, &name).unwrap();
    let pool = view.facts().geometry.pools()[0];
    let word = |at: usize| {
        let mut bytes = [0; 8];
        data.read_exact_at(&mut bytes, at as u64).unwrap();
        u64::from_ne_bytes(bytes)
    };
    let head = pool.free_list_offset;
    let first = word(head) as u32;
    let header = pool.headers_offset + 8 * (first as usize - 1);
    let without_the_first = word(head) & !0xffff_ffff | word(header) >> 32;
    data.write_all_at(&without_the_first.to_ne_bytes(), head as u64).unwrap();
    let account = audit_in(dir.path(), "r").unwrap();
    assert_eq!((only(&account.pools).lost, account.is_clean()), (1, false), "{account:?}");
    assert_eq!(account.pools[0].lost_blocks.len(), 1);
    assert!(!recover_in(dir.path(), "r").unwrap().account.is_clean(), "no recovery finds it");

    let owned_by_publisher_0: u64 = 1 << 8 | 1;
    data.write_all_at(&owned_by_publisher_0.to_ne_bytes(), header as u64).unwrap();
    assert_eq!(publisher.strays(), 1);
}
