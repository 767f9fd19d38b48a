//! Links with nothing: no C library, no start-up code. What is missing then is an error of the linker.

fn main() {
    for argument in ["-nostartfiles", "-nodefaultlibs", "-nostdlib", "-static"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
