//! What a slot of the many-writer ring says: its stamp and its bypass, packed and read.

pub(super) const OWNER_BITS: u32 = 12;
pub(super) const STATE_BITS: u32 = 2;
pub(super) const STATE: u64 = 0b11;
pub(super) const HELD: u64 = 0;
pub(super) const SKIPPED: u64 = 1;
pub(super) const CLAIMED: u64 = 3;

/// Bits of a key that a claim has room for. One held while 2^50 messages pass (13 days at 1e9 messages/s) would be taken for
/// a newer one.
const CLAIM_KEY_BITS: u32 = 64 - OWNER_BITS - STATE_BITS;

pub(super) const fn key(sequence: u64) -> u64 {
    sequence.wrapping_add(1)
}

pub(super) const fn stamp(sequence: u64, state: u64) -> u64 {
    key(sequence) << STATE_BITS | state
}

pub(super) const fn claimed(sequence: u64, owner: u32) -> u64 {
    (key(sequence) << OWNER_BITS | owner as u64) << STATE_BITS | CLAIMED
}

/// How far the key of `stamp` is ahead of `sequence`'s; negative when it is older.
pub(super) const fn ahead(stamp: u64, sequence: u64) -> i64 {
    if stamp & STATE == CLAIMED {
        // As far as the bits reach, by sign.
        let distance = (stamp >> (STATE_BITS + OWNER_BITS)).wrapping_sub(key(sequence));
        (distance << (64 - CLAIM_KEY_BITS)) as i64 >> (64 - CLAIM_KEY_BITS)
    } else {
        (stamp >> STATE_BITS).wrapping_sub(key(sequence)) as i64
    }
}

/// What a slot says of one sequence number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not taken, and the slot is free.
    Open,
    /// Not taken, but the slot is still being written for an earlier lap.
    Blocked,
    /// Being written.
    Claimed,
    /// There.
    Held,
    /// Given up or bypassed: will never come.
    Void,
    /// The slot went on to a later lap.
    Gone,
}

#[inline(always)]
pub(super) const fn standing(stamp: u64, bypass: u64, sequence: u64) -> Standing {
    let ahead = ahead(stamp, sequence);
    if ahead > 0 {
        return Standing::Gone;
    }
    if ahead == 0 {
        return match stamp & STATE {
            HELD => Standing::Held,
            CLAIMED if bypass > key(sequence) => Standing::Gone,
            CLAIMED => Standing::Claimed,
            // SKIPPED; a state that is none of them is damage, and no message either.
            _ => Standing::Void,
        };
    }
    if bypass >= key(sequence) {
        Standing::Void
    } else if stamp & STATE == CLAIMED {
        Standing::Blocked
    } else {
        Standing::Open
    }
}
