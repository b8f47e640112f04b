// SPDX-License-Identifier: BSD-2-Clause

//! What BPF code and program exchange.

#![no_std]

/// Where packets come from: an IPv6 address. IPv4 addresses are ::ffff:a.b.c.d, as in
/// RFC 4291.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub addr: [u8; 16],
}

/// What has come from there.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub packets: u64,
    pub bytes: u64,
    pub last_seen_ns: u64, // CLOCK_MONOTONIC
}

// SAFETY: numbers without gaps between them.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Source {}
// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Traffic {}
