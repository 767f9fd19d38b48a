//! Any bytes, read as a list of choices that ends.

/// What is left of an input.
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl Bytes<'_> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> Option<usize> {
        let wide = end > 256;
        let number = usize::from(self.byte()?) | if wide { usize::from(self.byte()?) << 8 } else { 0 };
        Some(number % end.max(1))
    }

    /// Up to eight bytes; zeroes where there are no more.
    pub(crate) fn word(&mut self) -> u64 {
        let mut eight = [0; 8];
        let taken = self.0.len().min(8);
        eight[..taken].copy_from_slice(&self.0[..taken]);
        self.0 = &self.0[taken..];
        u64::from_le_bytes(eight)
    }

    /// What becomes of a word that says `old`: something near it, something at an end, or anything.
    pub(crate) fn damage(&mut self, old: u64) -> Option<u64> {
        Some(match self.byte()? {
            0 => 0,
            1 => u64::MAX,
            2 => u64::MAX - 1,
            3 => 1 << 63,
            4 => u64::from(u32::MAX),
            5 => u64::from(u32::MAX) << 32,
            kind @ 6..=69 => old ^ 1 << (kind - 6),
            kind @ 70..=133 => old.wrapping_add(u64::from(kind - 69)),
            kind @ 134..=197 => old.wrapping_sub(u64::from(kind - 133)),
            kind @ 198..=229 => u64::from(kind - 198),
            _ => self.word(),
        })
    }
}
