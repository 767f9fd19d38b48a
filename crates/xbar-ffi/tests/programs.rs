//! Programs of C and C++ that check what they get themselves: plain, and under the sanitizers.

mod support;

use std::process::Command;

use support::{Dir, builds, command, here, program, succeed};

fn run(name: &str) {
    for build in builds(&Dir::new()) {
        let dir = Dir::new();
        let program = program(name, &dir, build);
        assert_eq!(succeed(command(&program, &dir)), "done\n");
        assert!(dir.left_behind().is_empty(), "{:?}", dir.left_behind());
    }
}

#[test]
fn every_refusal_says_what_to_do_and_leaves_nothing() {
    run("errors.c");
}

#[test]
fn c_can_do_everything() {
    run("api.c");
}

#[test]
fn cpp_can_do_everything() {
    run("api.cpp");
}

/// Whether g++ takes a program with `line` in it; what it says otherwise.
fn compiles(line: &str) -> Result<(), String> {
    let dir = Dir::new();
    let source = dir.path().join("line.cpp");
    let declarations =
        "struct Plain { double a; }; struct Text { std::string a; }; struct Odd { char a[3]; };";
    std::fs::write(&source, format!("#include <xbar.hpp>\n{declarations}\nvoid f() {{ {line} }}\n")).unwrap();
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-fsyntax-only", "-I"]).arg(here().join("include")).arg(&source);
    let output = compiler.output().unwrap();
    output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_is_no_value_does_not_compile() {
    let no_value = "only trivially copyable values";
    for (line, words) in [
        (r#"(void)xbar::Bus<TYPE>::create("b");"#, ["", no_value, no_value, "use a topic"]),
        ("(void)xbar::TopicConfig::of<TYPE>();", ["", no_value, no_value, ""]),
        ("(void)xbar::SubscribeOptions::of<TYPE>();", ["", no_value, no_value, ""]),
    ] {
        for (kind, words) in ["Plain", "Text", "const char *", "Odd"].into_iter().zip(words) {
            match compiles(&line.replace("TYPE", kind)) {
                Ok(()) => assert_eq!(words, "", "{line} of {kind} compiles"),
                Err(said) => assert!(!words.is_empty() && said.contains(words), "{line} of {kind}: {said}"),
            }
        }
    }
    assert_eq!(compiles("Plain plain{}; xbar::Topic *topic = nullptr; topic->send(plain);"), Ok(()));
    assert!(
        compiles("Text text; xbar::Topic *topic = nullptr; topic->send(text);")
            .unwrap_err()
            .contains(no_value)
    );
    assert!(compiles("xbar::Stream *stream = nullptr; xbar::Stream copy = *stream;").is_err());
}
