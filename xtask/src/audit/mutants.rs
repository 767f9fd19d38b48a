//! The mutants: every memory ordering of a file, weakened one at a time.

use std::collections::BTreeMap;
use std::ops::Range;

use super::code::{Code, behind_closing, words};

/// One ordering, weakened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// From `crates/`.
    pub file: String,
    /// The function around it, with its type.
    pub function: String,
    /// What is weaker: `store: Release -> Relaxed`, with `#1`, `#2` when a function has several alike.
    pub change: String,
    /// Line in the file as it is now, for people; it names nothing.
    pub line: usize,
    place: Range<usize>,
    weaker: String,
}

impl Mutant {
    /// The file's text with this change.
    pub fn apply(&self, text: &str) -> String {
        [&text[..self.place.start], &self.weaker, &text[self.place.end..]].concat()
    }

    /// What the file is about: the folder that it is in, or its own name.
    pub fn subject(&self) -> &str {
        let inside = self.file.split_once("/src/").map_or(self.file.as_str(), |(_, inside)| inside);
        inside.split(['/', '.']).next().unwrap_or(inside)
    }

    /// The crate that it is in.
    pub fn package(&self) -> &str {
        self.file.split('/').next().unwrap_or_default()
    }
}

impl std::fmt::Display for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.file, self.function, self.change)
    }
}

/// All mutants of `file` (from `crates/`), in the order of its text.
///
/// # Errors
///
/// When the file imports the names of orderings: an ordering that is written without its type is not found.
pub fn find(file: &str, text: &str) -> Result<Vec<Mutant>, String> {
    let imports = |line: &&str| line.starts_with("use ") || line.starts_with("pub use ");
    if let Some(line) = text.lines().map(str::trim).filter(imports).find(|line| line.contains("Ordering::")) {
        return Err(format!("{file}: {line:?} hides orderings from the audit: write `Ordering::` at each"));
    }
    let code = Code::of(text);
    let mut mutants = Vec::new();
    for (start, word) in words(code.text()) {
        for (place, change, weaker) in weaken(code.text(), start, word) {
            mutants.push(Mutant {
                file: file.to_owned(),
                function: code.function(place.start).to_owned(),
                change,
                line: text[..place.start].matches('\n').count() + 1,
                place,
                weaker,
            });
        }
    }
    number(&mut mutants);
    Ok(mutants)
}

/// Tells apart the mutants of one function that look alike.
fn number(mutants: &mut [Mutant]) {
    let mut alike: BTreeMap<(String, String), Vec<&mut Mutant>> = BTreeMap::new();
    for mutant in mutants {
        alike.entry((mutant.function.clone(), mutant.change.clone())).or_default().push(mutant);
    }
    for group in alike.into_values().filter(|group| group.len() > 1) {
        for (index, mutant) in group.into_iter().enumerate() {
            mutant.change.push_str(&format!(" #{}", index + 1));
        }
    }
}

/// What is replaced, how that is called, and by what.
type Change = (Range<usize>, String, String);

/// The weaker forms of what stands at `word`, if that is an ordering, a fence or a load of the shim.
fn weaken(code: &str, start: usize, word: &str) -> Vec<Change> {
    let end = start + word.len();
    let is_call = code[end..].trim_start().starts_with('(');
    let is_definition = code[..start].trim_end().ends_with("fn");
    match word {
        "Ordering" => code[end..].strip_prefix("::").map_or_else(Vec::new, |rest| {
            let name = words(rest).next().filter(|(at, _)| *at == 0).map_or("", |(_, name)| name);
            ordering(code, start..end + 2 + name.len(), name)
        }),
        _ if !is_call || is_definition => Vec::new(),
        "full_fence" | "light_fence" => {
            vec![(call(code, start), format!("{word} removed"), "()".to_owned())]
        }
        "load_acquire" if code[..start].trim_end().ends_with('.') => {
            vec![(start..end, "load_acquire -> load_relaxed".to_owned(), "load_relaxed".to_owned())]
        }
        "claim_then_full_fence" => claim(code, start),
        _ => Vec::new(),
    }
}

