//! The loom shim: every atomic operation of the project goes through here, so that a model checker can see it.
//!
//! No other source file names the `xbar_loom` cfg or imports `core::sync::atomic`. Beside the plain atomics the
//! shim has what shared memory needs:
//!
//! - [`ReadU32`], [`ReadU64`]: words seen through a *read-only* mapping. Only small relaxed loads are defined
//!   there (std's `sync::atomic` documentation, "Atomic accesses to read-only memory"), so these types can do
//!   nothing else; "acquire" is a relaxed load and an acquire fence, which costs nothing on x86_64.
//! - [`full_fence`] and [`claim_then_full_fence`]: the two sides of hold against reclaim.

#![allow(unsafe_code)] // two lines of assembly and two pointer casts, each with its reason

#[cfg(not(xbar_loom))]
mod imp {
    pub use core::hint::spin_loop;
    pub use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence, fence};

    /// A place that a protocol hands from one thread to another. Under the model checker every access is checked
    /// against every other; here it is the plain cell.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// A cell around `value`.
        pub const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        /// Gives `read` the place, to be read while nobody writes.
        #[inline(always)]
        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Gives `write` the place, to be written while nobody else touches it.
        #[inline(always)]
        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(xbar_loom)]
mod imp {
    pub use loom::cell::UnsafeCell;
    pub use loom::hint::spin_loop;
    pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

    /// The model checker knows no asymmetric fences: both sides are full ones there.
    pub fn compiler_fence(order: Ordering) {
        fence(order);
    }
}

pub use imp::{AtomicU32, AtomicU64, Ordering, UnsafeCell, fence, spin_loop};

