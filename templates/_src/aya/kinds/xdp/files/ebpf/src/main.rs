// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Counts the packets that arrive at a network interface, by source address.

// For the editor this is code of its own machine, which has std.
#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))] // for atomic.rs
#![no_main]

mod atomic;

use core::{net::Ipv6Addr, ptr};

use aya_ebpf::{
    bindings::{BPF_NOEXIST, xdp_action::XDP_PASS},
    btf_maps::LruHashMap,
    helpers::bpf_ktime_get_ns,
    macros::{btf_map, xdp},
    programs::XdpContext,
};
use aya_log_ebpf::info;
use common::{Source, Traffic};

const ETH_HLEN: usize = 14;
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;
const IPV4_HLEN: usize = 20;
const IPV4_SOURCE: usize = 12;
const IPV6_HLEN: usize = 40;
const IPV6_SOURCE: usize = 8;

/// When it is full, the source that was silent for the longest time makes room.
#[btf_map(name = "sources")]
static SOURCES: LruHashMap<Source, Traffic, 8192> = LruHashMap::new();

/// Counts what comes in and lets everything pass.
#[xdp]
pub fn count_packets(ctx: XdpContext) -> u32 {
    if let Some(source) = read_source(&ctx) {
        count(&ctx, &source);
    }
    XDP_PASS
}

fn count(ctx: &XdpContext, source: &Source) {
    let traffic = match SOURCES.get_ptr_mut(source) {
        Some(traffic) => traffic,
        None => {
            info!(ctx, "new source {:i}", Ipv6Addr::from(source.addr));
            // Another CPU may have been faster: then its entry stays.
            let _ = SOURCES.insert(source, Traffic::default(), BPF_NOEXIST.into());
            let Some(traffic) = SOURCES.get_ptr_mut(source) else {
                return;
            };
            traffic
        }
    };
    let bytes = (ctx.data_end() - ctx.data()) as u64;
    // SAFETY: the kernel returned a pointer to a value of this type; other CPUs change
    // it at the same time, so counting is atomic.
    unsafe {
        atomic::add(&raw mut (*traffic).packets, 1);
        atomic::add(&raw mut (*traffic).bytes, bytes);
        (*traffic).last_seen_ns = bpf_ktime_get_ns();
    }
}

/// Reads the source address of an IP packet.
fn read_source(ctx: &XdpContext) -> Option<Source> {
    let mut addr = [0; 16];
    match u16::from_be_bytes(read(ctx, ETH_HLEN - 2)?) {
        ETH_P_IP => {
            let _: [u8; IPV4_HLEN] = read(ctx, ETH_HLEN)?; // the whole header is there
            let v4: [u8; 4] = read(ctx, ETH_HLEN + IPV4_SOURCE)?;
            addr[10] = 0xff;
            addr[11] = 0xff;
            addr[12..].copy_from_slice(&v4);
        }
        ETH_P_IPV6 => {
            let _: [u8; IPV6_HLEN] = read(ctx, ETH_HLEN)?;
            addr = read(ctx, ETH_HLEN + IPV6_SOURCE)?;
        }
        _ => return None,
    }
    Some(Source { addr })
}

/// Reads bytes of the packet. The comparison with its end is what lets the verifier
/// accept the read after it.
#[inline(always)]
fn read<const N: usize>(ctx: &XdpContext, offset: usize) -> Option<[u8; N]> {
    let start = ctx.data() + offset;
    if start + N > ctx.data_end() {
        return None;
    }
    // SAFETY: N bytes from start lie inside the packet.
    Some(unsafe { ptr::read_unaligned(start as *const [u8; N]) })
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
