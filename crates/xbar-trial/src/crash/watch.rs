//! What others can see of a process: its shared memory, byte by byte, compared after every instruction.
//!
//! A killed process leaves nothing but what its stores into shared memory and its system calls did. So two deaths between
//! which there is neither a changed byte nor a system call are the same death to everybody else, and one of them is enough.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::fault::{Checked, During};

/// A process's shared mappings, as they were when looked at last.
pub struct Watch {
    pid: i32,
    memory: File,
    mappings: Vec<Mapping>,
    scratch: Vec<u8>,
}

struct Mapping {
    start: u64,
    bytes: Vec<u8>,
}

impl Watch {
    /// Watches process `pid`, which this process may trace.
    pub fn new(pid: i32) -> Checked<Self> {
        let memory = File::open(format!("/proc/{pid}/mem")).during("opening a victim's memory")?;
        let mut watch = Self { pid, memory, mappings: Vec::new(), scratch: Vec::new() };
        watch.look_anew()?;
        Ok(watch)
    }

    /// What is mapped may be other than before: after a system call.
    pub fn look_anew(&mut self) -> Checked {
        let maps =
            fs::read_to_string(format!("/proc/{}/maps", self.pid)).during("reading a victim's mappings")?;
        self.mappings.clear();
        // A file may be mapped more than once, also by handles that came along from the parent.
        let mut seen = BTreeSet::new();
        for (start, end, file) in maps.lines().filter_map(shared_and_writable) {
            if !seen.insert((end - start, file)) {
                continue;
            }
            let mut bytes = vec![0; (end - start) as usize];
            self.memory.read_exact_at(&mut bytes, start).during("reading a victim's memory")?;
            self.mappings.push(Mapping { start, bytes });
        }
        Ok(())
    }

    /// Whether a byte has changed since the last look.
    pub fn has_changed(&mut self) -> Checked<bool> {
        let mut has_changed = false;
        for Mapping { start, bytes } in &mut self.mappings {
            self.scratch.resize(bytes.len(), 0);
            self.memory.read_exact_at(&mut self.scratch, *start).during("reading a victim's memory")?;
            if self.scratch != *bytes {
                std::mem::swap(&mut self.scratch, bytes);
                has_changed = true;
            }
        }
        Ok(has_changed)
    }
}

/// Begin and end of a mapping that others see, and what is mapped, from a line of `/proc/<pid>/maps`.
fn shared_and_writable(line: &str) -> Option<(u64, u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (permissions, file) = rest.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let parse = |text| u64::from_str_radix(text, 16).ok();
    let is_shared = matches!(permissions.get(1..4), Some("w-s" | "wxs"));
    if is_shared { Some((parse(start)?, parse(end)?, file)) } else { None }
}

/// True when the instruction that begins with these bytes (little-endian) stores nothing but, perhaps, to its own stack:
/// comparisons, loads, jumps, calls, and stores by the stack pointer. False in doubt.
pub fn stores_nothing(code: u64) -> bool {
    let bytes = code.to_le_bytes();
    // A prefix that says how wide registers are, or that there are more of them.
    let prefix = if bytes[0] & 0xf0 == 0x40 { bytes[0] } else { 0 };
    let rest = &bytes[usize::from(prefix != 0)..];
    // An operand that is a register, or lies on the stack.
    let is_private = |operand: &[u8]| match *operand {
        [mode, ..] if mode >= 0xc0 => true,
        [mode, scale, ..] => mode & 7 == 4 && scale & 7 == 4 && prefix & 1 == 0,
        _ => false,
    };
    match rest[0] {
        0x38..=0x3d | 0x50..=0x5f | 0x63 | 0x70..=0x7f | 0x84 | 0x85 | 0x8a | 0x8b | 0x8d | 0x90 => true,
        0x02 | 0x03 | 0x0a | 0x0b | 0x22 | 0x23 | 0x2a | 0x2b | 0x32 | 0x33 => true,
        0xa8 | 0xa9 | 0xb0..=0xbf | 0xc3 | 0xe8 | 0xe9 | 0xeb => true,
        0x00 | 0x01 | 0x08 | 0x09 | 0x20 | 0x21 | 0x28 | 0x29 | 0x30 | 0x31 => is_private(&rest[1..]),
        0x80 | 0x81 | 0x83 | 0x88 | 0x89 | 0xc0 | 0xc1 | 0xc6 | 0xc7 | 0xd1 | 0xd3 => is_private(&rest[1..]),
        0x0f => match rest[1] {
            0x1f | 0x40..=0x4f | 0x80..=0x8f | 0xaf | 0xb6 | 0xb7 | 0xbe | 0xbf => true,
            0x10 | 0x28 | 0x57 => true,
            0x11 | 0x29 => is_private(&rest[2..]),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_writable_mappings_are_looked_at() {
        assert_eq!(
            shared_and_writable("7f00-8000 rw-s 00000000 00:01 7 /dev/shm/a"),
            Some((0x7f00, 0x8000, "00000000 00:01 7 /dev/shm/a"))
        );
        assert_eq!(shared_and_writable("7f00-8000 r--s 00000000 00:01 7 /dev/shm/a"), None);
        assert_eq!(shared_and_writable("7f00-8000 rw-p 00000000 00:01 7"), None);
    }

    #[test]
    fn stores_are_never_taken_for_loads() {
        let code = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        // mov [rdi], rax; mov [rdi], eax; xchg; lock cmpxchg; rep stosb; movups [rdi], xmm0; mov dword [rdi], 1; add [rdi], eax;
        // and or shifts of memory.
        for store in [
            &[0x48, 0x89, 0x07][..],
            &[0x89, 0x07],
            &[0x87, 0x07],
            &[0xf0, 0x48, 0x0f, 0xb1, 0x0f],
            &[0xf3, 0xaa],
            &[0x0f, 0x11, 0x07],
            &[0xc7, 0x07, 1, 0, 0, 0],
            &[0x01, 0x07],
            &[0x83, 0x0f, 1],
            &[0xc1, 0x27, 4],
            &[0x48, 0x0f, 0xc1, 0x07],
            &[0x88, 0x07],
            // mov [r12], rax, whose number is the stack pointer's but for the prefix.
            &[0x49, 0x89, 0x04, 0x24],
        ] {
            assert!(!stores_nothing(code(store)), "{store:x?}");
        }
        // mov rax, [rdi]; cmp; jne; call; mov eax, ecx; mov [rsp + 8], rax.
        for load in
            [&[0x48, 0x8b, 0x07][..], &[0x48, 0x39, 0xc8], &[0x75, 2], &[0xe8, 1, 0, 0, 0], &[0x89, 0xc8]]
        {
            assert!(stores_nothing(code(load)), "{load:x?}");
        }
    }
}
