//! A source that is one of two.

use xbar_ring::{Look, Lossy, Rest, Source};

/// The reading end of a topic with one writer, or with many.
#[derive(Debug, Clone)]
pub enum Either<A, B> {
    /// Of one writer.
    One(A),
    /// Of many.
    Many(B),
}

macro_rules! each {
    ($either:expr, $source:ident => $does:expr) => {
        match $either {
            Either::One($source) => $does,
            Either::Many($source) => $does,
        }
    };
}

impl<A: Source, B: Source<Value = A::Value>> Source for Either<A, B> {
    type Value = A::Value;

    #[inline(always)]
    fn look(&mut self) -> Look<A::Value> {
        each!(self, source => source.look())
    }

    #[inline(always)]
    fn look_into(&mut self, place: &mut A::Value) -> Look<()> {
        each!(self, source => source.look_into(place))
    }

    fn catch_up(&mut self) -> u64 {
        each!(self, source => source.catch_up())
    }

    fn is_empty(&self) -> bool {
        each!(self, source => source.is_empty())
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        each!(self, source => source.position())
    }

    fn pending(&self) -> u64 {
        each!(self, source => source.pending())
    }

    fn sleep(&mut self, rest: Rest<'_>) {
        each!(self, source => source.sleep(rest));
    }
}

impl<A: Lossy, B: Lossy<Value = A::Value>> Lossy for Either<A, B> {
    fn skip_all(&mut self) {
        each!(self, source => source.skip_all());
    }

    fn rewind(&mut self) {
        each!(self, source => source.rewind());
    }

    fn skip_to_newest(&mut self) -> u64 {
        each!(self, source => source.skip_to_newest())
    }
}
