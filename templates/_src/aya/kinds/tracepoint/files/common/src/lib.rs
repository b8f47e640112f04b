// SPDX-License-Identifier: BSD-2-Clause

//! What BPF code and program exchange.

#![no_std]

pub const COMM_LEN: usize = 16;
pub const FILENAME_LEN: usize = 128;
pub const MAX_ARGS: usize = 8;
pub const ARG_LEN: usize = 128;

/// What the program gets for each program that starts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    pub pid: u32,
    pub ppid: u32,
    pub uid: u32,
    pub args_count: u16, // of args that are filled
    pub args_cut: u16,   // not zero when some did not fit
    pub comm: [u8; COMM_LEN],
    pub filename: [u8; FILENAME_LEN],
    pub args: [[u8; ARG_LEN]; MAX_ARGS],
}

/// Who runs what.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Command {
    pub comm: [u8; COMM_LEN],
    pub uid: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Count {
    pub execs: u64,
    pub last_pid: u32,
    pub last_ppid: u32,
}

/// Where the running kernel has fields of its own structs. All are zero until the program
/// has said so: then what needs them is left out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offsets {
    pub task_real_parent: u32,
    pub task_tgid: u32,
    pub task_mm: u32,
    pub mm_arg_start: u32,
    pub mm_arg_end: u32,
}

// SAFETY: numbers without gaps between them.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Event {}
// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Command {}
// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Count {}
// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Offsets {}
