//! `xbar doctor` as a user runs it, on regions whose processes were killed.

mod support;

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::Output;

use support::{Dir, Running};

/// The verdict and the words about `about`, worst first.
fn findings(dir: &Dir, arguments: &[&str], about: &str) -> (i32, Vec<(String, String)>) {
    let mut all = vec!["doctor", "--json"];
    all.extend(arguments);
    let Output { status, stdout, stderr } = dir.run(&all);
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    let report: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
    let text = |finding: &serde_json::Value, what: &str| finding[what].as_str().unwrap().to_owned();
    let all = report.as_array().unwrap().iter().filter(|finding| text(finding, "about") == about);
    let words = |finding| (text(finding, "verdict"), text(finding, "what") + ": " + &text(finding, "advice"));
    (status.code().unwrap(), all.map(words).collect())
}

/// A region `r` whose publisher has published a line.
fn publisher(dir: &Dir) -> Running {
    let mut publisher = Running::start(dir.xbar(&["pub", "r", "/a"]));
    let mut echo = Running::start(dir.xbar(&["echo", "r", "/a", "--count", "1", "--history"]));
    publisher.write("x\n");
    assert_eq!(echo.line(), "/a: x");
    assert_eq!(echo.end().0, 0);
    publisher
}

#[test]
fn living_regions_are_well_and_stay_as_they_are() {
    let dir = Dir::new();
    let (code, found) = findings(&dir, &[], "region r");
    assert_eq!((code, found.len()), (0, 0));
    let publisher = publisher(&dir);
    for fix in [&[][..], &["--fix"]] {
        let (code, found) = findings(&dir, fix, "region r");
        assert_eq!((code, found.len()), (0, 1), "{found:?}");
        assert_eq!(found[0].0, "well");
        assert!(found[0].1.starts_with("1 publisher, 0 subscribers, "), "{found:?}");
    }
    let Output { stdout, .. } = dir.run(&["doctor"]);
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(stdout.ends_with("all is well\n") && stdout.contains("well   region r: 1 publisher"), "{stdout}");
    assert_eq!(publisher.end().0, 0);
    assert!(dir.is_empty());
}

#[test]
fn a_region_whose_publisher_was_killed_is_told_and_removed_on_request() {
    let dir = Dir::new();
    publisher(&dir).kill();
    for _ in 0..2 {
        let (code, found) = findings(&dir, &[], "region r");
        assert_eq!((code, found.len()), (1, 1), "{found:?}");
        assert_eq!(found[0].0, "wrong");
        let expected = "its publishers are all dead; it takes ";
        assert!(found[0].1.starts_with(expected) && found[0].1.contains("--fix"), "{found:?}");
    }
    let (code, found) = findings(&dir, &["--fix"], "region r");
    assert_eq!((code, found.len(), &*found[0].0), (0, 1, "fixed"), "{found:?}");
    assert!(dir.is_empty());
    assert_eq!(findings(&dir, &[], "region r").0, 0);
}

#[test]
fn a_killed_subscriber_of_a_living_region_is_recovered_from_and_the_living_go_on() {
    let dir = Dir::new();
    let mut publisher = publisher(&dir);
    let mut doomed = Running::start(dir.xbar(&["echo", "r", "/a", "--history"]));
    let mut other = Running::start(dir.xbar(&["echo", "r", "/a", "--history"]));
    // Both are there.
    assert_eq!((doomed.line(), other.line()), ("/a: x".into(), "/a: x".into()));
    doomed.kill();
    let (code, found) = findings(&dir, &[], "region r");
    assert_eq!((code, &*found[0].0), (1, "wrong"), "{found:?}");
    assert!(found[0].1.starts_with("1 subscriber was killed (process "), "{found:?}");
    let (code, found) = findings(&dir, &["--fix"], "region r");
    assert_eq!(code, 0, "{found:?}");
    assert_eq!((&*found[0].0, &*found[1].0), ("fixed", "well"), "{found:?}");
    assert_eq!(findings(&dir, &[], "region r").1.len(), 1);
    publisher.write("last\n");
    while other.line() != "/a: last" {}
    drop(other);
    assert_eq!(publisher.end().0, 0);
}

#[test]
fn a_damaged_region_is_told_in_one_line_and_removed_once_nobody_lives_there() {
    let dir = Dir::new();
    let living = publisher(&dir);
    let data = dir.path().join("r/data");
    // The number of topics (docs/protocol.md).
    let file = std::fs::OpenOptions::new().write(true).open(&data).unwrap();
    file.write_all_at(&[0xff; 4], 64).unwrap();
    for fix in [&[][..], &["--fix"]] {
        let (code, found) = findings(&dir, fix, "region r");
        assert_eq!((code, &*found[0].0), (1, "wrong"), "{found:?}");
        assert!(found[0].1.contains("it is damaged, ") && found[0].1.contains("stop its 1 publisher"));
        assert!(!found[0].1.contains('\n'));
    }
    living.kill();
    let (code, found) = findings(&dir, &["--fix"], "region r");
    assert_eq!((code, &*found[0].0), (0, "fixed"), "{found:?}");
    assert!(dir.is_empty());
}

#[test]
fn modes_leftovers_and_strangers_are_told() {
    let dir = Dir::new();
    let publisher = publisher(&dir);
    let data = dir.path().join("r/data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, found) = findings(&dir, &["--fix"], "region r");
    assert_eq!((code, &*found[0].0), (1, "wrong"), "{found:?}");
    assert!(found[0].1.contains("r/data has mode 644") && found[0].1.ends_with("chmod it to 600"));
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o600)).unwrap();

    let about = dir.path().display().to_string();
    std::fs::create_dir(dir.path().join(".new.x.1.2")).unwrap();
    std::fs::write(dir.path().join("notes.txt"), "").unwrap();
    let (code, found) = findings(&dir, &[], &about);
    assert_eq!(code, 1, "{found:?}");
    assert!(found.iter().any(|(verdict, what)| verdict == "note" && what.contains("notes.txt")), "{found:?}");
    assert!(
        found.iter().any(|(verdict, what)| verdict == "wrong" && what.contains(".new.x.1.2")),
        "{found:?}"
    );
    let (code, found) = findings(&dir, &["--fix"], &about);
    assert_eq!(code, 0, "{found:?}");
    assert!(!dir.path().join(".new.x.1.2").exists() && dir.path().join("notes.txt").exists());
    assert_eq!(publisher.end().0, 0);
}

#[test]
fn a_directory_that_others_may_write_is_told() {
    let dir = Dir::new();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let (code, found) = findings(&dir, &["--fix"], "directory of regions");
    assert_eq!((code, found.len()), (1, 1), "{found:?}");
    assert!(found[0].1.contains("has mode 777, others may write there: chmod it to 700"), "{found:?}");
}

#[test]
fn few_open_files_are_told_with_what_to_type() {
    let dir = Dir::new();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 100; exec \"$0\" doctor", env!("CARGO_BIN_EXE_xbar")]);
    let output = command.env("XBAR_DIR", dir.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("wrong  open files: this process may have 100") && text.contains("ulimit -n 1024"));
    assert!(text.ends_with("1 thing is wrong\n"), "{text}");
}
