//! Race-free copies between private bytes and shared words.
//!
//! A seqlock's reader may copy while the writer overwrites, so both sides copy with atomic accesses: relaxed words
//! up to [`WORDS_UP_TO`] bytes, above that a vector loop in assembly, which stands for a sequence of relaxed atomic
//! accesses (the compiler may not vectorise those itself). Under the model checker, Miri and on other machines
//! everything goes by words.
//!
//! Nothing here orders anything: stamps and fences around the copy do.

#![allow(unsafe_code)] // the vector loop, and values made of loaded bytes

use core::mem::MaybeUninit;

use bytemuck::Pod;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};

/// Bytes up to which words are at least as fast as the vector loop.
pub const WORDS_UP_TO: usize = 64;

const WORD: usize = 8;

/// Copies `from` into `to`, in memory order; the last word's missing bytes become zero.
///
/// # Panics
///
/// When `to` has fewer than `from.len() / 8` words, rounded up.
#[inline(always)]
pub fn store_bytes(to: &[AtomicU64], from: &[u8]) {
    let to = &to[..from.len().div_ceil(WORD)];
    let vectored = if from.len() > WORDS_UP_TO { from.len() / vector::TURN * vector::TURN } else { 0 };
    if vectored > 0 {
        // SAFETY: both have so many bytes, and `to` is shared through atomics or this loop alone.
        unsafe { vector::copy(from.as_ptr(), to.as_ptr().cast::<u8>().cast_mut(), vectored) };
    }
    let (to, from) = (&to[vectored / WORD..], &from[vectored..]);
    let (words, rest) = from.split_at(from.len() / WORD * WORD);
    for (word, bytes) in to.iter().zip(words.chunks_exact(WORD)) {
        let value = u64::from_ne_bytes(bytes.try_into().unwrap_or([0; WORD])); // always eight bytes
        // ORDERING: none; the slot's stamp publishes the copy.
        word.store(value, Ordering::Relaxed);
    }
    if !rest.is_empty() {
        // ORDERING: none; as above.
        to[words.len() / WORD].store(padded(rest), Ordering::Relaxed);
    }
}

/// Copies `from`, a few words at most, into `to`, in memory order; the last word's missing bytes become zero.
///
/// As [`store_bytes`], without its way for the long ones, which takes as long as all the rest of a short copy.
///
/// # Panics
///
/// When `from` is longer than `to`.
#[inline(always)]
pub fn store_few(to: &[AtomicU64], from: &[u8]) {
    assert!(from.len() <= to.len() * WORD, "{} bytes do not fit {} words", from.len(), to.len());
    // Most are one word, and this is the shortest way.
    if let ([word, ..], Ok(bytes)) = (to, from.try_into()) {
        // ORDERING: none; the slot's stamp publishes the copy.
        word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        return;
    }
    let mut rest = from;
    for word in to {
        let Some((bytes, behind)) = rest.split_first_chunk() else {
            if !rest.is_empty() {
                // ORDERING: none; as above.
                word.store(padded(rest), Ordering::Relaxed);
            }
            return;
        };
        // ORDERING: none; as above.
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        rest = behind;
    }
}

/// Copies `from` into `to`, in memory order.
///
/// # Panics
///
/// When `from` has fewer than `to.len() / 8` words, rounded up.
#[inline(always)]
pub fn load_bytes(to: &mut [u8], from: &[ReadU64]) {
    let from = &from[..to.len().div_ceil(WORD)];
    // SAFETY: a slice, and the words for it.
    unsafe { load(to.as_mut_ptr(), to.len(), from) };
}

/// Copies `from`, whose length is known at run time alone, into `to`, in memory order; the last word's missing bytes become zero.
///
/// As [`store_bytes`], without a call or a loop over words on the way of long ones: those would take the registers of whatever loop
/// this is inlined into.
///
/// # Panics
///
/// When `from` is longer than `to`.
#[inline(always)]
pub fn store_message(to: &[AtomicU64], from: &[u8]) {
    // Many are one word, and this is the shortest way.
    if let ([word, ..], Ok(bytes)) = (to, from.try_into()) {
        // ORDERING: none; the message's head publishes the copy.
        word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        return;
    }
    let whole = from.len() / WORD * WORD;
    if whole < vector::PAIR {
        return store_few(to, from);
    }
    assert!(from.len() <= to.len() * WORD, "{} bytes do not fit {} words", from.len(), to.len());
    // SAFETY: both have so many whole words, and `to` is shared through atomics or these moves alone.
    unsafe { vector::copy_words(from.as_ptr(), to.as_ptr().cast::<u8>().cast_mut(), whole) };
    if whole < from.len() {
        // ORDERING: none; the message's head publishes the copy.
        to[whole / WORD].store(padded(&from[whole..]), Ordering::Relaxed);
    }
}

