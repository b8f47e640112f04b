// SPDX-License-Identifier: BSD-2-Clause

//! Loading the BPF code, whatever it does.

use std::{io, os::fd::AsRawFd};

use anyhow::Context as _;
use aya::{Ebpf, EbpfLoader, programs::Program};
use aya_log::EbpfLogger;
use tokio::io::{Interest, unix::AsyncFd};

/// Loads the BPF code that build.rs has compiled. From now on this program's log has
/// what the BPF code logs, as long as the tokio runtime runs.
pub(crate) fn load(loader: &mut EbpfLoader<'_>) -> anyhow::Result<Ebpf> {
    raise_memory_limit();
    let object = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/ebpf"));
    let mut ebpf = loader.load(object).context("load")?;
    if ebpf.map("AYA_LOGS").is_some() {
        forward_log(&mut ebpf).context("log of the BPF code")?;
    }
    Ok(ebpf)
}

/// Returns a program by its name and, which decides how it is attached, its type.
pub(crate) fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut P>
where
    &'a mut P: TryFrom<&'a mut Program>,
    <&'a mut P as TryFrom<&'a mut Program>>::Error: std::error::Error + Send + Sync + 'static,
{
    let program = ebpf.program_mut(name);
    let program = program.with_context(|| format!("no program {name}"))?;
    program.try_into().with_context(|| format!("program {name}"))
}

/// Lets tokio wait until there is something to read.
pub(crate) fn readable<T: AsRawFd>(source: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: what we wait for are ring buffers, which keep one file descriptor for as
    // long as they live.
    Ok(unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) }?)
}

fn forward_log(ebpf: &mut Ebpf) -> anyhow::Result<()> {
    let logger = EbpfLogger::init(ebpf)?;
    let mut logger = readable(logger)?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}

/// Only kernels before 5.11 count BPF memory against this limit.
fn raise_memory_limit() {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the kernel reads the struct during the call only. Where the limit matters
    // and cannot be raised, loading fails and says so.
    unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) };
}
