//! Kills one operation's victims, one after the other, in a process of its own: what hangs or breaks here, the campaign sees.
//!
//! It speaks to the campaign in lines ([`Line`]): what it is about to do first, what came of it afterwards.

use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path as Directory;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::fault::{Checked, During, ensure};
use super::operations::{self, Operation, Scene};
use super::path::Path;
use super::victim::{FORBIDDEN, Sleeping, Victim};

/// Tries to come to an instruction before the operation is found to have gone another way.
const TRIES: usize = 3;

/// Places of an operation in a quick campaign, about. It goes through them so many times, each time at others, and ends when the
/// operation's share of the time is over; but not before it has killed at some places, however long that takes.
const QUICK_PLACES: usize = 40;
const QUICK_STEPS: usize = 4;
const QUICK_FEWEST: usize = 10;

/// Instructions that a quick campaign steps through again to come to one, at most.
const QUICK_FAR: usize = 5000;

/// What a worker says, a line each: a word, a number, the rest.
pub enum Line {
    /// So many instructions has the operation; the rest says at how many of them somebody is to be killed.
    Walked,
    /// Is about to kill after this one.
    At,
    /// Killed there, and the survivors found nothing wrong; the rest says within how many milliseconds.
    Killed,
    /// Was killed elsewhere, because it went another way; as above.
    Elsewhere,
    /// Killed there or elsewhere, and something is wrong: the address in the program, then what.
    Wrong,
    /// Cannot go on: what.
    Stuck,
    /// Has done its part.
    Done,
}

impl Line {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Walked, "walked"),
        (Self::At, "at"),
        (Self::Killed, "killed"),
        (Self::Elsewhere, "elsewhere"),
        (Self::Wrong, "wrong"),
        (Self::Stuck, "stuck"),
        (Self::Done, "done"),
    ];

    fn say(&self, number: usize, rest: &str) {
        let word =
            Self::ALL.iter().find(|(line, _)| std::mem::discriminant(line) == std::mem::discriminant(self));
        let word = word.map_or("", |(_, word)| word);
        let mut out = std::io::stdout().lock();
        // A campaign that has gone takes its workers along.
        if writeln!(out, "{word} {number} {}", rest.replace('\n', " ")).and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    }

    /// Reads what was said.
    pub fn hear(line: &str) -> Option<(Self, usize, &str)> {
        let (word, rest) = line.split_once(' ')?;
        let (number, rest) = rest.split_once(' ')?;
        let (said, _) = Self::ALL.into_iter().find(|(_, known)| *known == word)?;
        Some((said, number.parse().ok()?, rest))
    }
}

/// The worker of operation `name`: its regions in `dir`, kills after the instruction `from` and onwards. `share` says how many
/// milliseconds that may take, none that it is for all places.
pub fn run(name: &str, dir: &str, from: &str, share: &[&str]) -> ExitCode {
    let operation = operations::all().into_iter().find(|operation| operation.name == name);
    let (Some(operation), Ok(from)) = (operation, from.parse()) else { return ExitCode::from(2) };
    let share = share.first().and_then(|share| share.parse().ok()).map(Duration::from_millis);
    // What goes wrong here is told in lines; in others, on the screen.
    let own = std::process::id();
    std::panic::set_hook(Box::new(move |panic| {
        if std::process::id() != own {
            eprintln!("crash: {panic}");
        }
    }));
    match Worker::new(&operation, Directory::new(dir)).and_then(|worker| worker.work(from, share)) {
        Ok(()) => Line::Done.say(0, ""),
        Err(error) => Line::Stuck.say(0, &error),
    }
    ExitCode::SUCCESS
}

/// How far a victim came.
enum Death {
    There,
    Elsewhere,
}

/// A death, and how long the survivors took to find that all is well.
struct Survived(Death, Duration);

impl Survived {
    fn say(&self, k: usize) {
        let line = match self.0 {
            Death::There => Line::Killed,
            Death::Elsewhere => Line::Elsewhere,
        };
        line.say(k, &self.1.as_millis().to_string());
    }
}

struct Worker<'o> {
    operation: &'o Operation,
    dir: &'o Directory,
    scene: Option<Box<dyn Scene>>,
    round: u64,
    regions: u64,
    /// Instructions to step through to come to one, at most.
    far: usize,
    /// Where the program is in memory, so that addresses can be looked up.
    base: u64,
}

impl<'o> Worker<'o> {
    fn new(operation: &'o Operation, dir: &'o Directory) -> Checked<Self> {
        let maps = fs::read_to_string("/proc/self/maps").during("looking for the program")?;
        let base = maps.split('-').next().and_then(|first| u64::from_str_radix(first, 16).ok());
        let base = base.ok_or("no program in memory")?;
        Ok(Self { operation, dir, scene: None, round: 0, regions: 0, far: usize::MAX, base })
    }

