//go:build kernel

package places_test

import (
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/bpf/places"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// What is attached to an interface is found there, whatever attached it.
func TestNetwork(t *testing.T) {
	kerneltest.Require(t)
	lo, err := net.InterfaceByName("lo") // of the test's own namespace
	if err != nil {
		t.Fatal(err)
	}
	pass := func(kind ebpf.ProgramType, ret int32) *ebpf.Program {
		prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Type: kind, License: "Dual BSD/GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, ret), asm.Return()},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = prog.Close() })
		return prog
	}
	var want []string
	for _, attach := range []func() (link.Link, error){
		func() (link.Link, error) {
			return link.AttachXDP(link.XDPOptions{Program: pass(ebpf.XDP, 2), Interface: lo.Index, Flags: link.XDPGenericMode})
		},
		func() (link.Link, error) {
			return link.AttachTCX(link.TCXOptions{Program: pass(ebpf.SchedCLS, -1), Interface: lo.Index, Attach: ebpf.AttachTCXEgress})
		},
	} {
		l, err := attach()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
	}
	want = []string{"lo xdp generic", "lo tcx egress"}
	for _, all := range []bool{false, true} {
		list, err := places.Network(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, p := range list {
			if p.Process == "" {
				found[p.Where+" "+p.Hook] = p.ProgramID != 0
			}
		}
		for _, w := range want {
			if !found[w] {
				t.Errorf("all %v: %q is not among %+v", all, w, list)
			}
		}
	}
}
