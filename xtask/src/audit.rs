//! `audit`: weakens the memory orderings of the lock-free crates one at a time, in a copy, and sees whether a model notices.

mod code;
mod models;
mod mutants;
mod survivors;
mod tree;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use self::models::{Program, Verdict};
use self::mutants::Mutant;
use self::survivors::Reason;
use self::tree::Tree;
use crate::{Result, root};

/// The crates whose orderings are weakened, each with the crates whose models are asked, in this order.
const AUDITED: [(&str, &[&str]); 2] =
    [("xbar-ring", &["xbar-ring", "xbar-topic"]), ("xbar-pool", &["xbar-pool", "xbar-topic"])];

/// How much longer than usual models may take: a weaker ordering leaves more to look at.
const PATIENCE: u32 = 10;

/// However quick the models usually are.
const LEAST_LIMIT: Duration = Duration::from_secs(60);

/// What to audit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only in files and functions with this in their name.
    only: Option<String>,
    /// Say what would be weakened, and weaken nothing.
    list: bool,
}

impl Options {
    /// `[--only WORD] [--list]`, in any order; `None` when they are something else.
    pub fn parse(mut words: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        loop {
            words = match *words {
                [] => return Some(options),
                ["--list", ref rest @ ..] => {
                    options.list = true;
                    rest
                }
                ["--only", word, ref rest @ ..] => {
                    options.only = Some(word.to_owned());
                    rest
                }
                _ => return None,
            };
        }
    }

    fn want(&self, mutant: &Mutant) -> bool {
        self.only.as_deref().is_none_or(|word| mutant.file.contains(word) || mutant.function.contains(word))
    }
}

/// What became of a mutant.
enum Outcome {
    /// A model noticed.
    Noticed { package: &'static str, model: String },
    /// No model did.
    Survived,
    /// No model did, and this one did not get through.
    GaveUp { package: &'static str, model: String },
}

/// Runs the audit; fails when a mutant survives without a written reason, or when a reason is out of date.
pub fn run(options: &Options) -> Result {
    let folder = root().join("target/audit");
    let tree = Tree::copy(&root(), folder.join("tree"))?;
    let found = find(&tree, options)?;
    if found.is_empty() {
        return Err("no ordering is called that: `cargo xtask audit --list` says which there are".into());
    }
    if options.list {
        for mutant in &found {
            println!("{} line {}: {}: {}", mutant.file, mutant.line, mutant.function, mutant.change);
        }
        return Ok(());
    }
    let reasons = survivors::parse(&fs::read_to_string(root().join("docs/audit.md"))?)?;
    let reasons: Vec<&Reason> = reasons
        .iter()
        .filter(|reason| options.only.as_deref().is_none_or(|word| reason.is_about(word)))
        .collect();

    let models = Models { tree, folder };
    let limits = models.limits(&found)?;
    let mut ran = Vec::new();
    for (index, mutant) in found.iter().enumerate() {
        let start = Instant::now();
        let outcome = models.tree.with(mutant, || models.ask(mutant, &limits));
        let outcome = outcome.map_err(|error| format!("{mutant}: {error}"))?;
        let (what, seconds) = (tell(&outcome), start.elapsed().as_secs_f64());
        eprintln!("{}/{} {mutant}: {what}, {seconds:.0} s", index + 1, found.len());
        ran.push((mutant, outcome));
    }
    let report = report(&ran, &reasons);
    print!("{report}");
    fs::write(models.folder.join("report.md"), report)?;

    let ran: Vec<_> =
        ran.iter().map(|(mutant, outcome)| (*mutant, !matches!(outcome, Outcome::Noticed { .. }))).collect();
    let wrong = survivors::wrong(&ran, &reasons);
    if wrong.is_empty() {
        return Ok(());
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    Err(format!("{} orderings and reasons do not agree", wrong.len()).into())
}

/// The wanted mutants of the copy.
fn find(tree: &Tree, options: &Options) -> Result<Vec<Mutant>> {
    let mut found = Vec::new();
    for (package, _) in AUDITED {
        for path in tree.sources(&format!("crates/{package}/src"))? {
            let text = fs::read_to_string(tree.root().join(&path))?;
            found.extend(mutants::find(path.trim_start_matches("crates/"), &text)?);
        }
    }
    found.retain(|mutant| options.want(mutant));
    Ok(found)
}

/// Whose models are asked about a mutant.
fn asked(mutant: &Mutant) -> &'static [&'static str] {
    AUDITED.iter().find(|(package, _)| *package == mutant.package()).map_or(&[], |(_, asked)| asked)
}

/// The models, and the copy that they are built from.
struct Models {
    tree: Tree,
    folder: PathBuf,
}

impl Models {
    fn build(&self, package: &str) -> Result<Program> {
        models::build(self.tree.root(), &self.folder.join("target"), package)
    }

    fn run(&self, program: &Program, package: &str, limit: Duration) -> Result<Verdict> {
        models::run(program.start(), &self.folder.join(format!("{package}.log")), limit)
    }

    /// As `run`, those models only that have `word` in their name; an error when there are none.
    fn run_some(&self, program: &Program, package: &str, word: &str, limit: Duration) -> Result<Verdict> {
        let mut some = program.start();
        some.arg(word);
        models::run(some, &self.folder.join(format!("{package}.log")), limit)
    }

    /// Runs the models as they are, which must pass; how long each crate's may take.
    fn limits(&self, found: &[Mutant]) -> Result<BTreeMap<&'static str, Duration>> {
        let mut limits = BTreeMap::new();
        for package in found.iter().flat_map(asked) {
            if limits.contains_key(package) {
                continue;
            }
            let program = self.build(package)?;
            let start = Instant::now();
            match self.run(&program, package, Duration::MAX)? {
                Verdict::Passed => {}
                Verdict::Failed(model) | Verdict::GaveUp(model) => {
                    return Err(format!(
                        "{package}: {model} fails with every ordering in place: mend it first"
                    )
                    .into());
                }
            }
            let usual = start.elapsed();
            eprintln!("{package}: {:.1} s with every ordering in place", usual.as_secs_f64());
            limits.insert(*package, LEAST_LIMIT.max(usual * PATIENCE));
        }
        Ok(limits)
    }

    fn ask(&self, mutant: &Mutant, limits: &BTreeMap<&str, Duration>) -> Result<Outcome> {
        let mut outcome = Outcome::Survived;
        for package in asked(mutant) {
            let program = self.build(package)?;
            if program.was_there && **package != *mutant.package() {
                continue; // without the features that compile this file, nothing here could notice
            }
            if program.was_there {
                return Err(
                    format!("the models of {package} were not built again: remove target/audit").into()
                );
            }
            // The models of the file itself first: they are the ones that notice most.
            let own = self.run_some(&program, package, mutant.subject(), limits[package]);
            if let Ok(Verdict::Failed(model)) = own {
                return Ok(Outcome::Noticed { package, model });
            }
            match self.run(&program, package, limits[package])? {
                Verdict::Passed => {}
                Verdict::Failed(model) => return Ok(Outcome::Noticed { package, model }),
                Verdict::GaveUp(model) => outcome = Outcome::GaveUp { package, model },
            }
        }
        Ok(outcome)
    }
}

fn tell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Noticed { package, model } => format!("noticed by {model} of {package}"),
        Outcome::Survived => "survived".to_owned(),
        Outcome::GaveUp { package, model } => format!("gave up in {model} of {package}"),
    }
}

