//! Two real users: what one has, the other cannot open, take the name of, or be made to delete, unless it is shared by name.
//!
//! They are threads with the credentials of other users, which only root can make: without root, each test says that it
//! looked at nothing.
#![cfg(not(xbar_loom))]

mod support;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use support::{BYTES, Dir, build, create, open};
use xbar_shm::{BaseDir, FileAccess, SeatKind, SeatLock, Segment, SharedWith, ShmError, sweep_leftovers};

const OWNER: u32 = 65533;
const STRANGER: u32 = 65534;

/// False, and says so, where nobody can become another user.
fn can_be_others() -> bool {
    let root = geteuid().is_root();
    if !root {
        // Not by `eprintln!`, which the test runner keeps to itself.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {:?} needs root to become two users",
            thread::current().name()
        );
    }
    root
}

/// Does `work` as user `uid`, a member of the group `group` and no other.
fn in_group<T: Send>(uid: u32, group: u32, work: impl FnOnce() -> T + Send) -> T {
    let as_other = || {
        set_thread_groups(&[]).unwrap();
        set_thread_gid(Gid::from_raw(group)).unwrap();
        set_thread_uid(Uid::from_raw(uid)).unwrap();
        assert_eq!(geteuid().as_raw(), uid);
        work()
    };
    thread::scope(|scope| scope.spawn(as_other).join().unwrap())
}

fn as_user<T: Send>(uid: u32, work: impl FnOnce() -> T + Send) -> T {
    in_group(uid, uid, work)
}

/// A directory of `uid`'s in `dir`.
fn place_of(uid: u32, dir: &Dir, name: &str, mode: u32) -> BaseDir {
    let path = dir.path().join(name);
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    chown(&path, Some(uid), Some(uid)).unwrap();
    BaseDir::at(path)
}

/// Region `r`, shared with others.
fn share(base: &BaseDir, with: SharedWith) -> Result<(Segment, SeatLock), ShmError> {
    let building = build(&base.clone().shared_with(with));
    building.share(with, 2)?;
    building.publish(|_| {})
}

fn is_denied<T>(result: &Result<T, ShmError>) -> bool {
    matches!(result, Err(ShmError::Io { errno: Errno::ACCESS, .. }))
}

fn is_owned_by<T>(result: &Result<T, ShmError>, owner: u32) -> bool {
    matches!(result, Err(ShmError::Owner { uid, .. }) if *uid == owner)
}

#[test]
fn another_user_cannot_open_a_region() {
    if !can_be_others() {
        return;
    }
    let dir = Dir::new();
    let base = place_of(OWNER, &dir, "owner", 0o700);
    let (segment, _seat) = as_user(OWNER, || create(&base)).unwrap();
    for base in [base.clone(), base.clone().trusting(OWNER)] {
        as_user(STRANGER, || {
            assert!(is_denied(&open(&base)) && is_denied(&base.list().map(|_| ())), "the directory");
        });
    }
    // Where everybody may enter, the region still is closed.
    fs::set_permissions(base.path(), Permissions::from_mode(0o755)).unwrap();
    let trusting = base.trusting(OWNER);
    as_user(STRANGER, || {
        assert!(is_denied(&open(&trusting)), "the region");
        assert!(fs::read(segment.directory().join("data")).is_err());
    });
}

