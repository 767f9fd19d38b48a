//! Source as the audit reads it: what is no shipped code is blank, and every place is where it was in the file.

use std::ops::Range;

/// A file's code: comments, text in quotes, `use` lines and `#[cfg(test)]` items are spaces, so that a place in here is the
/// same place in the file.
pub struct Code {
    text: String,
    functions: Vec<(Range<usize>, String)>,
}

impl Code {
    /// The code of the file `text`.
    pub fn of(text: &str) -> Self {
        let mut bytes = without_comments_and_quotes(text.as_bytes());
        for range in uses_and_tests(&bytes) {
            bytes[range].fill(b' ');
        }
        // Only whole characters were blanked, so this loses nothing.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let functions = functions(&text);
        Self { text, functions }
    }

    /// The code, as long as the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The innermost function around `place`, with its type in front: `Reader::lag`.
    pub fn function(&self, place: usize) -> &str {
        let around = self.functions.iter().filter(|(range, _)| range.contains(&place));
        around.max_by_key(|(range, _)| range.start).map_or("-", |(_, name)| name)
    }
}

/// Words of the code and where they stand.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut place = 0;
    std::iter::from_fn(move || {
        let start = place + text[place..].find(is_word)?;
        let end = text[start..].find(|c| !is_word(c)).map_or(text.len(), |length| start + length);
        place = end;
        Some((start, &text[start..end]))
    })
}

/// Behind the bracket that closes the one at `open`.
pub fn behind_closing(text: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (place, byte) in text.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return place + 1;
        }
    }
    text.len()
}

fn without_comments_and_quotes(text: &[u8]) -> Vec<u8> {
    let mut code = text.to_vec();
    let mut place = 0;
    while place < text.len() {
        let rest = &text[place..];
        let in_word = place > 0 && (text[place - 1].is_ascii_alphanumeric() || text[place - 1] == b'_');
        let length = if rest.starts_with(b"//") {
            rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            block_comment(rest)
        } else if rest[0] == b'"' {
            quoted(rest, b'"')
        } else if !in_word && (rest.starts_with(b"r\"") || rest.starts_with(b"r#")) {
            raw(rest)
        } else if rest[0] == b'\'' && is_character(rest) {
            quoted(rest, b'\'')
        } else {
            place += 1;
            continue;
        };
        for byte in code[place..place + length].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        place += length;
    }
    code
}

/// Length of the comment, others inside it included.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut place) = (0_usize, 0);
    while place < rest.len() {
        if rest[place..].starts_with(b"/*") {
            depth += 1;
            place += 2;
        } else if rest[place..].starts_with(b"*/") {
            depth -= 1;
            place += 2;
            if depth == 0 {
                return place;
            }
        } else {
            place += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut place = 1;
    while place < rest.len() && rest[place] != quote {
        place += if rest[place] == b'\\' { 2 } else { 1 };
    }
    (place + 1).min(rest.len())
}

/// Length of `r"..."`, `r#"..."#`; of nothing but the `r` when it is a raw name.
fn raw(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 1;
    }
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let body = &rest[2 + hashes..];
    let length = body.windows(end.len()).position(|window| window == end);
    length.map_or(rest.len(), |length| 2 + hashes + length + end.len())
}

/// `'x'` and `'\n'` are characters, `'a` is a lifetime.
fn is_character(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(byte) if byte.is_ascii() => rest.get(2) == Some(&b'\''),
        Some(_) => true,
        None => false,
    }
}

/// Where `use` lines and items under `#[cfg(test)]` or `#[cfg(all(test, ..))]` stand.
fn uses_and_tests(code: &[u8]) -> Vec<Range<usize>> {
    let text = String::from_utf8_lossy(code);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, word) in words(&text) {
        if ranges.last().is_some_and(|range| range.contains(&start)) {
            continue;
        }
        if word == "use" {
            let end = text[start..].find(';').map_or(text.len(), |length| start + length + 1);
            ranges.push(start..end);
        } else if word == "cfg" && is_test_only(&text[start..]) {
            ranges.push(start..item_end(code, start));
        }
    }
    ranges
}

fn is_test_only(attribute: &str) -> bool {
    let attribute: String =
        attribute.chars().filter(|c| !c.is_whitespace()).take("cfg(all(test,".len()).collect();
    ["cfg(test)", "cfg(all(test,", "cfg(all(test)"].iter().any(|start| attribute.starts_with(start))
}

