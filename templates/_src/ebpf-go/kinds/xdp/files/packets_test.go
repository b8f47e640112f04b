// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

const pass = 2 // XDP_PASS

// The kernel runs the program on packets that we make up: no interface needed.
func TestCountsPackets(t *testing.T) {
	needRoot(t)
	v4, v6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	tests := map[string]struct {
		packet []byte
		want   []Traffic
	}{
		"IPv4":      {packet(v4, 60), []Traffic{{v4, 1, 60}}},
		"IPv6":      {packet(v6, 1500), []Traffic{{v6, 1, 1500}}},
		"ARP":       {append(make([]byte, 12), append([]byte{0x08, 0x06}, make([]byte, 46)...)...), nil},
		"cut short": {packet(v4, 60)[:14+19], nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			verdict, err := c.objects.CountPackets.Run(&ebpf.RunOptions{Data: tt.packet})
			if err != nil {
				t.Fatal(err)
			}
			if verdict != pass {
				t.Errorf("verdict %d, want %d", verdict, pass)
			}
			check(t, c, tt.want)
		})
	}
}

func TestAddsUp(t *testing.T) {
	needRoot(t)
	c := newCounter(t)
	quiet, busy := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, run := range []struct {
		from  netip.Addr
		times uint32
	}{{quiet, 1}, {busy, 100}} {
		_, err := c.objects.CountPackets.Run(&ebpf.RunOptions{Data: packet(run.from, 64), Repeat: run.times})
		if err != nil {
			t.Fatal(err)
		}
	}
	check(t, c, []Traffic{{busy, 100, 6400}, {quiet, 1, 64}})
}

// Packets that really arrive, over a pair of virtual interfaces in a network
// namespace of the test's own.
func TestCountsOnInterface(t *testing.T) {
	needRoot(t)
	privateNetwork(t)
	ip(t, "link add left type veth peer name right")
	ip(t, "addr add 192.0.2.1/24 dev left")
	ip(t, "link set left up")
	ip(t, "link set right up")
	right, err := net.InterfaceByName("right")
	if err != nil {
		t.Fatal(err)
	}
	ip(t, "neigh add 192.0.2.2 lladdr "+right.HardwareAddr.String()+" dev left")

	c := newCounter(t)
	if err := c.Attach("right", "auto"); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp4", "192.0.2.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	want := netip.MustParseAddr("192.0.2.1")
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		list, err := c.Top(100)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range list {
			if got.Source == want && got.Packets > 0 && got.Bytes >= got.Packets*(14+20+8+5) {
				return
			}
		}
	}
	t.Errorf("nothing from %s was counted", want)
}

func TestAttachRefuses(t *testing.T) {
	needRoot(t)
	c := newCounter(t)
	if err := c.Attach("no such interface", "auto"); err == nil {
		t.Error("an interface that does not exist was accepted")
	}
	if err := c.Attach("lo", "fast"); err == nil || !strings.Contains(err.Error(), "generic") {
		t.Errorf("mode fast: got %v", err)
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := table(&out, []Traffic{{netip.MustParseAddr("192.0.2.7"), 3, 180}}); err != nil {
		t.Fatal(err)
	}
	const want = "SOURCE     PACKETS  BYTES\n192.0.2.7  3        180\n\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func newCounter(t *testing.T) *Counter {
	t.Helper()
	c, err := NewCounter()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func check(t *testing.T, c *Counter, want []Traffic) {
	t.Helper()
	got, err := c.Top(100)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

// packet returns an Ethernet frame of the given size with an empty IP packet.
func packet(from netip.Addr, size int) []byte {
	frame := make([]byte, size)
	if from.Is4() {
		copy(frame[12:], []byte{0x08, 0x00, 0x45})
		copy(frame[14+12:], from.AsSlice())
		return frame
	}
	copy(frame[12:], []byte{0x86, 0xdd, 0x60})
	copy(frame[14+8:], from.AsSlice())
	return frame
}

// privateNetwork moves the test to a new network namespace. The thread is never
// unlocked, so it ends with the test, and the namespace with it.
func privateNetwork(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Skipf("a network namespace cannot be made here: %v", err)
	}
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}
