// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Sees every program that starts.

// For the editor this is code of its own machine, which has std.
#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))] // for atomic.rs
#![no_main]

mod atomic;

use core::ffi::c_void;

use aya_ebpf::{
    EbpfContext as _, Global,
    bindings::BPF_NOEXIST,
    btf_maps::{Array, HashMap},
    helpers::{
        bpf_get_current_comm, bpf_get_current_task, bpf_probe_read_kernel,
        generated::{bpf_probe_read_kernel_str, bpf_probe_read_user_str},
    },
    macros::{btf_map, map, tracepoint},
    maps::RingBuf,
    programs::TracePointContext,
};
use aya_log_ebpf::{info, warn};
use common::{ARG_LEN, Command, Count, Event, FILENAME_LEN, MAX_ARGS, Offsets};

/// Where /sys/kernel/tracing/events/sched/sched_process_exec/format has the name of the
/// file: 16 bits of where it is, below 16 bits of how long it is.
const FILENAME_LOC: usize = 8;

/// Carries Event. A map of the old kind, because BTF for a ring buffer, as aya-ebpf writes
/// it, is refused by all loaders but Aya's own.
#[map(name = "events")]
static EVENTS: RingBuf = RingBuf::with_byte_size(256 * 1024, 0);

#[btf_map(name = "execs")]
static EXECS: HashMap<Command, Count, 4096> = HashMap::new();

/// Events that did not fit, because user space reads too slowly.
#[btf_map(name = "lost")]
static LOST: Array<u64, 1> = Array::new();

#[unsafe(no_mangle)]
static OFFSETS: Global<Offsets> = Global::new(Offsets {
    task_real_parent: 0,
    task_tgid: 0,
    task_mm: 0,
    mm_arg_start: 0,
    mm_arg_end: 0,
});

/// Runs in the new program's process, after its memory has been set up.
#[tracepoint(category = "sched", name = "sched_process_exec")]
pub fn on_exec(ctx: TracePointContext) -> u32 {
    // SAFETY: has no conditions.
    let task = unsafe { bpf_get_current_task() } as *const u8;
    let offsets = OFFSETS.load();
    let pid = ctx.tgid();
    let ppid = parent(task, &offsets).unwrap_or(0);
    let uid = ctx.uid();
    let comm = bpf_get_current_comm().unwrap_or_default();

    // Before what may fail: counting goes on when nobody reads the events.
    count(&ctx, &Command { comm, uid }, pid, ppid);

    let Some(mut entry) = EVENTS.reserve::<Event>(0) else {
        if let Some(lost) = LOST.get_ptr_mut(0) {
            // SAFETY: the kernel returned a pointer to a value of this type.
            unsafe { atomic::add(lost, 1) };
        }
        return 0;
    };
    let event = entry.as_mut_ptr();
    // SAFETY: event points to memory of its size, which is ours until it is submitted. It
    // is not cleared: all that user space reads is written here.
    unsafe {
        (*event).pid = pid;
        (*event).ppid = ppid;
        (*event).uid = uid;
        (*event).comm = comm;
        (*event).filename[0] = 0;
        if let Ok(location) = ctx.read_at::<u32>(FILENAME_LOC) {
            let filename = ctx.as_ptr().byte_add((location & 0xffff) as usize);
            let to = &raw mut (*event).filename;
            bpf_probe_read_kernel_str(to.cast(), FILENAME_LEN as u32, filename);
        }
        let (start, end) = arguments(task, &offsets).unwrap_or_default();
        read_args(event, start, end);
    }
    entry.submit(0);
    0
}

fn count(ctx: &TracePointContext, command: &Command, pid: u32, ppid: u32) {
    let count = match EXECS.get_ptr_mut(command) {
        Some(count) => count,
        None => {
            // Another CPU may have been faster: then its entry stays.
            let _ = EXECS.insert(command, Count::default(), BPF_NOEXIST.into());
            let Some(count) = EXECS.get_ptr_mut(command) else {
                warn!(ctx, "map execs is full: process {} is not counted", pid);
                return;
            };
            info!(ctx, "first of its name and user: process {}", pid);
            count
        }
    };
    // SAFETY: the kernel returned a pointer to a value of this type; other CPUs change it
    // at the same time, so counting is atomic.
    unsafe {
        atomic::add(&raw mut (*count).execs, 1);
        (*count).last_pid = pid;
        (*count).last_ppid = ppid;
    }
}

/// Reads the arguments, which lie one after the other, each ended by a zero byte. A function
/// of its own, so that the object's BTF, which has the types of functions, has Event's: tools
/// decode the records by it.
///
/// # Safety
///
/// `event` must be valid for writes.
#[inline(never)]
unsafe fn read_args(event: *mut Event, mut pos: u64, end: u64) {
    let mut count = 0;
    let mut cut = 0;
    for i in 0..MAX_ARGS {
        if pos >= end {
            break;
        }
        // SAFETY: as much as is written to the array is there.
        let len = unsafe {
            let to = &raw mut (*event).args[i];
            (*to)[0] = 0;
            bpf_probe_read_user_str(to.cast(), ARG_LEN as u32, pos as *const c_void)
        };
        count += 1;
        if len <= 0 || len == ARG_LEN as i64 {
            cut = 1; // where the next one begins is not known
            pos = end;
        } else {
            pos += len as u64;
        }
    }
    if pos < end {
        cut = 1;
    }
    // SAFETY: the caller says that it may be written.
    unsafe {
        (*event).args_count = count;
        (*event).args_cut = cut;
    }
}

/// Returns the process id of a task's parent.
fn parent(task: *const u8, offsets: &Offsets) -> Option<u32> {
    let parent = read(task, offsets.task_real_parent)?;
    read(parent, offsets.task_tgid)
}

/// Returns where a task's arguments begin and end, in its own memory.
fn arguments(task: *const u8, offsets: &Offsets) -> Option<(u64, u64)> {
    let mm = read(task, offsets.task_mm)?;
    Some((read(mm, offsets.mm_arg_start)?, read(mm, offsets.mm_arg_end)?))
}

/// Reads a field of one of the kernel's structs.
#[inline(always)]
fn read<T>(object: *const u8, offset: u32) -> Option<T> {
    if offset == 0 {
        return None; // not known
    }
    // SAFETY: the kernel checks the address, and reads from nowhere else.
    unsafe { bpf_probe_read_kernel(object.wrapping_add(offset as usize).cast()) }.ok()
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
