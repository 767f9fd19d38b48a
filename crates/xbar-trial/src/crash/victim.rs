//! The process that dies: forked, driven by ptrace to a chosen instruction, killed there.
//!
//! It marks the begin and the end of its operation by a trap ([`mark`]). What it executes in between is stepped once, and
//! later come to by breakpoints in its own copy of the program; a stop is believed only at the very address, at the very
//! occurrence, that the first walk saw.

#![allow(unsafe_code)] // fork, _exit, and the trap

use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use super::fault::{Checked, During, ensure};
use super::path::Path;
use super::watch::{Watch, stores_nothing};

/// A victim's exit code where the system forbids to trace.
const NOT_PERMITTED: i32 = 77;

/// What [`Victim::start`] says then.
pub const FORBIDDEN: &str = "single-stepping is not permitted here (ptrace): nothing was tried";

/// More instructions than any operation has: one that goes on is a loop.
const MOST: usize = 2_000_000;

/// Instructions after which a victim that does not sleep is given what it waits for nevertheless.
const IMPATIENCE: usize = 150_000;

/// In a victim: here the operation begins, or ends.
#[inline(never)]
pub fn mark() {
    // SAFETY: a trap, for which the tracer waits; touches nothing.
    unsafe { std::arch::asm!("int3", options(nomem, nostack)) };
}

/// Where a stop found the victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Before the instruction at this address.
    At(u64),
    /// At the operation's end.
    End,
    /// Asleep in a system call.
    Asleep,
}

/// Called when the victim sleeps in a system call: whatever ends its sleep. `Break` leaves it asleep.
pub type Rouse<'r> = &'r mut dyn FnMut() -> Checked<Sleeping>;

/// What to do about a victim that sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleeping {
    /// It was woken, or will wake by itself.
    GoOn,
    /// It is to die asleep.
    Leave,
}

/// A process stopped at the begin of its operation, or behind.
pub struct Victim {
    pid: Pid,
    /// Address of the trap in [`mark`].
    mark: u64,
    /// Address of the next instruction, where it stopped last.
    at: u64,
    /// Words of the program that were read: reading one costs as much as a step.
    code: HashMap<u64, u64>,
    lives: bool,
}

impl Victim {
    /// Starts a process that does `play`; [`Victim::begun`] waits for its first [`mark`].
    pub fn start(play: impl FnOnce()) -> Checked<Self> {
        // SAFETY: workers have one thread, so the child may do whatever the parent may.
        match unsafe { fork() }.during("forking")? {
            ForkResult::Child => {
                let code = match ptrace::traceme() {
                    Ok(()) => catch_unwind(AssertUnwindSafe(play)).map_or(101, |()| 0),
                    Err(_) => NOT_PERMITTED,
                };
                // SAFETY: ends the child, whose copies of the parent's handles must not be dropped.
                unsafe { nix::libc::_exit(code) }
            }
            ForkResult::Parent { child } => {
                Ok(Self { pid: child, mark: 0, at: 0, code: HashMap::new(), lives: true })
            }
        }
    }

    /// Waits until it begins its operation, and stops there.
    pub fn begun(&mut self) -> Checked {
        self.wait(None)?;
        ptrace::setoptions(self.pid, ptrace::Options::PTRACE_O_EXITKILL).during("tracing")?;
        self.mark = self.at - 1;
        Ok(())
    }

