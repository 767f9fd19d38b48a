//! Who owns which block of lent memory.
//!
//! Every block is, at every instant, in exactly one place: on the [`FreeList`], with one publisher (lent out, in its
//! magazine or in its [`Limbo`]), or named by a ring slot. Readers do not own blocks; they *hold* them through cells
//! of a [`Ledger`], and a publisher looks there before it uses a block again.
//!
//! - **Allocates?** No. Limbo and recovery work in memory that the caller lends.
//! - **Blocks?** No. The free list is lock-free; everything else belongs to one thread.
//! - **Who may call?** Any number of threads or processes over the same memory; each [`Supply`] has one owner.
//! - It knows no rings, no messages, and no operating system: who is dead is what the caller says.
#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

mod account;
mod freelist;
mod ledger;
mod limbo;
mod magazine;
mod payload;
mod recover;
mod supply;

pub use account::{Account, Accounting, Finished, Owner, Place, PoolLook};
pub use freelist::{FreeList, Intent};
pub use ledger::{Held, HoldError, Ledger, Ledgers, OwnedHeld};
pub use limbo::Limbo;
pub use payload::{PREPARED_BYTES, Payload};
pub use recover::{Census, Recovered};
pub use supply::{Block, Supply};
