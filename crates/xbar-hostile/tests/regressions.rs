//! Every input that ever found a fault, once more: `fuzz/regressions/<target>/<what it found>`.
#![cfg(not(xbar_loom))]

use std::fs;
use std::path::Path;

#[test]
fn what_found_a_fault_once_finds_none_again() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    let mut replayed = 0;
    for folder in fs::read_dir(&all).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let target = xbar_hostile::TARGETS.into_iter().find(|(target, _)| *target == name);
        let (_, run) = target.unwrap_or_else(|| panic!("there is no target {name}"));
        for input in fs::read_dir(folder.path()).unwrap() {
            let input = input.unwrap().path();
            eprintln!("{}", input.display()); // the last one, when it fails
            run(&fs::read(input).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed > 0, "no input found");
}