    /// Walks through the operation step by step: what it executes, and after which instructions it slept. With
    /// `is_watched`, also what others can see of it.
    pub fn walk(&mut self, is_watched: bool, rouse: Rouse<'_>) -> Checked<(Path, Vec<usize>)> {
        let mut watch = if is_watched { Some(Watch::new(self.pid.as_raw())?) } else { None };
        let mut addresses = vec![self.at];
        let mut visible = Vec::new();
        let mut sleeps = Vec::new();
        loop {
            let code = self.code()?;
            let mut slept = false;
            let stop = self.step(Some(&mut || {
                slept = true;
                rouse()
            }))?;
            if slept {
                sleeps.push(addresses.len() - 1);
            }
            let is_visible = match &mut watch {
                Some(watch) if is_system_call(code) => watch.look_anew().map(|()| true)?,
                Some(watch) => !stores_nothing(code) && watch.has_changed()?,
                None => true,
            };
            if is_visible {
                visible.push(addresses.len());
            }
            match stop {
                Stop::At(address) => addresses.push(address),
                Stop::End => {
                    addresses.push(self.mark);
                    return Ok((Path::new(addresses, visible), sleeps));
                }
                Stop::Asleep => return Err("the operation sleeps, and nobody wakes it".into()),
            }
            // Steps are so slow that who waits may never come to sleep.
            if addresses.len() % IMPATIENCE == 0 {
                rouse()?;
            }
            if addresses.len() > MOST {
                return Err(format!("the operation takes more than {MOST} instructions"));
            }
        }
    }

