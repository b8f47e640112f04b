// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Counting that other CPUs may do at the same time.
//!
//! AtomicU64 has no fetch_add on BPF, because the oldest BPF can add atomically but not
//! return what was there before. So that one instruction is written by hand.

/// Adds to a number in a map.
///
/// # Safety
///
/// `to` must point to a number that may be written, at a multiple of eight.
#[cfg(target_arch = "bpf")]
#[inline(always)]
pub unsafe fn add(to: *mut u64, number: u64) {
    // SAFETY: writes this number only.
    unsafe {
        core::arch::asm!("lock *(u64 *)({to} + 0) += {number}", to = in(reg) to, number = in(reg) number);
    }
}

/// The same for the machine that the editor checks this code on.
///
/// # Safety
///
/// As above.
#[cfg(not(target_arch = "bpf"))]
pub unsafe fn add(to: *mut u64, number: u64) {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    // SAFETY: the caller says so.
    unsafe { AtomicU64::from_ptr(to) }.fetch_add(number, Relaxed);
}
