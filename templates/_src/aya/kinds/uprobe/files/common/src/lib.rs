// SPDX-License-Identifier: BSD-2-Clause

//! What BPF code and program exchange.

#![no_std]

/// Who calls.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Caller {
    pub pid: u32,
    pub comm: [u8; 16],
}

/// What it has called.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub calls: u64,
    pub bytes: u64,        // the sum of the first argument, which is malloc's size
    pub last_call_ns: u64, // CLOCK_MONOTONIC
}

// SAFETY: numbers without gaps between them.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Caller {}
// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Usage {}