/// Behind the item that follows the attribute at `attribute`: its `;`, or its closing brace.
fn item_end(code: &[u8], attribute: usize) -> usize {
    let mut place = attribute;
    while place < code.len() {
        match code[place] {
            b'(' | b'[' => place = behind_closing(code, place),
            b'{' => return behind_closing(code, place),
            b';' => return place + 1,
            _ => place += 1,
        }
    }
    code.len()
}

/// Every function's body and name.
fn functions(text: &str) -> Vec<(Range<usize>, String)> {
    let code = text.as_bytes();
    let mut types: Vec<(Range<usize>, String)> = Vec::new();
    let mut functions: Vec<(Range<usize>, String)> = Vec::new();
    let mut header = 0;
    for (start, word) in words(text) {
        // Inside a header `impl` and `fn` are types; so is `fn` before a bracket.
        let is_type = start < header || (word == "fn" && text[start + 2..].trim_start().starts_with('('));
        if is_type || !["fn", "impl", "trait"].contains(&word) {
            continue;
        }
        let end = item_end(code, start);
        let body = text[start..end].find('{').map_or(end, |length| start + length);
        header = body;
        if word == "fn" {
            let Some((_, name)) = words(&text[start..body]).nth(1) else { continue };
            let owner = types.iter().rev().find(|(range, _)| range.contains(&start));
            let name = owner.map_or(name.to_owned(), |(_, owner)| format!("{owner}::{name}"));
            functions.push((start..end, name));
        } else {
            types.push((start..end, type_name(&text[start + word.len()..body])));
        }
    }
    functions
}

/// The type of an `impl` or `trait` header, without path and generics.
fn type_name(header: &str) -> String {
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut outside = String::new();
    for c in header.chars() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(if c.is_whitespace() { ' ' } else { c }),
            _ => {}
        }
        before = c;
    }
    let outside = outside.split(" where").next().unwrap_or_default();
    let subject = outside.split_once(" for ").map_or(outside, |(_, subject)| subject);
    let mut parts = subject.split_whitespace().map(|part| part.trim_start_matches('&'));
    let path = parts.find(|part| !["", "mut", "dyn"].contains(part) && !part.starts_with('\''));
    let path = path.unwrap_or("-").trim_end_matches(':');
    path.rsplit("::").next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shipped_code_is_left_and_nothing_moves() {
        let text = "//! Ordering\nuse a::{b,\n c};\n/* x /* y */ z */ let s = \"a\\\"b\"; let r = r#\"q\"u\"#;\n\
                    let c = '\"'; fn f<'a>() { g('\\''); } // é\n\
                    #[cfg(all(test, not(x)))]\nmod tests { fn t() {} }\nfn last() {}\n#[cfg(test)]\nextern crate std;\nkept";
        let code = Code::of(text);
        assert_eq!(code.text().len(), text.len());
        let left: Vec<&str> = words(code.text()).map(|(_, word)| word).collect();
        assert_eq!(
            left,
            ["let", "s", "let", "r", "let", "c", "fn", "f", "a", "g", "fn", "last", "kept"],
            "{}",
            code.text()
        );
        assert_eq!(code.text().find("last"), text.find("last"));
    }

    #[test]
    fn code_that_is_left_out_of_tests_ships() {
        let code = Code::of("#[cfg(not(test))]\nfn f() {}\n#[cfg(any(test, miri))]\nfn g() {}\n");
        assert!(code.text().contains("f()") && code.text().contains("g()"));
    }

    #[test]
    fn functions_are_named_with_their_type() {
        let text = "fn free(x: impl Fn() -> [u8; 4]) { A }\n\
                    impl<F: Fn() -> u8> Call<F> { fn once(self) { G } }\n\
                    impl<F: Fn() -> u8> core::fmt::Debug for path::Kept<'_, F> where F: Copy { fn fmt(&self) { B } }\n\
                    impl<K> Ring<K>\nwhere\n    K: Clone,\n{\n    fn new() { fn inner() { C } D } }\n\
                    trait Wait: Sized { fn once(); fn twice() { E } }\nconst X: u8 = F;\n";
        let code = Code::of(text);
        let name = |mark: &str| code.function(text.find(&format!(" {mark}")).unwrap() + 1);
        assert_eq!(name("A }"), "free");
        assert_eq!(name("G }"), "Call::once");
        assert_eq!(name("B }"), "Kept::fmt");
        assert_eq!(name("C }"), "Ring::inner");
        assert_eq!(name("D }"), "Ring::new");
        assert_eq!(name("E }"), "Wait::twice");
        assert_eq!(name("F;"), "-");
    }
}
