//! Words on cache lines of their own.

use xbar_layout::sync::AtomicU64;
use xbar_layout::{array_of, const_unless_modelled};

use crate::stride::LINE_WORDS;

/// Eight words that begin on a cache line, and fill it.
#[repr(align(64))]
#[derive(Debug)]
pub struct Line([AtomicU64; LINE_WORDS]);

const _: () = assert!(size_of::<Line>() == LINE_WORDS * size_of::<AtomicU64>());

impl Line {
    const_unless_modelled! {
        /// A line of zeroes.
        pub fn zeroed() -> Self {
            Self(array_of![AtomicU64::new(0); LINE_WORDS])
        }
    }

    /// The first word.
    #[inline(always)]
    pub const fn first(&self) -> &AtomicU64 {
        &self.0[0]
    }
}
