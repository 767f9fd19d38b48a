//! Memory with wishes: huge pages, locked, touched beforehand, near a core; each granted, or refused with what to raise.

#![allow(unsafe_code)] // mmap, advice about it, and the system call that rustix lacks

use std::fmt;
use std::ptr::{self, NonNull};

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};
use rustix::process::{Resource, getrlimit};
use xbar_layout::Space;

use crate::mapping::Mapping;

/// Bytes of a huge page: of the usual size on x86_64 and aarch64.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// How many nodes a mask has room for.
const MOST_NODES: u32 = 1024;

/// Which pages to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pages {
    /// As the system does.
    #[default]
    Usual,
    /// Huge ones where the system has some at hand: asked for, not promised.
    HugeIfPossible,
    /// Huge ones of the system's reserve, or none at all.
    Huge,
}

/// What is wished of memory. Without a wish it is as any other.
///
/// ```
/// use xbar_layout::Space;
/// use xbar_shm::memory::Memory;
///
/// let space = Memory::new().prefault().lend(1 << 16)?;
/// assert!(space.bytes().len() >= 1 << 16);
/// # Ok::<(), xbar_shm::memory::MemoryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Memory {
    pages: Pages,
    locked: bool,
    prefault: bool,
    node: Option<u32>,
}

impl Memory {
    /// No wishes.
    pub const fn new() -> Self {
        Self { pages: Pages::Usual, locked: false, prefault: false, node: None }
    }

    /// Which pages: fewer and larger ones cost fewer misses of the address cache.
    pub const fn pages(self, pages: Pages) -> Self {
        Self { pages, ..self }
    }

    /// Never swapped out.
    pub const fn locked(self) -> Self {
        Self { locked: true, ..self }
    }

    /// Touched now, so that no message pays for a page's first use.
    pub const fn prefault(self) -> Self {
        Self { prefault: true, ..self }
    }

    /// Preferably of that memory node: see [`topology`](crate::affinity::topology).
    pub const fn on_node(self, node: u32) -> Self {
        Self { node: Some(node), ..self }
    }

    /// At least `bytes` of memory as wished, of zeroes, for one owner.
    ///
    /// # Errors
    ///
    /// [`MemoryError`], naming the wish that was refused.
    pub fn lend(&self, bytes: usize) -> Result<LentMemory, MemoryError> {
        let grain = if self.pages == Pages::Usual { 4096 } else { HUGE_PAGE_BYTES };
        let too_much = || MemoryError { wish: Wish::Map, bytes, errno: Errno::NOMEM };
        let bytes = bytes.max(1).checked_next_multiple_of(grain).ok_or_else(too_much)?;
        let (flags, wish) = match self.pages {
            Pages::Huge => (MapFlags::PRIVATE | MapFlags::HUGETLB, Wish::HugePages),
            _ => (MapFlags::PRIVATE, Wish::Map),
        };
        let refused = |errno| MemoryError { wish, bytes, errno };
        // SAFETY: a new mapping at an address that the kernel chooses replaces nothing.
        let base =
            unsafe { mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags) };
        let base = NonNull::new(base.map_err(refused)?.cast()).ok_or_else(too_much)?;
        let memory = LentMemory { base, bytes };
        self.grant(memory.bytes(), true)?;
        Ok(memory)
    }

    /// Does as wished with what is mapped already: a region, say. Huge pages of the system's reserve come with a file of their
    /// own, so for those [`Pages::HugeIfPossible`] is the most that can be asked for.
    ///
    /// # Errors
    ///
    /// [`MemoryError`]; wishes before the refused one are granted.
    pub fn apply(&self, mapping: &Mapping) -> Result<(), MemoryError> {
        let bytes = NonNull::slice_from_raw_parts(mapping.base(), mapping.len());
        if self.pages == Pages::Huge {
            return Err(MemoryError { wish: Wish::HugePages, bytes: bytes.len(), errno: Errno::OPNOTSUPP });
        }
        self.grant(bytes, mapping.is_writable())
    }

    /// Near before huge before touched before locked: each decides about pages that the next one takes.
    fn grant(&self, memory: NonNull<[u8]>, is_writable: bool) -> Result<(), MemoryError> {
        let (base, bytes) = (memory.as_ptr().cast(), memory.len());
        let refused = |wish| move |errno| MemoryError { wish, bytes, errno };
        if let Some(node) = self.node {
            prefer(base, bytes, node).map_err(refused(Wish::Node(node)))?;
        }
        if self.pages == Pages::HugeIfPossible {
            // SAFETY: advice about whole pages of a mapping that the caller keeps; it changes no byte.
            unsafe { madvise(base, bytes, Advice::LinuxHugepage) }.map_err(refused(Wish::HugePages))?;
        }
        if self.prefault {
            let advice = if is_writable { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
            // SAFETY: as above.
            unsafe { madvise(base, bytes, advice) }.map_err(refused(Wish::Prefault))?;
        }
        if self.locked {
            // SAFETY: as above.
            unsafe { mlock(base, bytes) }.map_err(refused(Wish::Lock))?;
        }
        Ok(())
    }
}

