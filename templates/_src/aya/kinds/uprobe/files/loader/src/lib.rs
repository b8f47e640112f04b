// SPDX-License-Identifier: BSD-2-Clause

//! Counts the calls of a library's function, by process.

mod bpf;
pub mod text;

use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use aya::{
    Ebpf, EbpfLoader,
    maps::{HashMap, MapError},
    programs::{
        ProgramError, UProbe,
        uprobe::{UProbeError, UProbeScope},
    },
};
use common::Caller;
use serde::Serialize;

/// What a process has called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Usage {
    pub pid: u32,
    pub comm: String,
    pub calls: u64,
    /// The sum of the first argument, which is malloc's size.
    pub bytes: u64,
}

/// Counts the calls of a function by process.
pub struct Counter {
    ebpf: Ebpf, // detaches and unloads when it is dropped
}

impl Counter {
    /// Loads the BPF program, for one process or, with 0, for all. Needs root and Linux 5.9.
    pub fn new(pid: u32) -> anyhow::Result<Self> {
        let mut loader = EbpfLoader::new();
        let mut ebpf = bpf::load(loader.override_global("ONLY_PID", &pid, true))?;
        let program: &mut UProbe = bpf::program(&mut ebpf, "on_call")?;
        program.load().context("load")?;
        Ok(Self { ebpf })
    }

    /// Counts a function's calls from now on. The function is in a library or a program,
    /// which is given by its path or, for a library, its name.
    pub fn attach(&mut self, file: &str, symbol: &str) -> anyhow::Result<()> {
        let path = find(file)?;
        let program: &mut UProbe = bpf::program(&mut self.ebpf, "on_call")?;
        let path = path.display();
        match program.attach(symbol, path.to_string(), UProbeScope::AllProcesses) {
            Ok(_) => Ok(()),
            Err(ProgramError::UProbeError(UProbeError::SymbolError { .. })) => {
                bail!("{path} has no function {symbol}; `nm -D {path}` lists those that it has")
            }
            Err(err) => Err(err).context(format!("attach to {symbol} of {path}")),
        }
    }

    /// Returns the processes that called most often, most first.
    pub fn top(&self, count: usize) -> anyhow::Result<Vec<Usage>> {
        let calls = self.ebpf.map("calls").context("no map calls")?;
        let calls: HashMap<_, Caller, common::Usage> = calls.try_into()?;
        let mut list = Vec::new();
        for entry in calls.iter() {
            let (key, value) = match entry {
                // It has made room for another one while we looked.
                Err(MapError::KeyNotFound) => continue,
                entry => entry.context("map calls")?,
            };
            list.push(Usage {
                pid: key.pid,
                comm: text::from_c(&key.comm),
                calls: value.calls,
                bytes: value.bytes,
            });
        }
        list.sort_by_key(|usage| (Reverse(usage.calls), usage.pid));
        list.truncate(count);
        Ok(list)
    }
}

/// Returns a library's path; what has a slash in it is one already.
fn find(file: &str) -> anyhow::Result<PathBuf> {
    if file.contains('/') {
        return fs::canonicalize(file).with_context(|| file.to_owned());
    }
    // Debian and Ubuntu have a folder for each architecture.
    let debian = format!("{}-linux-gnu", std::env::consts::ARCH);
    let folders = [
        format!("/lib/{debian}"),
        format!("/usr/lib/{debian}"),
        "/lib64".to_owned(),
        "/usr/lib64".to_owned(),
        "/lib".to_owned(),
        "/usr/lib".to_owned(),
    ];
    for folder in folders {
        if let Ok(path) = fs::canonicalize(Path::new(&folder).join(file)) {
            return Ok(path);
        }
    }
    bail!("library {file}: not found; give its path")
}
