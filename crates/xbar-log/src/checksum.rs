//! The checksum of a record: CRC-32C by the processor's own instruction, in four lanes where a record is long.
//!
//! One lane takes eight bytes in three cycles, because each step waits for the one before; four of them side by side take
//! eight bytes a cycle. The lanes are folded into one another at the end, so what is stored is not the CRC-32C of the bytes in
//! their order, but finds the same damage: a lane finds every burst of up to 32 bits in its words, and the fold is one to one
//! in each lane.

#![allow(unsafe_code)] // one instruction

use xbar_layout::sync::ReadU64;

/// Words from which on a record's payload is summed in lanes.
pub(crate) const LANES_FROM: usize = 16;
const LANES: usize = 4;

/// A payload, in words of eight bytes; the last one is filled up with zeroes.
pub(crate) trait Payload: Copy {
    /// Takes it in behind `crc`, in the order of its words or in lanes.
    fn take_in<S: Step>(self, crc: u32) -> u32;
}

/// In a file.
impl Payload for &[ReadU64] {
    #[inline(always)]
    fn take_in<S: Step>(self, mut crc: u32) -> u32 {
        let mut rest = self;
        if self.len() >= LANES_FROM {
            let turns = self.chunks_exact(LANES);
            rest = turns.remainder();
            let mut lanes = [crc, 1, 2, 3];
            for turn in turns {
                for (lane, word) in lanes.iter_mut().zip(turn) {
                    *lane = S::step(*lane, word.load_relaxed());
                }
            }
            crc = S::step(lanes[0], u64::from(lanes[1]) | u64::from(lanes[2]) << 32);
            crc = S::step(crc, u64::from(lanes[3]));
        }
        // Not a word a turn: that would be more of a loop than of a sum.
        while let Some((four, behind)) = rest.split_first_chunk::<4>() {
            for word in four {
                crc = S::step(crc, word.load_relaxed());
            }
            rest = behind;
        }
        rest.iter().fold(crc, |crc, word| S::step(crc, word.load_relaxed()))
    }
}

/// Before it is written: fewer bytes than are taken in by lanes.
#[derive(Clone, Copy)]
pub(crate) struct Short<'m>(pub &'m [u8]);

impl Payload for Short<'_> {
    #[inline(always)]
    fn take_in<S: Step>(self, crc: u32) -> u32 {
        debug_assert!(self.0.len() <= 8 * (LANES_FROM - 1), "a long one is taken in by lanes");
        // Most are one word, and this is the shortest way.
        if let Ok(word) = self.0.try_into() {
            return S::step(crc, u64::from_le_bytes(word));
        }
        let (mut crc, mut rest) = (crc, self.0);
        while let Some((four, behind)) = rest.split_first_chunk::<32>() {
            for word in 0..4 {
                crc = S::step(crc, word_of(&four[8 * word..]));
            }
            rest = behind;
        }
        while rest.len() >= 8 {
            crc = S::step(crc, word_of(rest));
            rest = &rest[8..];
        }
        if rest.is_empty() {
            return crc;
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        S::step(crc, u64::from_le_bytes(last))
    }
}

/// The first eight bytes, of which there are as many.
#[inline(always)]
fn word_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())
}

/// The checksum of a record's first two words, its payload, and its time: that comes last because the clock takes longest.
#[inline(always)]
pub(crate) fn checksum(seed: u32, head: [u64; 2], payload: impl Payload, time: u64) -> u32 {
    if has_instruction() {
        sum::<Instruction>(seed, head, payload, time)
    } else {
        sum::<Table>(seed, head, payload, time)
    }
}

/// The checksum of plain words.
pub(crate) fn checksum_of(seed: u32, words: &[u64]) -> u32 {
    let step = |crc, word: &u64| {
        if has_instruction() { Instruction::step(crc, *word) } else { Table::step(crc, *word) }
    };
    words.iter().fold(seed, step)
}

/// How one word is taken in.
pub(crate) trait Step {
    fn step(crc: u32, word: u64) -> u32;
}