#[test]
fn a_directory_of_regions_that_another_user_made_first_is_refused_and_left_alone() {
    if !can_be_others() {
        return;
    }
    let dir = Dir::new();
    for (name, mode) in [("closed", 0o755), ("open", 0o777), ("sticky", 0o1777)] {
        let squatted = place_of(STRANGER, &dir, name, mode);
        as_user(OWNER, || {
            assert!(is_owned_by(&squatted.open_or_create(), STRANGER), "{name}");
            assert!(is_owned_by(&open(&squatted), STRANGER), "{name}");
            sweep_leftovers(&squatted);
            let error = squatted.open_or_create().unwrap_err().to_string();
            assert!(error.contains("belongs to user 65534: ") && error.contains("XBAR_DIR"), "{error}");
        });
        assert_eq!(fs::read_dir(squatted.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_name_in_a_directory_of_everybodys_is_its_first_users_and_says_whose() {
    if !can_be_others() {
        return;
    }
    let dir = Dir::new();
    let base = place_of(0, &dir, "all", 0o1777);
    let (segment, seat) = as_user(STRANGER, || create(&base)).unwrap();
    let refused = || as_user(OWNER, || (is_owned_by(&create(&base), STRANGER), is_denied(&open(&base))));
    assert_eq!(refused(), (false, true), "closed to all others, so that nobody can even see whose it is");
    fs::set_permissions(segment.directory(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(refused(), (true, false), "not taken over while it lives");
    drop(seat);
    assert_eq!(refused(), (true, false), "nor when it is dead");
    assert!(segment.is_current());
    assert_eq!(fs::read_dir(base.path()).unwrap().count(), 1, "nothing is left of the attempts");
}

#[test]
fn planted_symlinks_and_directories_are_refused_and_not_followed() {
    if !can_be_others() {
        return;
    }
    let dir = Dir::new();
    let base = place_of(0, &dir, "all", 0o1777);
    let own = place_of(OWNER, &dir, "own", 0o700);
    let (precious, _seat) = as_user(OWNER, || create(&own)).unwrap();
    let place = base.path().join("r");
    as_user(STRANGER, || symlink(precious.directory(), &place)).unwrap();
    let attempts = || {
        as_user(OWNER, || {
            let (opened, created) = (open(&base).err(), create(&base).err());
            (opened.unwrap(), created.unwrap())
        })
    };
    assert!(matches!(attempts(), (ShmError::WrongKind { .. }, ShmError::WrongKind { .. })));
    fs::remove_file(&place).unwrap();
    as_user(STRANGER, || fs::create_dir(&place)).unwrap();
    assert!(matches!(attempts(), (ShmError::Owner { .. }, ShmError::Owner { .. })));
    assert!(precious.is_current());
    assert!(precious.directory().join("data").is_file());
}

/// Makes what looks like a region, or what a killed builder left, of symlinks to somebody's files.
fn plant(base: &BaseDir, name: &str, precious: &Path) {
    let planted = base.path().join(name);
    fs::DirBuilder::new().mode(0o777).create(&planted).unwrap();
    // Whatever the umask says: everybody may delete here.
    fs::set_permissions(&planted, Permissions::from_mode(0o777)).unwrap();
    for file in ["data", "peers", "publisher.0"] {
        symlink(precious, planted.join(file)).unwrap();
    }
}

#[test]
fn nobody_is_made_to_delete_anything() {
    if !can_be_others() {
        return;
    }
    for victim in [OWNER, 0] {
        let dir = Dir::new();
        let base = place_of(0, &dir, "all", 0o1777);
        let own = place_of(victim, &dir, "own", 0o700);
        let precious = own.path().join("precious");
        fs::write(&precious, "mine").unwrap();
        as_user(STRANGER, || {
            plant(&base, "r", &precious);
            plant(&base, ".new.r.1.2", &precious);
            symlink(own.path(), base.path().join(".new.r.1.3")).unwrap();
        });
        as_user(victim, || {
            sweep_leftovers(&base);
            let attempt = create(&base).map(|(segment, _)| segment);
            // A directory that others write to is no region, whoever's it is.
            assert!(matches!(attempt, Err(ShmError::Owner { .. })), "{attempt:?}");
        });
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
        for planted in ["r", ".new.r.1.2"] {
            assert_eq!(
                fs::read_dir(base.path().join(planted)).unwrap().count(),
                3,
                "{planted} is another user's"
            );
        }
        assert!(base.path().join(".new.r.1.3").is_symlink());
    }
}

#[test]
fn a_shared_region_is_opened_by_those_meant_who_trust_its_user_by_name() {
    if !can_be_others() {
        return;
    }
    const MEMBERS: u32 = 60000;
    for (with, modes) in [
        (SharedWith::Group, [0o750, 0o640, 0o660, 0o640, 0o660]),
        (SharedWith::Everybody, [0o755, 0o644, 0o666, 0o644, 0o666]),
    ] {
        let dir = Dir::new();
        let parent = place_of(OWNER, &dir, "owner", 0o755);
        let base = BaseDir::at(parent.path().join("made"));
        let (segment, _seat) = in_group(OWNER, MEMBERS, || share(&base, with)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        let file = |file| segment.directory().join(file);
        let files = ["data", "peers", "publisher.0", "subscriber.1"].map(|name| mode(&file(name)));
        assert_eq!(mode(base.path()), modes[0], "made for those it is shared with");
        assert_eq!([[mode(segment.directory())].as_slice(), &files].concat(), modes);

        let trusting = base.clone().trusting(OWNER);
        in_group(STRANGER, MEMBERS, || {
            assert!(is_owned_by(&open(&base), OWNER), "nobody is believed who is not trusted by name");
            let open = open(&trusting).unwrap();
            assert_eq!(open.living(SeatKind::Publisher), [0]);
            open.open_data(FileAccess::ReadOnly).unwrap().map(0, BYTES).unwrap();
            assert!(
                is_denied(&open.open_data(FileAccess::ReadWrite).map(|_| ())),
                "data is not theirs to write"
            );
            open.open_peers(FileAccess::ReadWrite).unwrap().map(0, BYTES).unwrap();
            let lock = open.lock(Duration::from_secs(10)).unwrap();
            let seats = [0, 1].map(|seat| open.take_seat(SeatKind::Subscriber, seat).unwrap());
            assert!(seats.iter().all(Option::is_some));
            assert!(is_denied(&open.take_seat(SeatKind::Publisher, 1)), "publishing is the owner's");
            assert!(is_denied(&open.take_seat(SeatKind::Subscriber, 2)), "nothing new in the directory");
            drop(lock);
            assert!(fs::remove_file(file("data")).is_err() && fs::remove_file(file("publisher.0")).is_err());
            assert!(symlink("data", file("planted")).is_err());
        });
        in_group(STRANGER, STRANGER, || match with {
            SharedWith::Group => assert!(is_denied(&open(&trusting)), "no member"),
            _ => assert!(open(&trusting).is_ok()),
        });
        assert!(
            segment.seat_is_alive(SeatKind::Publisher, 0) && !segment.seat_is_alive(SeatKind::Subscriber, 0)
        );
    }
}

#[test]
fn a_region_is_not_shared_where_those_meant_cannot_enter() {
    if !can_be_others() {
        return;
    }
    let dir = Dir::new();
    let base = place_of(OWNER, &dir, "owner", 0o750);
    as_user(OWNER, || {
        assert!(share(&base, SharedWith::Group).is_ok());
        let error = share(&base, SharedWith::Everybody).unwrap_err();
        assert!(matches!(error, ShmError::Closed { mode: 0o750, .. }), "{error:?}");
        assert!(error.to_string().contains("chmod it to 755"), "{error}");
        fs::set_permissions(base.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(share(&base, SharedWith::Group), Err(ShmError::Closed { .. })));
    });
}