    /// Goes to the place after `k` instructions of `path`. False when the process went another way: it stands somewhere
    /// else in the operation then, or at its end.
    pub fn go(&mut self, path: &Path, k: usize, rouse: Rouse<'_>) -> Checked<bool> {
        if k == path.instructions() {
            return Ok(self.go_on(rouse)? == Stop::End);
        }
        let approach = path.approach(k);
        if !self.run_to(path.after(approach.start), approach.occurrence, rouse)? {
            return Ok(false);
        }
        for place in approach.start + 1..=k {
            if self.step(Some(rouse))? != Stop::At(path.after(place)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Executes `k` instructions, whatever they are. False when the operation has fewer.
    pub fn walk_to(&mut self, k: usize, rouse: Rouse<'_>) -> Checked<bool> {
        for _ in 0..k {
            if !matches!(self.step(Some(rouse))?, Stop::At(_)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Executes its operation step by step until something holds.
    pub fn step_until(&mut self, holds: impl Fn() -> bool) -> Checked {
        while !holds() {
            let stop = self.step(None)?;
            ensure(matches!(stop, Stop::At(_)), || "the operation ended before it came so far".to_owned())?;
        }
        Ok(())
    }

    /// Executes the next instruction, which is to sleep; false when it did not.
    pub fn fall_asleep(&mut self) -> Checked<bool> {
        Ok(self.step(Some(&mut || Ok(Sleeping::Leave)))? == Stop::Asleep)
    }

    /// Runs up to the `occurrence`th time that `address` is come to.
    fn run_to(&mut self, address: u64, occurrence: u32, rouse: Rouse<'_>) -> Checked<bool> {
        let (place, shift) = (address & !7, 8 * (address & 7));
        let word = self.read(place)?;
        let trap = word & !(0xff << shift) | 0xcc << shift;
        let mut seen = 0;
        loop {
            // By single steps away from the address, which an instruction that repeats itself comes to at once.
            while self.at == address {
                seen += 1;
                if seen == occurrence {
                    return Ok(true);
                }
                if !matches!(self.step(Some(rouse))?, Stop::At(_)) {
                    return Ok(false);
                }
            }
            self.write(place, trap)?;
            let stop = self.go_on(rouse)?;
            self.write(place, word)?;
            if stop != Stop::At(address + 1) {
                return Ok(false);
            }
            let mut registers = ptrace::getregs(self.pid).during("tracing")?;
            registers.rip = address;
            ptrace::setregs(self.pid, registers).during("tracing")?;
            self.at = address;
        }
    }

    fn go_on(&mut self, rouse: Rouse<'_>) -> Checked<Stop> {
        ptrace::cont(self.pid, None).during("tracing")?;
        let stop = self.wait(Some(rouse))?;
        Ok(if stop == Stop::At(self.mark + 1) { Stop::End } else { stop })
    }

    fn step(&mut self, rouse: Option<Rouse<'_>>) -> Checked<Stop> {
        // Only a system call can sleep; waiting for anything else needs no looking.
        let sleeps = is_system_call(self.code()?);
        ptrace::step(self.pid, None).during("tracing")?;
        let stop = self.wait(rouse.filter(|_| sleeps))?;
        Ok(if stop == Stop::At(self.mark) { Stop::End } else { stop })
    }

    /// Waits until it stops; with `rouse`, looks whether it sleeps.
    fn wait(&mut self, rouse: Option<Rouse<'_>>) -> Checked<Stop> {
        let Some(rouse) = rouse else {
            let status = waitpid(self.pid, None).during("waiting for the victim")?;
            return self.stopped(status);
        };
        let mut looks = 0_u32;
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)).during("waiting for the victim")? {
                WaitStatus::StillAlive => {}
                status => return self.stopped(status),
            }
            looks += 1;
            if looks % 64 == 0 && self.sleeps() {
                if rouse()? == Sleeping::Leave {
                    return Ok(Stop::Asleep);
                }
                std::thread::sleep(Duration::from_micros(200));
            } else {
                std::thread::yield_now();
            }
        }
    }

    fn stopped(&mut self, status: WaitStatus) -> Checked<Stop> {
        match status {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {
                self.at = ptrace::getregs(self.pid).during("tracing")?.rip;
                Ok(Stop::At(self.at))
            }
            WaitStatus::Exited(_, NOT_PERMITTED) => {
                self.lives = false;
                Err(FORBIDDEN.into())
            }
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                self.lives = false;
                Err(format!("the victim ended by itself: {status:?}"))
            }
            status => Err(format!("the victim stopped for no reason: {status:?}")),
        }
    }

    /// Waits until it sleeps in a system call, without its having stopped before.
    pub fn asleep(&self, timeout: Duration) -> Checked {
        let start = Instant::now();
        while !self.sleeps() {
            ensure(start.elapsed() < timeout, || "somebody who was to wait does not".to_owned())?;
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Whether it sleeps in a system call now.
    pub fn sleeps(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
    }

    /// Address of the next instruction, where it stopped last.
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// The instruction at which it stopped, in the lowest bytes.
    fn code(&mut self) -> Checked<u64> {
        if let Some(&code) = self.code.get(&self.at) {
            return Ok(code);
        }
        let code = self.read(self.at)?;
        self.code.insert(self.at, code);
        Ok(code)
    }

    fn read(&self, address: u64) -> Checked<u64> {
        let word = ptrace::read(self.pid, address as ptrace::AddressType).during("reading the program")?;
        Ok(word as u64)
    }

    fn write(&self, address: u64, word: u64) -> Checked {
        ptrace::write(self.pid, address as ptrace::AddressType, word as i64).during("writing a breakpoint")
    }

    /// Lets it go on to its end, which must be a good one.
    pub fn go_away(mut self) -> Checked {
        ptrace::detach(self.pid, None).during("letting go")?;
        self.lives = false;
        match waitpid(self.pid, None).during("waiting for an end")? {
            WaitStatus::Exited(_, 0) => Ok(()),
            status => Err(format!("somebody who was to go away ended so: {status:?}")),
        }
    }

    /// Kills it where it stands; returns when the kernel has taken everything from it.
    pub fn kill(mut self) -> Checked {
        self.end()
    }

    fn end(&mut self) -> Checked {
        if !self.lives {
            return Ok(());
        }
        self.lives = false;
        kill(self.pid, Signal::SIGKILL).during("killing")?;
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Signaled(..) | WaitStatus::Exited(..)) | Err(Errno::ECHILD) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(format!("waiting for a death: {errno}")),
            }
        }
    }
}

/// True for the instruction `syscall`.
const fn is_system_call(code: u64) -> bool {
    code & 0xffff == 0x050f
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
