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

/// Stops that are too many to come to one of some places.
const FAR: usize = 600;

/// Instructions of a short operation, at most.
const SHORT: usize = 2500;

/// So many instructions of a long operation, about, whatever they do.
const SAMPLES: usize = 100;

/// Addresses of an operation's instructions: `addresses[k]` is that of the next one after k were executed.
#[derive(Debug, Clone)]
pub struct Path {
    addresses: Vec<u64>,
    occurrences: Vec<u32>,
    /// After which instructions others see something else than before.
    visible: Vec<usize>,
}

impl Path {
    pub fn new(addresses: Vec<u64>, visible: Vec<usize>) -> Self {
        let mut counts: HashMap<u64, u32> = HashMap::new();
        let mut count = |address: &u64| {
            let count = counts.entry(*address).or_default();
            *count += 1;
            *count
        };
        let occurrences = addresses.iter().map(&mut count).collect();
        Self { addresses, occurrences, visible }
    }

    /// Instructions of the operation.
    pub fn instructions(&self) -> usize {
        self.addresses.len() - 1
    }

    /// After which to kill, about `some` of them or all. In a short operation after every single one. In a long one after each that
    /// others can see something of: deaths in between are the same to them; and, as a check of that, after
    /// [`SAMPLES`] of the others.
    pub fn places(&self, some: Option<usize>) -> Vec<usize> {
        let every = 1..=self.instructions();
        let mut places: Vec<usize> = match some {
            None if self.instructions() > SHORT => self
                .visible
                .iter()
                .copied()
                .chain(every.step_by(self.instructions() / SAMPLES))
                .chain([self.instructions()])
                .collect(),
            _ => every.collect(),
        };
        places.sort_unstable();
        places.dedup();
        let stride = some.map_or(1, |some| (places.len() / some).max(1));
        let mut chosen: Vec<usize> = places.into_iter().rev().step_by(stride).collect();
        chosen.reverse();
        if some.is_some() {
            // Not deep inside of long loops.
            chosen.retain(|&k| self.cost(k, self.approach(k).start) < FAR);
        }
        chosen
    }

    /// The address of the next instruction after `k`.
    pub fn after(&self, k: usize) -> u64 {
        self.addresses[k]
    }

    /// The cheapest way to the place after `k` instructions: a stop at a breakpoint costs two steps, each time it is come by.
    pub fn approach(&self, k: usize) -> Approach {
        let starts = (k.saturating_sub(FARTHEST)..=k).rev();
        let start = starts.min_by_key(|&start| self.cost(k, start)).unwrap_or(k);
        Approach { start, occurrence: self.occurrences[start] }
    }

    /// Stops on the way to `k` by a breakpoint at `start`.
    fn cost(&self, k: usize, start: usize) -> usize {
        2 * self.occurrences[start] as usize + (k - start)
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
        let path = Path::new(addresses, Vec::new());
        assert_eq!(path.instructions(), 103);
        assert_eq!(path.approach(1), Approach { start: 1, occurrence: 1 });
        assert_eq!(path.approach(5), Approach { start: 5, occurrence: 2 });
        assert_eq!(path.approach(102), Approach { start: 102, occurrence: 1 });
        for k in 0..=103 {
            let Approach { start, occurrence } = path.approach(k);
            let seen = (0..=start).filter(|&at| path.after(at) == path.after(start)).count();
            assert!(start <= k && seen == occurrence as usize, "{k}");
        }
    }

    #[test]
    fn every_instruction_is_a_place_in_short_operations_and_every_visible_one_in_long_ones() {
        let short = Path::new((0..=100).collect(), vec![3, 50]);
        assert_eq!(short.places(None), (1..=100).collect::<Vec<_>>());
        assert_eq!(short.places(Some(4)), [25, 50, 75, 100]);
        let long = Path::new((0..=10_000).collect(), vec![3, 4, 5000]);
        let places = long.places(None);
        assert!([3, 4, 5000, 1, 101, 10_000].iter().all(|place| places.contains(place)));
        assert!(places.len() < 110, "{}", places.len());
        assert!(places.is_sorted());
    }
}
