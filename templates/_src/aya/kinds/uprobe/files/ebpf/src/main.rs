// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Counts the calls of a function, by process.

// For the editor this is code of its own machine, which has std.
#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))] // for atomic.rs
#![no_main]

mod atomic;

use aya_ebpf::{
    EbpfContext as _, Global,
    bindings::BPF_NOEXIST,
    btf_maps::LruHashMap,
    helpers::{bpf_get_current_comm, bpf_ktime_get_ns},
    macros::{btf_map, uprobe},
    programs::ProbeContext,
};
use aya_log_ebpf::info;
use common::{Caller, Usage};

/// When it is full, the process that was silent for the longest time makes room.
#[btf_map(name = "calls")]
static CALLS: LruHashMap<Caller, Usage, 4096> = LruHashMap::new();

/// Set before the program is loaded: count this process alone, 0 for all.
#[unsafe(no_mangle)]
static ONLY_PID: Global<u32> = Global::new(0);

/// Runs in the calling process, before the function does. Which function that is says
/// whoever attaches the program.
#[uprobe]
pub fn on_call(ctx: ProbeContext) -> u32 {
    let pid = ctx.tgid();
    let only = ONLY_PID.load();
    if only != 0 && pid != only {
        return 0;
    }
    let comm = bpf_get_current_comm().unwrap_or_default();
    let bytes = ctx.arg(0).unwrap_or(0);
    count(&ctx, &Caller { pid, comm }, bytes);
    0
}

fn count(ctx: &ProbeContext, caller: &Caller, bytes: u64) {
    let usage = match CALLS.get_ptr_mut(caller) {
        Some(usage) => usage,
        None => {
            info!(ctx, "process {} calls for the first time", caller.pid);
            // Another thread may have been faster: then its entry stays.
            let _ = CALLS.insert(caller, Usage::default(), BPF_NOEXIST.into());
            let Some(usage) = CALLS.get_ptr_mut(caller) else {
                return;
            };
            usage
        }
    };
    // SAFETY: the kernel returned a pointer to a value of this type; other threads change
    // it at the same time, so counting is atomic.
    unsafe {
        atomic::add(&raw mut (*usage).calls, 1);
        atomic::add(&raw mut (*usage).bytes, bytes);
        (*usage).last_call_ns = bpf_ktime_get_ns();
    }
}

/// Never called: nothing here panics, or the verifier would refuse it.
#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual BSD/GPL\0";