/// Copies `from` into `to`, whose length is known at run time alone, in memory order.
///
/// As [`load_bytes`], without a call or a loop over words, as [`store_message`].
///
/// # Panics
///
/// When `from` is shorter than `to`.
#[inline(always)]
pub fn load_message(to: &mut [u8], from: &[ReadU64]) {
    // Many are one word, and this is the shortest way.
    if let ([word, ..], Ok(bytes)) = (from, <&mut [u8; WORD]>::try_from(&mut *to)) {
        *bytes = word.load_relaxed().to_ne_bytes();
        return;
    }
    let whole = to.len() / WORD * WORD;
    if whole < vector::PAIR {
        return load_few(to, from);
    }
    assert!(to.len() <= from.len() * WORD, "{} bytes are not in {} words", to.len(), from.len());
    // SAFETY: both have so many whole words, and `from` is shared through atomics or these moves alone.
    unsafe { vector::copy_words(from.as_ptr().cast(), to.as_mut_ptr(), whole) };
    if whole < to.len() {
        let (word, rest) = (&from[whole / WORD], &mut to[whole..]);
        // SAFETY: so many bytes.
        unsafe { load_part(rest.as_mut_ptr(), rest.len(), word.load_relaxed().to_ne_bytes()) };
    }
}

#[inline(always)]
fn load_few(to: &mut [u8], from: &[ReadU64]) {
    assert!(to.len() <= from.len() * WORD, "{} bytes are not in {} words", to.len(), from.len());
    let mut at = 0;
    for word in from {
        let rest = &mut to[at..];
        if let Some(bytes) = rest.first_chunk_mut() {
            *bytes = word.load_relaxed().to_ne_bytes();
        } else {
            if !rest.is_empty() {
                // SAFETY: so many bytes.
                unsafe { load_part(rest.as_mut_ptr(), rest.len(), word.load_relaxed().to_ne_bytes()) };
            }
            return;
        }
        at += WORD;
    }
}

/// Replaces what `to` holds by `bytes` bytes of `from`, in memory order.
///
/// # Panics
///
/// When `from` has fewer than `bytes / 8` words, rounded up, or when there is not so much memory.
#[cfg(feature = "alloc")]
pub fn load_vec(to: &mut alloc::vec::Vec<u8>, bytes: usize, from: &[ReadU64]) {
    let from = &from[..bytes.div_ceil(WORD)];
    to.clear();
    to.reserve(bytes);
    // SAFETY: reserved, and `from` has the words for it.
    unsafe { load(to.as_mut_ptr(), bytes, from) };
    // SAFETY: reserved, and every one of the bytes was stored.
    unsafe { to.set_len(bytes) };
}

/// Stores `value` as words, in memory order.
///
/// # Panics
///
/// When `to` has fewer words than a `T`.
#[inline(always)]
pub fn store_value<T: Pod>(to: &[AtomicU64], value: &T) {
    store_bytes(to, bytemuck::bytes_of(value));
}

/// Stores `part` into the words of a `T`, from byte `offset` of it on; the bytes around it stay. For the only writer of
/// the words.
///
/// # Panics
///
/// When it reaches beyond the `T`.
pub fn store_part<T>(to: &[AtomicU64], offset: usize, part: &[u8]) {
    store_part_of(to, size_of::<T>(), offset, part);
}

/// Stores `part` into the words of `bytes` bytes, from byte `offset` of them on; the bytes around it stay. For the only writer
/// of the words.
///
/// # Panics
///
/// When it reaches beyond them.
pub fn store_part_of(to: &[AtomicU64], bytes: usize, offset: usize, part: &[u8]) {
    let end = offset.saturating_add(part.len());
    assert!(
        end <= bytes,
        "a part of {} bytes at offset {offset} reaches beyond a value of {bytes}",
        part.len()
    );
    // Up to the next word's beginning and behind the last one's: word by word, keeping the other bytes.
    let aligned = offset.next_multiple_of(WORD).min(end);
    let (front, rest) = part.split_at(aligned - offset);
    store_in_word(to, offset, front);
    let (whole, back) = rest.split_at(rest.len() / WORD * WORD);
    if !whole.is_empty() {
        store_bytes(&to[aligned / WORD..], whole);
    }
    store_in_word(to, end - back.len(), back);
}