/// A function that is `const` except under the model checker, whose words belong to one run of a model.
#[cfg(not(xbar_loom))]
#[macro_export]
macro_rules! const_unless_modelled {
    ($(#[$meta:meta])* $visible:vis fn $($rest:tt)*) => { $(#[$meta])* $visible const fn $($rest)* };
}
/// An array of `$count` times what `$make` makes: constant, except under the model checker.
#[cfg(not(xbar_loom))]
#[macro_export]
macro_rules! array_of {
    ($make:expr; $count:ident) => {
        [const { $make }; $count]
    };
}
/// An array of `$count` times what `$make` makes: constant, except under the model checker.
#[cfg(xbar_loom)]
#[macro_export]
macro_rules! array_of {
    ($make:expr; $count:ident) => {
        ::core::array::from_fn::<_, $count, _>(|_| $make)
    };
}

/// A function that is `const` except under the model checker, whose words belong to one run of a model.
#[cfg(xbar_loom)]
#[macro_export]
macro_rules! const_unless_modelled {
    ($(#[$meta:meta])* $visible:vis fn $($rest:tt)*) => { $(#[$meta])* $visible fn $($rest)* };
}

/// Atomics that the model checker does not see, for statics that no model touches: facts of the whole process.
pub mod unmodelled {
    pub use core::sync::atomic::{AtomicI32, AtomicPtr};
}

/// True when the atomics are the model checker's: assembly and the kernel are out of reach then.
pub const MODELLED: bool = cfg!(xbar_loom);

macro_rules! read_word {
    ($(#[$doc:meta])* $name:ident, $atomic:ident, $int:ident) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Debug)]
        pub struct $name($atomic);

        impl $name {
            /// The value, ordered with nothing.
            #[inline(always)]
            pub fn load_relaxed(&self) -> $int {
                // ORDERING: none; the caller orders it with a fence or needs no order.
                self.0.load(Ordering::Relaxed)
            }

            /// The value; what the writer stored before its release of this value is visible afterwards.
            #[inline(always)]
            pub fn load_acquire(&self) -> $int {
                // ORDERING: a relaxed load and an acquire fence, because through a read-only mapping no stronger
                // load is defined. The fence pairs with the release that the caller names.
                let value = self.0.load(Ordering::Relaxed);
                fence(Ordering::Acquire);
                value
            }
        }
    };
}

read_word! {
    /// A 32-bit word that is only ever loaded.
    ReadU32, AtomicU32, u32
}
read_word! {
    /// A 64-bit word that is only ever loaded.
    ReadU64, AtomicU64, u64
}

impl ReadU32 {
    /// The same word, seen by somebody who may only look.
    #[inline(always)]
    pub fn of(word: &AtomicU32) -> &Self {
        // SAFETY: repr(transparent) over the same type.
        unsafe { &*core::ptr::from_ref(word).cast::<Self>() }
    }

    /// The word as the kernel's futex calls take it: they only load it.
    ///
    /// # Panics
    ///
    /// Under the model checker, which has no kernel.
    pub fn for_kernel(&self) -> &core::sync::atomic::AtomicU32 {
        for_kernel(&self.0)
    }
}

impl ReadU64 {
    /// The same word, seen by somebody who may only look.
    #[inline(always)]
    pub fn of(word: &AtomicU64) -> &Self {
        // SAFETY: repr(transparent) over the same type.
        unsafe { &*core::ptr::from_ref(word).cast::<Self>() }
    }

    /// The same words, seen by somebody who may only look.
    #[inline(always)]
    pub fn of_slice(words: &[AtomicU64]) -> &[Self] {
        // SAFETY: repr(transparent) over the same type, so the slices have the same layout.
        unsafe { &*(core::ptr::from_ref(words) as *const [Self]) }
    }
}

/// A word as the kernel's futex calls take it.
///
/// # Panics
///
/// Under the model checker, which has no kernel.
pub fn for_kernel(word: &AtomicU32) -> &core::sync::atomic::AtomicU32 {
    if MODELLED {
        panic!("the model checker's words are unknown to the kernel");
    }
    // SAFETY: not modelled, so AtomicU32 is core's own type and the cast changes nothing.
    unsafe { &*core::ptr::from_ref(word).cast() }
}

/// A sequentially consistent fence: store before, load after, in the order of every other such fence.
#[inline(always)]
pub fn full_fence() {
    // ORDERING: full-fence. The callers name the partner: hold against reclaim, publish against park.
    fence(Ordering::SeqCst);
}

/// The cheap side of an asymmetric pair of full fences: it holds the compiler back, and the other side, which pays for
/// both, makes every core run a full fence (`membarrier`). Under the model checker it is a full fence itself.
#[inline(always)]
pub fn light_fence() {
    // ORDERING: full-fence. As `full_fence`, given a partner that reaches over.
    imp::compiler_fence(Ordering::SeqCst);
}

/// Sets `cell` from 0 to `value`, then a [`full_fence`]; false, and the cell untouched, when it was not 0.
///
/// One locked instruction on x86_64, where the lock prefix is the full barrier already and a fence behind it would
/// be paid a second time.
#[inline(always)]
pub fn claim_then_full_fence(cell: &AtomicU32, value: u32) -> bool {
    #[cfg(all(target_arch = "x86_64", not(any(xbar_loom, miri))))]
    {
        let found: u32;
        // SAFETY: `cell` is a valid, aligned, writable word; the instruction is an atomic compare-and-exchange with
        // the fence that the lock prefix implies, that is, the code of the other branch. Flags are clobbered
        // (no `preserves_flags`), memory is ordered (no `nomem`).
        unsafe {
            core::arch::asm!(
                "lock cmpxchg dword ptr [{cell}], {value:e}",
                cell = in(reg) cell.as_ptr(),
                value = in(reg) value,
                inout("eax") 0_u32 => found,
                options(nostack),
            );
        }
        found == 0
    }
    #[cfg(not(all(target_arch = "x86_64", not(any(xbar_loom, miri)))))]
    {
        // ORDERING: ledger: relaxed, because the fence below orders it; and a read-modify-write, so that it stays in the
        // release sequence of whoever cleared the cell: a reclaimer that finds the new value has seen the end of the
        // reads made under the old one.
        let claimed = cell.compare_exchange(0, value, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        full_fence();
        claimed
    }
}