    fn work(mut self, from: usize, share: Option<Duration>) -> Checked {
        let start = Instant::now();
        if share.is_some() {
            self.far = QUICK_FAR;
        }
        // Some kills need no reasons.
        let (path, sleeps) = self.walk(share.is_none())?;
        let places = path.places(share.map(|_| QUICK_PLACES));
        Line::Walked.say(path.instructions(), &places.len().to_string());
        // Some of them, from all over the operation, as far as there is time.
        let steps = if share.is_some() { QUICK_STEPS } else { 1 };
        let order = (0..steps).flat_map(|step| places.iter().skip(step).step_by(steps));
        for (done, &k) in order.filter(|&&k| k >= from).enumerate() {
            if done >= QUICK_FEWEST && share.is_some_and(|share| start.elapsed() > share) {
                break;
            }
            Line::At.say(k, "");
            let mut address = path.after(k);
            self.attempt(k, &mut address, |victim, rouse| victim.go(&path, k, rouse))?;
        }
        for (number, &k) in sleeps.iter().enumerate() {
            let place = path.instructions() + 1 + number;
            if place < from {
                continue;
            }
            Line::At.say(place, "asleep");
            let mut address = path.after(k);
            self.attempt(place, &mut address, |victim, rouse| {
                Ok(victim.go(&path, k, rouse)? && victim.fall_asleep()?)
            })?;
        }
        self.leave()
    }

    /// Walks through the operation once, and kills it at its end.
    fn walk(&mut self, is_watched: bool) -> Checked<(Path, Vec<usize>)> {
        Line::At.say(0, "walking");
        self.prepare()?;
        let round = self.round;
        let scene = self.scene.as_mut().ok_or("no scene")?;
        let mut victim = begin(scene.as_mut(), round)?;
        let walked = victim.walk(is_watched, &mut || scene.rouse(round).map(|()| Sleeping::GoOn));
        victim.kill()?;
        let walked = walked?;
        scene.check(round).map_err(|error| format!("at its end: {error}"))?;
        Ok(walked)
    }

    /// Has one victim killed where `go` leads it, and the survivors look.
    fn attempt(
        &mut self,
        k: usize,
        address: &mut u64,
        go: impl Fn(&mut Victim, super::victim::Rouse<'_>) -> Checked<bool>,
    ) -> Checked {
        for _ in 0..TRIES {
            let survived = match self.kill(address, &go) {
                Ok(survived) => survived,
                Err(error) => return self.wrong(k, *address, &error),
            };
            survived.say(k);
            // Another victim may go the way of the first again.
            if let Death::There = survived.0 {
                return Ok(());
            }
        }
        if k > self.far {
            return Ok(());
        }
        // After as many instructions, whatever they are.
        match self.kill(address, |victim, rouse| victim.walk_to(k, rouse)) {
            Ok(survived) => survived.say(k),
            Err(error) => self.wrong(k, *address, &error)?,
        }
        Ok(())
    }

    fn wrong(&mut self, k: usize, address: u64, error: &str) -> Checked {
        ensure(error != FORBIDDEN, || FORBIDDEN.into())?;
        Line::Wrong.say(k, &format!("{:#x} {error}", address.wrapping_sub(self.base)));
        // Whatever is wrong with this region, the next victim finds another.
        let scene = self.scene.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(scene)));
        Ok(())
    }

    fn kill(
        &mut self,
        address: &mut u64,
        go: impl Fn(&mut Victim, super::victim::Rouse<'_>) -> Checked<bool>,
    ) -> Checked<Survived> {
        self.prepare()?;
        let round = self.round;
        let scene = self.scene.as_mut().ok_or("no scene")?;
        let attempt = || {
            let mut victim = begin(scene.as_mut(), round)?;
            let is_there = go(&mut victim, &mut || scene.rouse(round).map(|()| Sleeping::GoOn));
            *address = victim.at();
            victim.kill()?;
            let is_there = is_there?;
            let start = Instant::now();
            scene.check(round)?;
            let death = if is_there { Death::There } else { Death::Elsewhere };
            Ok(Survived(death, start.elapsed()))
        };
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("a survivor panicked: {}", text.unwrap_or("of something")))
        })
    }

    fn prepare(&mut self) -> Checked {
        self.round += 1;
        if self.scene.as_ref().is_some_and(|scene| scene.is_used_up()) {
            self.leave()?;
        }
        if self.scene.is_none() {
            self.regions += 1;
            let dir = self.dir.join(self.regions.to_string());
            fs::create_dir_all(&dir).during("making a directory")?;
            self.scene = Some((self.operation.scene)(&dir)?);
        }
        Ok(())
    }

    /// The survivors leave; nothing stays behind.
    fn leave(&mut self) -> Checked {
        let Some(scene) = self.scene.take() else { return Ok(()) };
        scene.finish().map_err(|error| format!("leaving: {error}"))?;
        let dir = self.dir.join(self.regions.to_string());
        let left = fs::read_dir(&dir).during("looking for what is left")?;
        let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
        ensure(left.is_empty(), || format!("when all had left, there was still {left:?}"))
    }
}

/// A victim about to begin its operation.
fn begin(scene: &mut dyn Scene, round: u64) -> Checked<Victim> {
    scene.ready(round)?;
    let mut victim = Victim::start(|| scene.play(round))?;
    scene.meet(round)?;
    victim.begun()?;
    scene.begun(round)?;
    Ok(victim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_heard_as_they_were_said() {
        assert!(matches!(
            Line::hear("wrong 12 0x10 lost: a block"),
            Some((Line::Wrong, 12, "0x10 lost: a block"))
        ));
        assert!(matches!(Line::hear("done 0 "), Some((Line::Done, 0, ""))));
        assert!(Line::hear("something else").is_none());
    }
}