/// Stores fewer bytes than a word has, none of them in the next word.
fn store_in_word(to: &[AtomicU64], offset: usize, part: &[u8]) {
    if part.is_empty() {
        return;
    }
    let word = &to[offset / WORD];
    // ORDERING: none; nobody else stores here, and the slot's stamp publishes it.
    let mut bytes = word.load(Ordering::Relaxed).to_ne_bytes();
    bytes[offset % WORD..][..part.len()].copy_from_slice(part);
    // ORDERING: none; as above.
    word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
}

/// Loads a value that was stored as words, if `is_whole` says afterwards that nobody has stored meanwhile. A torn copy is
/// thrown away.
///
/// # Panics
///
/// When `from` has fewer words than a `T`.
#[inline(always)]
pub fn load_value<T: Pod>(from: &[ReadU64], is_whole: impl FnOnce() -> bool) -> Option<T> {
    let from = &from[..size_of::<T>().div_ceil(WORD)];
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the place has the bytes of a T, and `from` the words for them.
    unsafe { load(value.as_mut_ptr().cast(), size_of::<T>(), from) };
    // SAFETY: every byte was stored, and any bytes are a T (Pod).
    is_whole().then(|| unsafe { value.assume_init() })
}

/// Copies `from` to the `bytes` bytes at `to`.
///
/// # Safety
///
/// `to` must be valid for `bytes` bytes and nobody else's; `from` must have the words for them.
#[inline(always)]
unsafe fn load(to: *mut u8, bytes: usize, from: &[ReadU64]) {
    let vectored = if bytes > WORDS_UP_TO { bytes / vector::TURN * vector::TURN } else { 0 };
    if vectored > 0 {
        // SAFETY: both are valid for so many bytes, and `from` is shared through atomics or this loop alone.
        unsafe { vector::copy(from.as_ptr().cast(), to, vectored) };
    }
    let (words, last) = from.split_at(bytes / WORD);
    for (index, word) in words.iter().enumerate().skip(vectored / WORD) {
        // SAFETY: the word's bytes lie within.
        let to = unsafe { to.add(index * WORD) };
        // SAFETY: as above, aligned or not.
        unsafe { to.cast::<u64>().write_unaligned(word.load_relaxed()) };
    }
    if let Some(word) = last.first() {
        // SAFETY: behind the whole words.
        let to = unsafe { to.add(words.len() * WORD) };
        // SAFETY: the rest of the bytes lies there.
        unsafe { load_part(to, bytes % WORD, word.load_relaxed().to_ne_bytes()) };
    }
}

/// Sizes that make every number of bytes below a word: the compiler knows them, so that nobody calls `memcpy` for one or two.
const PARTS: [usize; 3] = [4, 2, 1];

/// The first `bytes` bytes of a word.
///
/// # Safety
///
/// `to` must be valid for `bytes` bytes, fewer than a word, and nobody else's.
#[inline(always)]
unsafe fn load_part(to: *mut u8, bytes: usize, word: [u8; WORD]) {
    let mut at = 0;
    for part in PARTS {
        if bytes & part != 0 {
            // SAFETY: `at` is what the parts so far made of `bytes`.
            let to = unsafe { to.add(at) };
            // SAFETY: as above; an array and somebody's private bytes do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(word[at..].as_ptr(), to, part) };
            at += part;
        }
    }
}

/// A word of fewer bytes, and zeroes.
#[inline(always)]
fn padded(bytes: &[u8]) -> u64 {
    let (mut word, mut at) = ([0; WORD], 0);
    for part in PARTS {
        if bytes.len() & part != 0 {
            word[at..at + part].copy_from_slice(&bytes[at..at + part]);
            at += part;
        }
    }
    u64::from_ne_bytes(word)
}

#[cfg(all(target_arch = "x86_64", not(any(xbar_loom, xbar_tsan, miri))))]
mod vector;

