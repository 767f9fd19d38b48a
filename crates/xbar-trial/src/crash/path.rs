//! The instructions of one operation, as they were executed once, and the quickest way to come to each of them again.

use std::collections::HashMap;

/// How far to look back for a rare instruction.
const FARTHEST: usize = 4096;

/// Where to stop by a breakpoint, and how many single steps from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approach {
    /// Instruction number to break at.
    pub start: usize,
    /// Times that its address is come to, itself included.
    pub occurrence: u32,
}

/// Addresses of an operation's instructions: `addresses[k]` is that of the next one after k were executed.
#[derive(Debug, Clone)]
pub struct Path {
    addresses: Vec<u64>,
    occurrences: Vec<u32>,
}

impl Path {
    pub fn new(addresses: Vec<u64>) -> Self {
        let mut counts: HashMap<u64, u32> = HashMap::new();
        let mut count = |address: &u64| {
            let count = counts.entry(*address).or_default();
            *count += 1;
            *count
        };
        let occurrences = addresses.iter().map(&mut count).collect();
        Self { addresses, occurrences }
    }

    /// Instructions of the operation.
    pub fn instructions(&self) -> usize {
        self.addresses.len() - 1
    }

    /// The address of the next instruction after `k`.
    pub fn after(&self, k: usize) -> u64 {
        self.addresses[k]
    }

    /// The cheapest way to the place after `k` instructions: a stop at a breakpoint costs two steps, each time it is come by.
    pub fn approach(&self, k: usize) -> Approach {
        let cost = |start: &usize| 2 * self.occurrences[*start] as usize + (k - start);
        let start = (k.saturating_sub(FARTHEST)..=k).rev().min_by_key(cost).unwrap_or(k);
        Approach { start, occurrence: self.occurrences[start] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_approached_from_its_beginning_or_its_end() {
        let mut addresses = vec![1, 2];
        addresses.extend([10, 11].repeat(50));
        addresses.extend([3, 4]);
        let path = Path::new(addresses);
        assert_eq!(path.instructions(), 103);
        assert_eq!(path.approach(1), Approach { start: 1, occurrence: 1 });
        assert_eq!(path.approach(5), Approach { start: 3, occurrence: 1 });
        assert_eq!(path.approach(102), Approach { start: 102, occurrence: 1 });
        for k in 0..=103 {
            let Approach { start, occurrence } = path.approach(k);
            let seen = (0..=start).filter(|&at| path.after(at) == path.after(start)).count();
            assert!(start <= k && seen == occurrence as usize, "{k}");
        }
    }
}
