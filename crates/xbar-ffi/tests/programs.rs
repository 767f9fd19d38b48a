//! Programs of C and C++ that check what they get themselves: plain, and under the sanitizers.

mod support;

use support::{Dir, builds, command, program, succeed};

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
