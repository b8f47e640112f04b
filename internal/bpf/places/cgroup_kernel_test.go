//go:build kernel

package places_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/places"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

// What is attached to a cgroup is found there, and below it when inherited.
func TestCgroups(t *testing.T) {
	if !kerneltest.InGuest(t, "6.12") {
		return
	}
	above := "/sys/fs/cgroup/above"
	below := filepath.Join(above, "below")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.CGroupSKB, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	l, err := link.AttachCgroup(link.CgroupOptions{Path: above, Attach: ebpf.AttachCGroupInetEgress, Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tt := range []struct {
		root      string
		inherited bool
		want      []string
	}{
		{"", false, []string{above}},
		{below, false, nil},
		{above, true, []string{above, below}},
	} {
		list, err := places.Cgroups(t.Context(), tt.root, tt.inherited)
		if err != nil {
			t.Fatal(err)
		}
		check(t, list, tt.want, prog)
	}

	// A link that is detached is there, without effect.
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	for _, want := range []error{nil, nil} { // twice is the same as once
		if err := view.Detach(t.Context(), uint32(info.ID)); !errors.Is(err, want) {
			t.Errorf("Detach: %v", err)
		}
	}
	list, err := places.Cgroups(t.Context(), above, true)
	if err != nil || len(list) != 0 {
		t.Errorf("places = %+v, %v, want none", list, err)
	}
}

func check(t *testing.T, list []api.Place, want []string, prog *ebpf.Program) {
	t.Helper()
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	if len(list) != len(want) {
		t.Fatalf("places = %+v, want %q", list, want)
	}
	for i, p := range list {
		if p.Where != want[i] || p.Hook != "cgroup_inet_egress" || p.ProgramID != uint32(id) {
			t.Errorf("place = %+v, want program %d at %s", p, id, want[i])
		}
	}
}
