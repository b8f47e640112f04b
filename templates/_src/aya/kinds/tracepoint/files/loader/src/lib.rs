// SPDX-License-Identifier: BSD-2-Clause

//! Sees every program that starts on this machine.

mod bpf;
mod kernel;
pub mod text;

use anyhow::Context as _;
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, HashMap, MapData, MapError, RingBuf},
    programs::TracePoint,
};
use common::{Command, Event, Offsets};
use serde::Serialize;
use tokio::io::unix::AsyncFd;

/// A program that has been started.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exec {
    pub pid: u32,
    pub ppid: u32,
    pub uid: u32,
    pub comm: String,
    pub filename: String,
    pub args: Vec<String>,
    /// Some arguments are cut or left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// How often a user has run a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    pub comm: String,
    pub uid: u32,
    pub execs: u64,
}

/// Sees every program that starts.
pub struct Tracer {
    ebpf: Ebpf, // detaches and unloads when it is dropped
    events: AsyncFd<RingBuf<MapData>>,
}

impl Tracer {
    /// Loads the BPF program and attaches it. Needs root and Linux 5.8.
    pub fn new() -> anyhow::Result<Self> {
        let kernel = kernel::Types::running()?;
        let offsets = Offsets {
            task_real_parent: kernel.offset("task_struct", "real_parent")?,
            task_tgid: kernel.offset("task_struct", "tgid")?,
            task_mm: kernel.offset("task_struct", "mm")?,
            mm_arg_start: kernel.offset("mm_struct", "arg_start")?,
            mm_arg_end: kernel.offset("mm_struct", "arg_end")?,
        };
        let mut loader = EbpfLoader::new();
        let mut ebpf = bpf::load(loader.override_global("OFFSETS", &offsets, true))?;

        let events = ebpf.take_map("events").context("no map events")?;
        let events = RingBuf::try_from(events).context("map events")?;
        let events = bpf::readable(events)?;

        let program: &mut TracePoint = bpf::program(&mut ebpf, "on_exec")?;
        program.load().context("load")?;
        program.attach("sched", "sched_process_exec").context("attach")?;
        Ok(Self { ebpf, events })
    }

    /// Waits for the next program to start.
    pub async fn next(&mut self) -> anyhow::Result<Exec> {
        loop {
            let mut ready = self.events.readable_mut().await?;
            if let Some(record) = ready.get_inner_mut().next() {
                return parse(&record);
            }
            ready.clear_ready();
        }
    }

    /// Returns what the program has counted so far, in no particular order.
    pub fn counts(&self) -> anyhow::Result<Vec<Count>> {
        let execs = self.ebpf.map("execs").context("no map execs")?;
        let execs: HashMap<_, Command, common::Count> = execs.try_into()?;
        let mut counts = Vec::new();
        for entry in execs.iter() {
            let (key, value) = match entry {
                Err(MapError::KeyNotFound) => continue, // removed while we looked
                entry => entry.context("map execs")?,
            };
            counts.push(Count { comm: text::from_c(&key.comm), uid: key.uid, execs: value.execs });
        }
        Ok(counts)
    }

    /// Returns how many events did not fit into the ring buffer.
    pub fn lost(&self) -> anyhow::Result<u64> {
        let lost = self.ebpf.map("lost").context("no map lost")?;
        let lost: Array<_, u64> = lost.try_into()?;
        lost.get(&0, 0).context("map lost")
    }
}

/// Decodes a record of the ring buffer.
fn parse(record: &[u8]) -> anyhow::Result<Exec> {
    anyhow::ensure!(record.len() >= size_of::<Event>(), "event of {} bytes", record.len());
    // SAFETY: there are enough bytes, and any will do.
    let event: Event = unsafe { record.as_ptr().cast::<Event>().read_unaligned() };
    let args = event.args.iter().take(event.args_count.into());
    Ok(Exec {
        pid: event.pid,
        ppid: event.ppid,
        uid: event.uid,
        comm: text::from_c(&event.comm),
        filename: text::from_c(&event.filename),
        args: args.map(|arg| text::from_c(arg)).collect(),
        truncated: event.args_cut != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_rejects_short_records() {
        assert!(parse(&[0; 8]).is_err());
    }

    #[test]
    fn json_keeps_arguments() {
        let exec = Exec {
            pid: 7,
            ppid: 0,
            uid: 0,
            comm: "ls".to_owned(),
            filename: String::new(),
            args: vec!["ls".to_owned(), "a b".to_owned()],
            truncated: false,
        };
        let want = r#"{"pid":7,"ppid":0,"uid":0,"comm":"ls","filename":"","args":["ls","a b"]}"#;
        assert_eq!(serde_json::to_string(&exec).unwrap(), want);
    }
}
