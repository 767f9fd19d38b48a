//! Firmware: an interrupt handler publishes readings, a loop receives them, through a ring in a `static`.
//!
//! It runs on a bare x86_64 or aarch64 Linux kernel, so that it can be tried: there is a kernel to exit to, and nothing
//! else. On a device, `interrupt` is what the vector table names.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use xbar_ring::bytemuck::{Pod, Zeroable};
use xbar_ring::{FixedPublisher, FixedRing, TryRecvError};

#[derive(Clone, Copy, PartialEq, Pod, Zeroable)]
#[bytemuck(crate = "xbar_ring::bytemuck")]
#[repr(C)]
struct Reading {
    tick: u32,
    millivolts: u32,
}

const SLOTS: usize = 8;

static READINGS: FixedRing<Reading, SLOTS> = FixedRing::new();

/// Wait-free, as an interrupt handler must be: it cannot wait for the loop that it interrupts.
fn interrupt(publisher: &mut FixedPublisher<'_, Reading, SLOTS>, tick: u32) {
    publisher.publish(Reading { tick, millivolts: 3_000 + tick });
}

/// 0 when everything that was published was received or reported as missed.
fn run() -> i32 {
    let Some((mut publisher, subscribers)) = READINGS.split() else { return 1 };
    let mut subscriber = subscribers.subscribe();
    let mut expected = 0;
    for tick in 0..1_000 {
        interrupt(&mut publisher, tick);
        // The loop is late now and then, and the ring laps it.
        if tick % 20 > 12 {
            continue;
        }
        loop {
            match subscriber.try_recv() {
                Ok(Reading { tick, millivolts }) if tick == expected && millivolts == 3_000 + tick => {
                    expected += 1
                }
                Ok(_) => return 2,
                Err(TryRecvError::Lagged { missed }) => expected += missed as u32,
                Err(_) => break,
            }
        }
    }
    while subscriber.try_recv() != Err(TryRecvError::Empty) {}
    let accounted = subscriber.total_received() + subscriber.total_missed() == publisher.published();
    if accounted && subscriber.total_missed() > 0 { 0 } else { 3 }
}

/// Where the linker begins: a stack as functions expect it, then `entry`.
#[allow(unsafe_code)] // the first instructions
mod start {
    #[cfg(target_arch = "x86_64")]
    core::arch::global_asm!(
        ".globl _start",
        "_start:",
        "xor ebp, ebp",
        "and rsp, -16",
        "call {entry}",
        entry = sym super::entry
    );
    #[cfg(target_arch = "aarch64")]
    core::arch::global_asm!(".globl _start", "_start:", "bl {entry}", entry = sym super::entry);
}

extern "C" fn entry() -> ! {
    exit(run())
}

#[allow(unsafe_code)] // a system call
fn exit(status: i32) -> ! {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: exit_group(status) of Linux; it does not return.
    unsafe {
        core::arch::asm!("syscall", in("rax") 231, in("rdi") status, options(noreturn))
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: exit_group(status) of Linux; it does not return.
    unsafe {
        core::arch::asm!("svc 0", in("x8") 94, in("x0") status, options(noreturn))
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}
