//! `header`: the C header, written from the documentation and types of `xbar-ffi`, committed, and compared by `tidy`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Result, root};

fn path(root: &Path) -> PathBuf {
    root.join("crates/xbar-ffi/include/xbar.h")
}

/// Writes it.
pub fn write() -> Result {
    let root = root();
    Ok(fs::write(path(&root), text(&root)?)?)
}

/// What is wrong with the one that is there: it is not what the sources say.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let written = fs::read_to_string(path(root)).unwrap_or_default();
    Ok(differs(&written, &text(root)?).into_iter().collect())
}

fn differs(written: &str, expected: &str) -> Option<String> {
    let first = written.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count() + 1;
    (written != expected).then(|| {
        format!("crates/xbar-ffi/include/xbar.h:{first}: is not what its sources say: `cargo xtask header` writes it")
    })
}

fn text(root: &Path) -> Result<String> {
    let folder = root.join("crates/xbar-ffi");
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))?;
    let mut bytes = Vec::new();
    cbindgen::Builder::new().with_config(config).with_crate(&folder).generate()?.write(&mut bytes);
    let header = String::from_utf8(bytes)?;
    let layouts = fs::read_to_string(folder.join("src/layout.rs"))?;
    let (declarations, end) = header.rsplit_once("#endif").ok_or("the header has no guard")?;
    Ok(format!("{declarations}{}\n#endif{end}", assertions(&layouts)))
}

/// The table of layout.rs as assertions of C and C++.
fn assertions(layouts: &str) -> String {
    let mut text = "// Where the fields of structs lie: another place is another ABI.\n\
        #ifdef __cplusplus\n#define XBAR_ASSERT static_assert\n#else\n#define XBAR_ASSERT _Static_assert\n#endif\n"
        .to_owned();
    for line in layouts.lines().filter_map(|line| line.trim().strip_suffix(';')) {
        let Some((name, rest)) = line.split_once(" = ").filter(|(name, _)| name.starts_with("xbar_")) else {
            continue;
        };
        let Some((size, fields)) = rest.split_once(": ") else { continue };
        text += &format!("XBAR_ASSERT(sizeof({name}) == {size}, \"size of {name}\");\n");
        for (field, offset) in fields.split(", ").filter_map(|field| field.split_once(' ')) {
            text += &format!("XBAR_ASSERT(offsetof({name}, {field}) == {offset}, \"{name}.{field}\");\n");
        }
    }
    text + "#undef XBAR_ASSERT\n"
}

#[cfg(test)]
mod tests {
    use super::{assertions, differs};

    #[test]
    fn every_size_and_offset_is_asserted() {
        let text = assertions("layouts! {\n    xbar_pair = 16: a 0, b 8;\n}\n");
        for line in ["sizeof(xbar_pair) == 16", "offsetof(xbar_pair, a) == 0", "offsetof(xbar_pair, b) == 8"]
        {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn any_difference_is_noticed_at_its_line() {
        assert_eq!(differs("a\nb\n", "a\nb\n"), None);
        assert!(differs("a\nx\n", "a\nb\n").unwrap().contains("xbar.h:2:"));
        assert!(differs("a\n", "a\nb\n").unwrap().contains("xbar.h:2:"));
        assert!(differs("a\nb", "a\nb\n").is_some());
        assert!(differs("", "a\n").unwrap().contains("xbar.h:1:"));
    }
}