/// Prefers `node` for pages that are not taken yet.
fn prefer(base: *mut core::ffi::c_void, bytes: usize, node: u32) -> Result<(), Errno> {
    const PREFERRED: libc::c_int = 1;
    if node >= MOST_NODES {
        return Err(Errno::INVAL);
    }
    let mut mask = [0_u64; MOST_NODES as usize / 64];
    mask[node as usize / 64] |= 1 << (node % 64);
    // SAFETY: the range is a mapping that the caller keeps, the mask is as long as is said; no byte is changed.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mbind,
            base,
            bytes,
            PREFERRED,
            mask.as_ptr(),
            libc::c_ulong::from(MOST_NODES),
            0_u32,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
    }
}

/// Memory from [`Memory::lend`], for a ring to lie in. Unmapped when it is dropped.
///
/// Invariant 1: `base` is valid for reads and writes of `bytes` bytes as long as this lives, and nobody else's.
pub struct LentMemory {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: an address range, valid from every thread.
unsafe impl Send for LentMemory {}
// SAFETY: as above; `&self` gives out nothing but the address.
unsafe impl Sync for LentMemory {}

// SAFETY: invariant 1; the address does not change when this moves.
unsafe impl Space for LentMemory {
    fn bytes(&self) -> NonNull<[u8]> {
        NonNull::slice_from_raw_parts(self.base, self.bytes)
    }
}

impl Drop for LentMemory {
    fn drop(&mut self) {
        // SAFETY: mapped by `lend`; whoever used it holds this no longer.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}

impl fmt::Debug for LentMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LentMemory").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// What was wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wish {
    /// Memory at all.
    Map,
    /// Huge pages.
    HugePages,
    /// Never to be swapped out.
    Lock,
    /// To be touched beforehand.
    Prefault,
    /// To be of a node.
    Node(u32),
}

/// A wish that the system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryError {
    /// Which.
    pub wish: Wish,
    /// For how much memory.
    pub bytes: usize,
    /// What the system said.
    pub errno: Errno,
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wish, bytes, errno } = self;
        match wish {
            Wish::Map => {
                write!(
                    f,
                    "cannot map {bytes} bytes: {errno}: use less, or raise the limit on memory (ulimit -v)"
                )
            }
            Wish::HugePages => write!(
                f,
                "no huge pages for {bytes} bytes: {errno}: reserve {} of them (vm.nr_hugepages), or take them where possible",
                bytes.div_ceil(HUGE_PAGE_BYTES)
            ),
            Wish::Lock => write!(
                f,
                "cannot lock {bytes} bytes: {errno}: raise RLIMIT_MEMLOCK (ulimit -l), now {}",
                getrlimit(Resource::Memlock)
                    .current
                    .map_or_else(|| "unlimited".into(), |now| format!("{now} bytes"))
            ),
            Wish::Prefault => write!(
                f,
                "cannot touch {bytes} bytes beforehand: {errno}: use less, raise the limit on memory, or use Linux 5.14"
            ),
            Wish::Node(node) => write!(
                f,
                "cannot prefer memory node {node} for {bytes} bytes: {errno}: choose one of affinity::topology, and allow \
                 mbind"
            ),
        }
    }
}

impl std::error::Error for MemoryError {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn lent_memory_is_zeroed_and_as_long_as_asked_for() {
        for memory in [Memory::new(), Memory::new().prefault(), Memory::new().pages(Pages::HugeIfPossible)] {
            let lent = memory.lend(10_000).unwrap();
            let bytes = lent.bytes();
            assert!(bytes.len() >= 10_000);
            // SAFETY: nobody else has it.
            assert!(unsafe { bytes.as_ref() }.iter().all(|byte| *byte == 0));
        }
    }

    /// Granted or refused, by whichever machine: a refusal says what to raise.
    #[test]
    fn a_refused_wish_says_what_to_do() {
        let wishes = [
            (Memory::new().pages(Pages::Huge), "vm.nr_hugepages"),
            (Memory::new().locked(), "RLIMIT_MEMLOCK"),
            (Memory::new().on_node(MOST_NODES), "affinity::topology"),
            (Memory::new().on_node(MOST_NODES - 1), "affinity::topology"),
        ];
        for (memory, advice) in wishes {
            if let Err(error) = memory.lend(1 << 20) {
                let line = error.to_string();
                assert!(line.contains(advice) && line.contains("bytes"), "{line}");
            }
        }
        assert!(Memory::new().on_node(MOST_NODES).lend(1).is_err());
        let line = Memory::new().lend(usize::MAX).unwrap_err().to_string();
        assert!(line.contains("ulimit -v"), "{line}");
    }

    #[test]
    fn a_mapping_is_touched_as_wished() {
        let file = std::fs::File::options().read(true).open("/proc/self/exe").unwrap();
        let mapping = Arc::new(Mapping::new(std::os::fd::AsFd::as_fd(&file), 0, 4096, false).unwrap());
        assert!(Memory::new().pages(Pages::Huge).apply(&mapping).is_err(), "comes with a file of its own");
        // Kernels before 5.14 cannot, and say so.
        if let Err(error) = Memory::new().prefault().apply(&mapping) {
            assert_eq!(error.wish, Wish::Prefault);
        }
    }
}