/// An ordering by its name: weaker ones, or no fence.
fn ordering(code: &str, place: Range<usize>, name: &str) -> Vec<Change> {
    let Call { start, name: operation, argument } = enclosing(code, place.start);
    if ["Acquire", "Release", "AcqRel", "SeqCst"].contains(&name) && operation.ends_with("fence") {
        return vec![(call(code, start), format!("{operation}({name}) removed"), "()".to_owned())];
    }
    let changes = ["swap", "compare_exchange", "compare_exchange_weak", "fetch_update"].contains(&operation)
        || operation.starts_with("fetch_");
    let is_failure = (operation.starts_with("compare_exchange") && argument == 3)
        || (operation == "fetch_update" && argument == 1);
    let weaker: &[&str] = match name {
        "Acquire" | "Release" => &["Relaxed"],
        "AcqRel" => &["Acquire", "Release"],
        "SeqCst" if changes && !is_failure => &["AcqRel"],
        "SeqCst" => &["Relaxed"],
        _ => &[],
    };
    let operation = match (operation, is_failure) {
        ("", _) => "ordering".to_owned(),
        (operation, true) => format!("{operation} failure"),
        (operation, false) => operation.to_owned(),
    };
    let change = |weaker: &&str| {
        (place.clone(), format!("{operation}: {name} -> {weaker}"), format!("Ordering::{weaker}"))
    };
    weaker.iter().map(change).collect()
}

/// `claim_then_full_fence(cell, value)` becomes the claim alone.
fn claim(code: &str, start: usize) -> Vec<Change> {
    let place = call(code, start);
    let open = start + code[start..].find('(').unwrap_or_default();
    let inside = &code[open + 1..place.end - 1];
    let Some(comma) = commas(inside.as_bytes()).first().copied() else { return Vec::new() };
    let (cell, value) = (inside[..comma].trim(), inside[comma + 1..].trim().trim_end_matches(','));
    let relaxed = "xbar_layout::sync::Ordering::Relaxed";
    let weaker = format!("({cell}).compare_exchange(0, {value}, {relaxed}, {relaxed}).is_ok()");
    vec![(place, "claim_then_full_fence without its fence".to_owned(), weaker)]
}

/// The call whose name stands at `start`, from its path to its closing bracket.
fn call(code: &str, start: usize) -> Range<usize> {
    let open = start + code[start..].find('(').unwrap_or_default();
    let path = code[..start].rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    path.map_or(0, |before| before + 1)..behind_closing(code.as_bytes(), open)
}

/// The call that an argument belongs to.
struct Call<'c> {
    start: usize,
    name: &'c str,
    /// From 0.
    argument: usize,
}

/// The call around `place`; without a name when there is none.
fn enclosing(code: &str, place: usize) -> Call<'_> {
    let mut depth = 0_usize;
    for (open, byte) in code.bytes().enumerate().take(place).collect::<Vec<_>>().into_iter().rev() {
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' if depth == 0 => {
                let head = code[..open].trim_end();
                let start =
                    head.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |before| before + 1);
                let argument = commas(&code.as_bytes()[open + 1..place]).len();
                return Call { start, name: &head[start..], argument };
            }
            b'(' | b'[' | b'{' if depth > 0 => depth -= 1,
            b'[' | b'{' | b';' if depth == 0 => break,
            _ => {}
        }
    }
    Call { start: place, name: "", argument: 0 }
}