#[inline(always)]
fn sum<S: Step>(seed: u32, head: [u64; 2], payload: impl Payload, time: u64) -> u32 {
    let crc = payload.take_in::<S>(head.into_iter().fold(seed, S::step));
    S::step(crc, time)
}

/// The processor's instruction; only where [`has_instruction`] says so.
struct Instruction;

#[cfg(all(target_arch = "x86_64", not(miri)))]
impl Step for Instruction {
    #[inline(always)]
    fn step(crc: u32, word: u64) -> u32 {
        let mut crc = u64::from(crc);
        // SAFETY: the processor has the instruction (the callers asked); it changes one register.
        unsafe {
            core::arch::asm!(
                "crc32 {crc}, {word}",
                crc = inout(reg) crc,
                word = in(reg) word,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        crc as u32 // the upper half is zero
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn has_instruction() -> bool {
    std::arch::is_x86_feature_detected!("sse4.2")
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
impl Step for Instruction {
    fn step(crc: u32, word: u64) -> u32 {
        Table::step(crc, word)
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
const fn has_instruction() -> bool {
    false
}

/// What the instruction does, by eight tables of 256 entries.
struct Table;

/// Castagnoli's polynomial, lowest bit first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
};

impl Step for Table {
    #[inline]
    fn step(crc: u32, word: u64) -> u32 {
        let bytes = (word ^ u64::from(crc)).to_le_bytes();
        bytes.into_iter().enumerate().fold(0, |crc, (index, byte)| crc ^ TABLES[7 - index][usize::from(byte)])
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use xbar_layout::sync::AtomicU64;

    /// The definition: bit by bit.
    fn by_bits(crc: u32, word: u64) -> u32 {
        let mut rest = word ^ u64::from(crc);
        for _ in 0..64 {
            rest = if rest & 1 == 1 { rest >> 1 ^ u64::from(POLYNOMIAL) } else { rest >> 1 };
        }
        rest as u32
    }

    #[test]
    fn instruction_and_tables_do_what_the_definition_says() {
        let mut word = 0x9e37_79b9_7f4a_7c15_u64;
        let mut crc = 0;
        for _ in 0..1000 {
            let expected = by_bits(crc, word);
            assert_eq!(Table::step(crc, word), expected);
            if has_instruction() {
                assert_eq!(Instruction::step(crc, word), expected);
            }
            crc = expected;
            word = word.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        }
        // The published check value: of "12345678", inverted before and behind.
        assert_eq!(!by_bits(!0, u64::from_le_bytes(*b"12345678")), 0x6087_809a);
    }

    #[test]
    fn every_bit_of_every_word_and_the_place_count() {
        for count in [0, 1, 3, LANES_FROM - 1, LANES_FROM, LANES_FROM + 3, 64] {
            let words: Vec<_> = (0..count as u64).map(|n| AtomicU64::new(n * 0x0101_0101)).collect();
            let sum = |seed, [a, b, time]: [u64; 3]| checksum(seed, [a, b], ReadU64::of_slice(&words), time);
            let whole = sum(7, [1, 2, 3]);
            assert_eq!(whole, super::sum::<Table>(7, [1, 2], ReadU64::of_slice(&words), 3));
            let mut bytes: Vec<_> = (0..count as u64).flat_map(|n| (n * 0x0101_0101).to_le_bytes()).collect();
            while bytes.last() == Some(&0) {
                bytes.pop(); // filled up again
            }
            if bytes.len().div_ceil(8) == count && count < LANES_FROM {
                assert_eq!(whole, checksum(7, [1, 2], Short(&bytes), 3));
            }
            assert_ne!(whole, sum(8, [1, 2, 3]));
            for bit in 0..64 {
                for index in 0..3 {
                    let mut head = [1, 2, 3];
                    head[index] ^= 1 << bit;
                    assert_ne!(whole, sum(7, head));
                }
                for word in &words {
                    let flip = || word.fetch_xor(1 << bit, xbar_layout::sync::Ordering::Relaxed);
                    flip();
                    assert_ne!(whole, sum(7, [1, 2, 3]));
                    flip();
                }
            }
        }
    }
}
