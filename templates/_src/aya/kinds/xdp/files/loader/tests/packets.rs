// SPDX-License-Identifier: BSD-2-Clause

//! Runs the BPF program on made-up packets, and on packets that really arrive. Needs
//! root: make test.

use std::{
    net::{IpAddr, UdpSocket},
    process::Command,
    time::{Duration, Instant},
};

use aya::{
    TestRunOptions,
    programs::{TestRun as _, XdpMode},
};
use loader::{Counter, Traffic};

const XDP_PASS: u32 = 2;

// The kernel runs the program on packets that we make up: no interface needed.
#[tokio::test]
async fn counts_packets() {
    let v4 = packet("192.0.2.7", 60);
    let v6 = packet("2001:db8::7", 1500);
    let mut arp = [0; 60];
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    for (name, packet, want) in [
        ("IPv4", &v4[..], vec![traffic("192.0.2.7", 1, 60)]),
        ("IPv6", &v6[..], vec![traffic("2001:db8::7", 1, 1500)]),
        ("ARP", &arp[..], vec![]),
        ("cut short", &v4[..14 + 19], vec![]),
    ] {
        let mut counter = Counter::new().unwrap();
        assert_eq!(run(&mut counter, packet, 1), XDP_PASS, "{name}");
        assert_eq!(counter.top(100).unwrap(), want, "{name}");
    }
}

#[tokio::test]
async fn adds_up() {
    let mut counter = Counter::new().unwrap();
    run(&mut counter, &packet("192.0.2.1", 64), 1);
    run(&mut counter, &packet("192.0.2.2", 64), 100);
    let want = [traffic("192.0.2.2", 100, 6400), traffic("192.0.2.1", 1, 64)];
    assert_eq!(counter.top(100).unwrap(), want);
    assert_eq!(counter.top(1).unwrap(), want[..1]);
}

// Packets that really arrive, over a pair of virtual interfaces in a network namespace
// of the test's own.
#[tokio::test]
async fn counts_on_an_interface() {
    private_network();
    ip("link add left type veth peer name right");
    ip("addr add 192.0.2.1/24 dev left");
    ip("link set left up");
    ip("link set right up address 02:00:00:00:00:02");
    ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev left");

    let mut counter = Counter::new().unwrap();
    counter.attach("right", XdpMode::Default).unwrap();
    let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
    let from: IpAddr = "192.0.2.1".parse().unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        socket.send_to(b"hello", "192.0.2.2:9").unwrap();
        let list = counter.top(100).unwrap();
        if let Some(got) = list.iter().find(|t| t.source == from) {
            assert!(got.bytes >= got.packets * (14 + 20 + 8 + 5), "{got:?}");
            return;
        }
    }
    panic!("nothing from {from} was counted");
}

#[tokio::test]
async fn attach_refuses() {
    let mut counter = Counter::new().unwrap();
    let err = counter.attach("nothing", XdpMode::Default).unwrap_err();
    assert!(format!("{err:#}").contains("unknown network interface"), "{err:#}");
}

/// Runs the program on a packet so many times.
fn run(counter: &mut Counter, packet: &[u8], times: u32) -> u32 {
    let mut options = TestRunOptions::new();
    options.data_in = Some(packet);
    options.repeat = times;
    let program = counter.program().unwrap();
    program.test_run(options).unwrap().return_value
}

fn traffic(source: &str, packets: u64, bytes: u64) -> Traffic {
    Traffic { source: source.parse().unwrap(), packets, bytes }
}

/// Returns an Ethernet frame of the given size with an empty IP packet.
fn packet(from: &str, size: usize) -> Vec<u8> {
    let mut frame = vec![0; size];
    match from.parse().unwrap() {
        IpAddr::V4(from) => {
            frame[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
            frame[14 + 12..][..4].copy_from_slice(&from.octets());
        }
        IpAddr::V6(from) => {
            frame[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]);
            frame[14 + 8..][..16].copy_from_slice(&from.octets());
        }
    }
    frame
}

/// Moves this test to a new network namespace, which ends with its thread.
fn private_network() {
    // SAFETY: changes nothing in this process's memory.
    let err = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(err, 0, "{}", std::io::Error::last_os_error());
}

fn ip(args: &str) {
    let output = Command::new("ip").args(args.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {args}: {output:?}");
}
