// SPDX-License-Identifier: BSD-2-Clause

//! Counts the packets that arrive at network interfaces, by source address.

mod bpf;
pub mod text;

use std::{
    cmp::Reverse,
    net::{IpAddr, Ipv6Addr},
};

use anyhow::Context as _;
use aya::{
    Ebpf, EbpfLoader,
    maps::{HashMap, MapError},
    programs::{Xdp, XdpMode},
};
use serde::Serialize;

/// What came from one address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Traffic {
    pub source: IpAddr,
    pub packets: u64,
    pub bytes: u64,
}

/// Counts packets by their source address.
pub struct Counter {
    ebpf: Ebpf, // detaches and unloads when it is dropped
}

impl Counter {
    /// Loads the BPF program. Needs root and Linux 5.9.
    pub fn new() -> anyhow::Result<Self> {
        let mut counter = Self { ebpf: bpf::load(&mut EbpfLoader::new())? };
        counter.program()?.load().context("load")?;
        Ok(counter)
    }

    /// Counts what arrives at an interface from now on.
    pub fn attach(&mut self, interface: &str, mode: XdpMode) -> anyhow::Result<()> {
        self.program()?
            .attach(interface, mode)
            .with_context(|| format!("attach to {interface}"))?;
        Ok(())
    }

    /// The program itself.
    pub fn program(&mut self) -> anyhow::Result<&mut Xdp> {
        bpf::program(&mut self.ebpf, "count_packets")
    }

    /// Returns the sources that sent most packets, most first.
    pub fn top(&self, count: usize) -> anyhow::Result<Vec<Traffic>> {
        let sources = self.ebpf.map("sources").context("no map sources")?;
        let sources: HashMap<_, common::Source, common::Traffic> = sources.try_into()?;
        let mut list = Vec::new();
        for entry in sources.iter() {
            let (key, value) = match entry {
                // It has made room for another one while we looked.
                Err(MapError::KeyNotFound) => continue,
                entry => entry.context("map sources")?,
            };
            list.push(Traffic {
                source: Ipv6Addr::from(key.addr).to_canonical(),
                packets: value.packets,
                bytes: value.bytes,
            });
        }
        list.sort_by_key(|t| (Reverse(t.packets), t.source));
        list.truncate(count);
        Ok(list)
    }
}