/// The table of what was weakened and who noticed.
fn report(ran: &[(&Mutant, Outcome)], reasons: &[&Reason]) -> String {
    let mut report = "| file | function | mutant | outcome |\n|---|---|---|---|\n".to_owned();
    for (mutant, outcome) in ran {
        let mut what = tell(outcome);
        if !matches!(outcome, Outcome::Noticed { .. }) {
            let reason = reasons.iter().find(|reason| reason.explains(mutant));
            what += &reason.map_or(" WITHOUT A REASON".to_owned(), |reason| format!(": {}", reason.text));
        }
        let Mutant { file, function, change, .. } = mutant;
        let _ = writeln!(report, "| {file} | {function} | {change} | {what} |"); // a String takes everything
    }
    let noticed = ran.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Noticed { .. })).count();
    let gave_up = ran.iter().filter(|(_, outcome)| matches!(outcome, Outcome::GaveUp { .. })).count();
    let survived = ran.len() - noticed - gave_up;
    let _ = writeln!(
        report,
        "\n{} mutants: {noticed} noticed, {survived} survived, {gave_up} gave up",
        ran.len()
    );
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order_and_nothing_else_comes() {
        let both = Options { only: Some("lag".to_owned()), list: true };
        assert_eq!(Options::parse(&["--only", "lag", "--list"]), Some(both));
        assert_eq!(Options::parse(&[]), Some(Options::default()));
        for bad in [&["--only"][..], &["--lists"], &["lag"]] {
            assert_eq!(Options::parse(bad), None);
        }
    }

    #[test]
    fn the_report_says_who_noticed_and_which_survivor_has_no_reason() {
        let text = "fn f() { x.load_acquire(); }\nfn g() { x.load_acquire(); }\nfn h() { full_fence(); }";
        let found = mutants::find("xbar-ring/src/a.rs", text).unwrap();
        let document = "## Survivors\n| a | b | c | d |\n|-|-|-|-|\n\
                        | xbar-ring/src/a.rs | f | load_acquire -> load_relaxed | a fence does it |\n";
        let reasons = survivors::parse(document).unwrap();
        let reasons: Vec<&Reason> = reasons.iter().collect();
        let model = || "m".to_owned();
        let ran = [
            (&found[0], Outcome::Survived),
            (&found[1], Outcome::GaveUp { package: "xbar-topic", model: model() }),
            (&found[2], Outcome::Noticed { package: "xbar-ring", model: model() }),
        ];
        let report = report(&ran, &reasons);
        let lines: Vec<&str> = report.lines().skip(2).collect();
        assert!(lines[0].ends_with("| survived: a fence does it |"));
        assert!(lines[1].ends_with("| gave up in m of xbar-topic WITHOUT A REASON |"));
        assert!(lines[2].ends_with("| noticed by m of xbar-ring |"));
        assert_eq!(lines[4], "3 mutants: 1 noticed, 1 survived, 1 gave up");
        assert_eq!(asked(&found[0]), ["xbar-ring", "xbar-topic"]);
    }
}
