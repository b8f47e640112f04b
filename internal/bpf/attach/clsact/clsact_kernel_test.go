//go:build kernel

package clsact_test

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/bpf/attach/clsact"
	"github.com/ebpfdev/ebpfdev/internal/bpf/rtnl"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// TestMain also gives the tests a network namespace of their own.
func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

// counter returns a program that counts in a map's entry and lets packets pass.
func counter(t *testing.T, m *ebpf.Map, key int32) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "MIT", Instructions: asm.Instructions{
		asm.StoreImm(asm.RFP, -4, int64(key), asm.Word),
		asm.LoadMapPtr(asm.R1, m.FD()), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4), asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Imm(asm.R1, 1), asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, -1).WithSymbol("out"), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// send sends a packet over lo.
func send(t *testing.T) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func up(t *testing.T) *net.Interface {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(lo.Index))
	binary.NativeEndian.PutUint32(body[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(body[12:], unix.IFF_UP)
	if _, err := rtnl.Do(rtnl.Message{Type: unix.RTM_NEWLINK, Body: body}); err != nil {
		t.Fatal(err)
	}
	return lo
}

// TestFilter runs on this machine's kernel: those of the guests have no cls_bpf.
func TestFilter(t *testing.T) {
	kerneltest.Require(t)
	lo := up(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	counts := func() (n [3]uint64) {
		for i := range n {
			if err := m.Lookup(uint32(i), &n[i]); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	qdisc, err := clsact.Add(lo.Index)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		kerneltest.Missing(t, "this kernel has no clsact: "+err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	in, err := qdisc.Attach(counter(t, m, 0), "in", false)
	if err != nil {
		t.Fatal(err)
	}
	out, err := qdisc.Attach(counter(t, m, 1), "out", true)
	if err != nil {
		t.Fatal(err)
	}
	send(t)
	if got := counts(); got != [3]uint64{1, 1, 0} {
		t.Errorf("in, out and replaced ran %v times, want once each but the last", got)
	}
	if err := out.Update(counter(t, m, 2)); err != nil {
		t.Fatal(err)
	}
	send(t)
	if got := counts(); got != [3]uint64{2, 1, 1} {
		t.Errorf("after an update in, out and replaced ran %v times", got)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	send(t)
	if got := counts(); got != [3]uint64{2, 1, 1} {
		t.Errorf("after the end in, out and replaced ran %v times", got)
	}
	if qdiscs := qdiscs(t, lo.Index); qdiscs != 0 {
		t.Errorf("%d qdiscs are left", qdiscs)
	}
}

// qdiscs counts those of an interface that are not the kernel's own.
func qdiscs(t *testing.T, index int) (n int) {
	t.Helper()
	list, err := rtnl.Do(rtnl.Message{Type: unix.RTM_GETQDISC, Flags: unix.NLM_F_DUMP, Body: make([]byte, 20)})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if len(m.Body) >= 12 && int(binary.NativeEndian.Uint32(m.Body[4:])) == index && binary.NativeEndian.Uint32(m.Body[8:]) != 0 {
			n++
		}
	}
	return n
}