#[cfg(not(all(target_arch = "x86_64", not(any(xbar_loom, xbar_tsan, miri)))))]
mod vector {
    /// No vector loop here: everything by words.
    pub(super) const TURN: usize = usize::MAX;
    /// As above.
    pub(super) const PAIR: usize = usize::MAX;

    /// Never called: no number of bytes is a whole turn.
    pub(super) unsafe fn copy(_from: *const u8, _to: *mut u8, _bytes: usize) {}

    /// As above.
    pub(super) unsafe fn copy_words(_from: *const u8, _to: *mut u8, _bytes: usize) {}
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_length_arrives_whole_and_nothing_beside_it_changes() {
        for length in (0..300_usize).chain([511, 512, 513, 4096]) {
            let from: Vec<u8> = (0..length).map(|i| (i * 7 + 1) as u8).collect();
            let words: Vec<AtomicU64> = (0..length / 8 + 3).map(|_| AtomicU64::new(u64::MAX)).collect();
            store_bytes(&words, &from);
            let used = length.div_ceil(8);
            assert!(words[used..].iter().all(|w| ReadU64::of(w).load_relaxed() == u64::MAX), "{length}");
            let mut to = std::vec![0xee; length];
            load_bytes(&mut to, ReadU64::of_slice(&words));
            assert_eq!(to, from);
        }
    }

    #[test]
    fn a_few_words_are_stored_as_many_are() {
        for length in 0..=48 {
            let from: Vec<u8> = (0..length).map(|i| (i * 7 + 1) as u8).collect();
            let [few, many] = [(); 2].map(|()| [(); 6].map(|()| AtomicU64::new(u64::MAX)));
            store_few(&few, &from);
            store_bytes(&many, &from);
            let words = |words: &[AtomicU64]| words.iter().map(|w| ReadU64::of(w).load_relaxed()).collect();
            let (few, many): (Vec<_>, Vec<_>) = (words(&few), words(&many));
            assert_eq!(few, many, "{length}");
        }
    }

    #[test]
    fn messages_of_every_length_arrive_whole_and_nothing_beside_them_changes() {
        for length in (0..300_usize).chain([511, 1016, 4096]) {
            let from: Vec<u8> = (0..length).map(|i| (i * 7 + 1) as u8).collect();
            let words: Vec<AtomicU64> = (0..length / 8 + 3).map(|_| AtomicU64::new(u64::MAX)).collect();
            store_message(&words, &from);
            let used = length.div_ceil(8);
            assert!(words[used..].iter().all(|w| ReadU64::of(w).load_relaxed() == u64::MAX), "{length}");
            let mut to = std::vec![0xee; length + 9];
            load_message(&mut to[..length], ReadU64::of_slice(&words));
            assert_eq!((&to[..length], &to[length..]), (&from[..], &[0xee; 9][..]));
            #[cfg(feature = "alloc")]
            {
                let mut to = std::vec![1, 2, 3];
                load_vec(&mut to, length, ReadU64::of_slice(&words));
                assert_eq!(to, from);
            }
        }
    }

    #[test]
    #[should_panic(expected = "49 bytes do not fit 6 words")]
    fn more_than_a_few_words_are_refused() {
        store_few(&[(); 6].map(|()| AtomicU64::new(0)), &[0; 49]);
    }

    #[test]
    fn a_part_changes_its_bytes_and_no_others() {
        const BYTES: usize = 203;
        for offset in 0..40 {
            for length in 0..=BYTES - offset {
                let words: Vec<AtomicU64> =
                    (0..BYTES.div_ceil(8)).map(|_| AtomicU64::new(u64::MAX)).collect();
                let part: Vec<u8> = (0..length).map(|i| (i * 3 + 1) as u8).collect();
                store_part::<[u8; BYTES]>(&words, offset, &part);
                let mut expected = [0xff; BYTES];
                expected[offset..offset + length].copy_from_slice(&part);
                assert_eq!(load_value::<[u8; BYTES]>(ReadU64::of_slice(&words), || true), Some(expected));
            }
        }
    }

    #[test]
    #[should_panic(expected = "a part of 2 bytes at offset 7 reaches beyond a value of 8")]
    fn a_part_beyond_the_value_is_refused() {
        store_part::<u64>(&[AtomicU64::new(0), AtomicU64::new(0)], 7, &[1, 2]);
    }
}
