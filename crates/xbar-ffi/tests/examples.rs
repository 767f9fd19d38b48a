//! What users are shown, compiled as they would: the examples, the README, the libraries by pkg-config and by the archive.

mod support;

use std::path::Path;
use std::process::Command;

use support::{Build, Dir, Other, compile, here, libraries, succeed};

/// Prices as a user would type them, and those of AAPL.
const TICKS: [&str; 6] =
    ["AAPL 223.01", "MSFT 410.50", "AAPL 223.02", "AAPL 222.98", "MSFT 410.52", "AAPL 223.05"];
const APPLE: &str = "223.01\n223.02\n222.98\n223.05\n";

/// Runs an example as two processes.
fn ticks(program: &Path, dir: &Dir) {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("XBAR_DIR", dir.regions());
        command
    };
    let mut publisher = Other::run(command(&["publish"]));
    TICKS.iter().for_each(|line| publisher.say(line));
    assert_eq!(succeed(command(&["receive", "AAPL", "4"])), APPLE);
    publisher.end_of_input();
    publisher.finish();
    let output = command(&["receive"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(dir.left_behind().is_empty(), "{:?}", dir.left_behind());
}

#[test]
fn ticks_of_c_arrive() {
    let dir = Dir::new();
    ticks(&compile(&here().join("examples/ticks.c"), &dir, Build::Plain), &dir);
}

#[test]
fn ticks_of_cpp_arrive() {
    let dir = Dir::new();
    ticks(&compile(&here().join("examples/ticks.cpp"), &dir, Build::Plain), &dir);
}

/// The words between two fences of the README's section for C and C++.
fn fenced(language: &str) -> String {
    let readme = std::fs::read_to_string(here().join("../../README.md")).unwrap();
    let (_, section) = readme.split_once("## From C and C++").expect("the README has the section");
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, code) = section.split_once(&format!("```{language}\n")).expect("the section has the code");
    code.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_readme_compiles_and_runs() {
    for (language, file) in [("c", "readme.c"), ("cpp", "readme.cpp")] {
        let dir = Dir::new();
        let source = dir.path().join(file);
        std::fs::write(&source, fenced(language)).unwrap();
        let mut command = Command::new(compile(&source, &dir, Build::Plain));
        command.env("XBAR_DIR", dir.regions());
        assert_eq!(succeed(command), "223.02\n", "{file}");
        assert!(dir.left_behind().is_empty(), "{:?}", dir.left_behind());
    }
}

/// A folder as `cargo xtask install-c` fills it.
fn install(dir: &Dir) -> std::path::PathBuf {
    let prefix = dir.path().join("prefix");
    for folder in ["include", "lib/pkgconfig"] {
        std::fs::create_dir_all(prefix.join(folder)).unwrap();
    }
    for header in ["xbar.h", "xbar.hpp"] {
        std::fs::copy(here().join("include").join(header), prefix.join("include").join(header)).unwrap();
    }
    for library in ["libxbar_ffi.so", "libxbar_ffi.a"] {
        std::os::unix::fs::symlink(libraries().join(library), prefix.join("lib").join(library)).unwrap();
    }
    let template = std::fs::read_to_string(here().join("xbar.pc.in")).unwrap();
    let text = template
        .replace("@prefix@", prefix.to_str().unwrap())
        .replace("@version@", env!("CARGO_PKG_VERSION"));
    assert!(!text.contains('@'), "{text}");
    std::fs::write(prefix.join("lib/pkgconfig/xbar.pc"), text).unwrap();
    prefix
}

/// What pkg-config says, or what stands in its file where there is no pkg-config.
fn flags(prefix: &Path, is_static: bool) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(["--cflags", "--libs", "xbar"]).env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    if is_static {
        command.arg("--static");
    }
    if let Ok(output) = command.output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect();
    }
    eprintln!("SKIPPED: there is no pkg-config, its file is read by the test");
    let file = std::fs::read_to_string(prefix.join("lib/pkgconfig/xbar.pc")).unwrap();
    let line = |name: &str| file.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let private = if is_static { line("Libs.private:") } else { String::new() };
    let text = format!("{} {} {private}", line("Cflags:"), line("Libs:"));
    let prefix = prefix.to_str().unwrap();
    let text = text.replace("${libdir}", &format!("{prefix}/lib"));
    let text = text.replace("${includedir}", &format!("{prefix}/include"));
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn an_installed_library_is_found_by_pkg_config_and_by_its_archive() {
    let dir = Dir::new();
    let prefix = install(&dir);
    for is_static in [false, true] {
        let program = dir.path().join(format!("ticks-{is_static}"));
        let mut compiler = Command::new("gcc");
        compiler.arg(here().join("examples/ticks.c")).arg("-o").arg(&program);
        for flag in flags(&prefix, is_static) {
            // The archive beside the shared library: told by name.
            let is_library = is_static && flag == "-lxbar_ffi";
            compiler.arg(if is_library { "-l:libxbar_ffi.a".to_owned() } else { flag });
        }
        compiler.arg(format!("-Wl,-rpath,{}/lib", prefix.display()));
        succeed(compiler);
        ticks(&program, &dir);
    }
}
