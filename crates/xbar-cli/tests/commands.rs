//! The commands as a user runs them: real processes, exit codes, one line for every error, nothing left behind.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Output;

use support::{Dir, Running, kill, text};

/// The one line of a failed command.
fn complaint(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = text(&output.stderr);
    assert!(errors.starts_with("xbar: ") && errors.trim_end().lines().count() == 1, "{errors}");
    errors
}

#[test]
fn the_demo_counts_every_message_and_leaves_nothing() {
    let dir = Dir::new();
    let output = dir.run(&["demo", "--seconds", "0.5", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let figure = |name: &str| report[name].as_u64().unwrap();
    assert!(figure("sent") > 0);
    assert_eq!(figure("sent"), figure("received") + figure("missed"));
    assert_eq!(figure("corrupt"), 0);
    assert!(figure("p50_ns") <= figure("p99_ns") && figure("p99_ns") <= figure("p999_ns"));
    assert!(figure("msgs_per_s") > 0);
    assert!(dir.is_empty());

    let output = dir.run(&["demo", "--seconds", "0.2"]);
    assert!(output.status.success());
    let table = text(&output.stdout);
    for topic in ["/tick/AAPL", "/sensor/temp/seattle", "all"] {
        assert!(table.lines().any(|line| line.starts_with(topic)), "{table}");
    }
}

#[test]
fn an_interrupted_demo_ends_and_leaves_nothing() {
    let dir = Dir::new();
    let mut demo = Running::start(dir.xbar(&["demo", "--seconds", "600"]));
    assert!(demo.line().contains("exchange"));
    demo.interrupt();
    let (code, errors) = demo.end();
    assert_eq!(code, 0, "{errors}");
    assert!(dir.is_empty());
}

#[test]
fn a_killed_part_of_the_demo_is_named_and_leaves_nothing() {
    for (place, name) in [(1, "demo-publisher"), (3, "demo-subscriber")] {
        let dir = Dir::new();
        let mut demo = Running::start(dir.xbar(&["demo", "--seconds", "600"]));
        let line = demo.line(); // processes A and B exchange ...
        kill("-KILL", line.split(' ').nth(place).unwrap());
        let (code, errors) = demo.end();
        assert_eq!(code, 1, "{errors}");
        assert!(errors.contains(&format!("the {name} process failed")), "{errors}");
        assert!(dir.is_empty());
    }
}

#[test]
fn lines_go_from_pub_to_echo() {
    let dir = Dir::new();
    let echo = Running::start(dir.xbar(&["echo", "r", "/line/*", "--history", "--count", "4"]));
    let mut publisher = Running::start(dir.xbar(&["pub", "r", "/line/a", "--wait-subscribers", "1"]));
    let long = "x".repeat(1000);
    publisher.write(&format!("one\n\ntwo \u{1}\n{long}\n"));
    let mut echo = echo;
    let lines: Vec<_> = (0..4).map(|_| echo.line()).collect();
    assert_eq!(lines, ["/line/a: one", "/line/a: ", "/line/a: two \\u{1}", &format!("/line/a: {long}")]);
    assert_eq!(echo.end().0, 0);
    publisher.close_input();
    assert_eq!(publisher.end().0, 0);
    assert!(dir.is_empty());
}

#[test]
fn echo_prints_bytes_and_ends_with_its_publisher() {
    let dir = Dir::new();
    let mut publisher = Running::start(dir.xbar(&["pub", "r", "/a", "--wait-subscribers", "1"]));
    let mut echo = Running::start(dir.xbar(&["echo", "r", "/**", "--history", "--hex"]));
    publisher.write("AZ\n");
    assert_eq!(echo.line(), "/a: 415a");
    publisher.0.kill().unwrap();
    let (code, errors) = echo.end();
    assert_eq!(code, 0);
    assert!(errors.contains("publishers are gone"), "{errors}");
}

#[test]
fn ls_shows_what_is_there() {
    let dir = Dir::new();
    let output = dir.run(&["ls"]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(text(&output.stderr).contains("no region"));
    assert_eq!(text(&dir.run(&["ls", "--json"]).stdout).trim(), "[]");

    let mut publisher = Running::start(dir.xbar(&["pub", "market", "/tick/AAPL", "--wait-subscribers", "1"]));
    let mut echo = Running::start(dir.xbar(&["echo", "market", "/tick/*", "--history"]));
    publisher.write("1\n2\n");
    assert_eq!((echo.line(), echo.line()), ("/tick/AAPL: 1".to_owned(), "/tick/AAPL: 2".to_owned()));

    let table = dir.run(&["ls", "--interval", "1"]);
    let table = text(&table.stdout);
    assert!(table.contains("market  1 publisher  1 subscriber"), "{table}");
    assert!(table.contains("/tick/AAPL"), "{table}");
    assert!(table.contains("  lossy 128  1 publisher") && table.contains(" s ago"), "{table}");
    let json: serde_json::Value =
        serde_json::from_slice(&dir.run(&["ls", "/tick/**", "--json", "--interval", "1"]).stdout).unwrap();
    let topic = &json[0]["topics"][0];
    assert_eq!(topic["published"], 2);
    assert_eq!((&topic["delivery"], &topic["publishers"]), (&"lossy".into(), &1.into()));
    assert_eq!((&topic["many_publishers"], &topic["type"]), (&false.into(), &serde_json::Value::Null));
    assert!(topic["depth"].as_u64() >= Some(1) && topic["block_bytes"].as_u64() >= Some(1), "{topic}");
    assert!(json[0]["last_active_unix_ns"].as_u64() >= json[0]["created_unix_ns"].as_u64());
    let participants = json[0]["participants"].as_array().unwrap();
    assert_eq!(participants.len(), 2);
    assert_eq!((&participants[0]["publishes"], &participants[1]["publishes"]), (&true.into(), &false.into()));
    assert!(text(&dir.run(&["ls", "/weather/**"]).stderr).contains("no region"));
}

#[test]
fn ctrl_c_ends_pub_and_echo_cleanly() {
    let dir = Dir::new();
    let mut publisher = Running::start(dir.xbar(&["pub", "r", "/a", "--wait-subscribers", "1"]));
    let mut echo = Running::start(dir.xbar(&["echo", "r", "/a", "--history"]));
    publisher.write("x\n");
    assert_eq!(echo.line(), "/a: x");
    echo.interrupt();
    assert_eq!(echo.end().0, 0);
    publisher.interrupt();
    // `wait` would close the input, and that ends it too: the signal alone must do.
    let input = publisher.0.stdin.take();
    assert_eq!(publisher.0.wait().unwrap().code(), Some(0));
    drop(input);
    assert!(dir.is_empty());
}

#[test]
fn wrong_input_is_one_line_and_exit_code_1() {
    let dir = Dir::new();
    for (arguments, hint) in [
        (&["pub", "../x", "/a"][..], "region name"),
        (&["pub", "", "/a"], "region name is empty"),
        (&["pub", "r", "a"], "does not begin with '/'"),
        (&["pub", "r", "/a", "--depth", "0"], "at least"),
        (&["pub", "r", "/a", "--block-bytes", "0"], "at least 1"),
        (&["echo", "r", "/a*"], "one whole segment"),
        (&["echo", "r", "/a", "--timeout", "0.02"], "no region r"),
        (&["ls", "tick"], "does not begin with '/'"),
    ] {
        let output = dir.run(arguments);
        assert!(complaint(&output).contains(hint), "{arguments:?}: {output:?}");
    }
    assert!(dir.is_empty());
    assert_eq!(dir.run(&["nonsense"]).status.code(), Some(2));
    assert_eq!(dir.run(&["demo", "--seconds", "-1"]).status.code(), Some(2));

    let mut publisher = Running::start(dir.xbar(&["pub", "r", "/a", "--block-bytes", "10"]));
    publisher.write(&format!("{}\n", "x".repeat(100)));
    let (code, errors) = publisher.end();
    assert_eq!(code, 1);
    assert!(errors.contains("100 bytes for /a do not fit its blocks of 10"), "{errors}");
    assert!(dir.is_empty());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = Dir::new();
    let mut publisher = Running::start(dir.xbar(&["pub", "r", "/a", "--wait-subscribers", "1"]));
    let mut echo = Running::start(dir.xbar(&["echo", "r", "/a", "--history"]));
    publisher.write("x\n");
    let mut out = BufReader::new(echo.0.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    drop(out);
    // More than once: a child that another test is just forking may still have a copy of the pipe.
    while echo.0.try_wait().unwrap().is_none() {
        publisher.write("y\n");
    }
    let (code, errors) = echo.end();
    assert_eq!(code, 0);
    assert!(errors.lines().all(|line| line.contains("missed")), "{errors}");
}