/// The commas between arguments, not those inside brackets.
fn commas(arguments: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut place = 0;
    while place < arguments.len() {
        match arguments[place] {
            b'(' | b'[' | b'{' => {
                place = behind_closing(arguments, place);
                continue;
            }
            b',' => places.push(place),
            _ => {}
        }
        place += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each mutant is called, and what it makes of the line.
    fn changes(line: &str) -> Vec<(String, String)> {
        let text = format!("fn f() {{ {line} }}");
        let mutants = find("a/src/a.rs", &text).unwrap();
        let line =
            |mutant: &Mutant| mutant.apply(&text)["fn f() { ".len()..].trim_end_matches(" }").to_owned();
        mutants.iter().map(|mutant| (mutant.change.clone(), line(mutant))).collect()
    }

    #[track_caller]
    fn becomes(line: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(changes(line), expected);
    }

    #[test]
    fn loads_and_stores_become_relaxed() {
        becomes(
            "x.y.store(f(1, 2), Ordering::Release);",
            &[("store: Release -> Relaxed", "x.y.store(f(1, 2), Ordering::Relaxed);")],
        );
        becomes(
            "x[i(2)].load(Ordering::Acquire)",
            &[("load: Acquire -> Relaxed", "x[i(2)].load(Ordering::Relaxed)")],
        );
        becomes(
            "x.load(sync::Ordering::SeqCst)",
            &[("load: SeqCst -> Relaxed", "x.load(sync::Ordering::Relaxed)")],
        );
        becomes(
            "x.load_acquire() + y.load_relaxed()",
            &[("load_acquire -> load_relaxed", "x.load_relaxed() + y.load_relaxed()")],
        );
        becomes("x.load(Ordering::Relaxed); y.cmp(Ordering::Less);", &[]);
    }

    #[test]
    fn read_modify_writes_lose_each_half() {
        becomes(
            "x.fetch_add(1, Ordering::AcqRel)",
            &[
                ("fetch_add: AcqRel -> Acquire", "x.fetch_add(1, Ordering::Acquire)"),
                ("fetch_add: AcqRel -> Release", "x.fetch_add(1, Ordering::Release)"),
            ],
        );
        becomes(
            "x.compare_exchange((1, 2).0, 3, Ordering::SeqCst, Ordering::SeqCst)",
            &[
                (
                    "compare_exchange: SeqCst -> AcqRel",
                    "x.compare_exchange((1, 2).0, 3, Ordering::AcqRel, Ordering::SeqCst)",
                ),
                (
                    "compare_exchange failure: SeqCst -> Relaxed",
                    "x.compare_exchange((1, 2).0, 3, Ordering::SeqCst, Ordering::Relaxed)",
                ),
            ],
        );
        becomes(
            "x.fetch_update(Ordering::Release, Ordering::Acquire, g)",
            &[
                (
                    "fetch_update: Release -> Relaxed",
                    "x.fetch_update(Ordering::Relaxed, Ordering::Acquire, g)",
                ),
                (
                    "fetch_update failure: Acquire -> Relaxed",
                    "x.fetch_update(Ordering::Release, Ordering::Relaxed, g)",
                ),
            ],
        );
    }

    #[test]
    fn fences_go() {
        becomes("fence(Ordering::Release);", &[("fence(Release) removed", "();")]);
        becomes("sync::fence(Ordering::SeqCst);", &[("fence(SeqCst) removed", "();")]);
        becomes("full_fence();", &[("full_fence removed", "();")]);
        becomes("light_fence();", &[("light_fence removed", "();")]);
        let claim = "if !claim_then_full_fence(&self.cells[at(place, 1)], value) {}";
        let relaxed = "xbar_layout::sync::Ordering::Relaxed";
        becomes(
            claim,
            &[(
                "claim_then_full_fence without its fence",
                &format!(
                    "if !(&self.cells[at(place, 1)]).compare_exchange(0, value, {relaxed}, {relaxed}).is_ok() {{}}"
                ),
            )],
        );
    }

    #[test]
    fn only_code_that_ships_and_runs_is_weakened() {
        let text = "//! full_fence()\nuse sync::{full_fence, claim_then_full_fence};\n\
                    // x.load(Ordering::Acquire)\nfn full_fence() { /* fence(Ordering::SeqCst) */ }\n\
                    fn g() { let s = \"x.load_acquire()\"; }\n\
                    #[cfg(test)]\nmod tests { fn t() { x.load(Ordering::Acquire); } }\n";
        assert_eq!(find("a/src/a.rs", text).unwrap(), []);
    }

    #[test]
    fn names_do_not_depend_on_lines() {
        let text = "impl Ring {\n fn lag(&self) { x.load_acquire();\n\n y.load_acquire(); z.load(Ordering::Acquire); }\n \
                    fn gap() { x.load_acquire(); }\n}";
        let mutants = find("a/src/a.rs", text).unwrap();
        let names: Vec<String> = mutants.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "a/src/a.rs Ring::lag load_acquire -> load_relaxed #1",
                "a/src/a.rs Ring::lag load_acquire -> load_relaxed #2",
                "a/src/a.rs Ring::lag load: Acquire -> Relaxed",
                "a/src/a.rs Ring::gap load_acquire -> load_relaxed",
            ]
        );
        assert_eq!(mutants.iter().map(|mutant| mutant.line).collect::<Vec<_>>(), [2, 4, 4, 5]);
        assert!(mutants[1].apply(text).contains("x.load_acquire();\n\n y.load_relaxed();"));
    }

    #[test]
    fn orderings_without_their_type_are_an_error() {
        assert!(find("a/src/a.rs", "use sync::Ordering::Acquire;\nfn f() { x.load(Acquire); }").is_err());
        assert!(find("a/src/a.rs", "use sync::Ordering;\n// we use Ordering::Release\n").is_ok());
    }
}
