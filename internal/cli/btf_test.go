package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

func TestBTFCommands(t *testing.T) {
	object := func(h *harness) { mustWrite(filepath.Join(h.dir, "count.bpf.o"), string(apitest.CountObject().Data)) }
	module := func(h *harness) { h.session.AddBTF(apitest.ModuleBTF(2, "probe_mod")) }
	for _, tt := range []struct {
		name  string
		setup func(*harness)
		args  []string
	}{
		{name: "list", args: []string{"btf", "list"}},
		{name: "list-json", args: []string{"btf", "list", "-o", "json"}},
		{name: "show", args: []string{"btf", "show", "7"}},
		{name: "show-gone", args: []string{"btf", "show", "99"}},
		{name: "show-type", args: []string{"btf", "show", "vmlinux", "event"}},
		{name: "show-type-json", args: []string{"btf", "show", "7", "struct event", "-o", "json"}},
		{name: "show-type-near", args: []string{"btf", "show", "vmlinux", "evnt"}},
		{name: "show-typedef", args: []string{"btf", "show", "vmlinux", "__u32"}},
		{name: "dump", args: []string{"btf", "dump", "event", "__u64", "count_calls"}},
		{name: "dump-c", args: []string{"btf", "dump", "--c", "limits", "event"}},
		{name: "dump-c-of-a-map", args: []string{"btf", "dump", "--c", "--map", "counts", "limits"}},
		{name: "dump-c-of-a-file", setup: object, args: []string{"btf", "dump", "--c", "count.bpf.o", "limits"}},
		{name: "dump-without", args: []string{"btf", "dump", "--prog", "count_packets"}},
		{name: "dump-module", args: []string{"btf", "dump", "--module", "gone"}},
		{name: "dump-c-of-a-module", setup: module, args: []string{"btf", "dump", "--c", "--module", "probe_mod"}},
		{name: "show-of-a-module", setup: module, args: []string{"btf", "show", "probe_mod", "probe_state"}},
		{name: "list-with-a-module", setup: module, args: []string{"btf", "list"}},
		{name: "dump-bad-file", setup: func(h *harness) { mustWrite(filepath.Join(h.dir, "x.o"), "no object") }, args: []string{"btf", "dump", "x.o"}},
		{name: "dump-broken", setup: func(h *harness) {
			h.session.AddBTF(api.BTFData{BTF: api.BTF{ID: 9, Name: "broken", Kernel: true}, Data: []byte("\x9f\xeb\x01")})
		}, args: []string{"btf", "dump", "--module", "broken"}},
		{name: "dump-both", args: []string{"btf", "dump", "--c", "-o", "json"}},
		{name: "no-right", setup: func(h *harness) {
			h.session.Fail("ReadBTF", api.Errorf("read BTF", "7", api.ErrPermission, "operation not permitted").WithHint("ebpfdev doctor"))
		}, args: []string{"btf", "show", "7", "event"}},
		{name: "vmlinux-no-place", args: []string{"vmlinux", "--workspace-folder", "."}},
		{name: "vmlinux-is-no-module", args: []string{"vmlinux", "--module", "vmlinux", "-f", "-"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			if tt.setup != nil {
				tt.setup(h)
			}
			code := h.run(t, tt.args...)
			golden.RequireEqual(t, strings.ReplaceAll(h.transcript(tt.args, code), h.dir, "DIR"))
		})
	}
}

// vmlinux.h goes to where one is, else to the BPF sources.
func TestVmlinuxPlace(t *testing.T) {
	for name, tt := range map[string]struct {
		files []string
		want  string // "" for an error
	}{
		"where one is":     {[]string{"bpf/vmlinux.h", "bpf/a.bpf.c", "src/b.bpf.c"}, "bpf/vmlinux.h"},
		"to the sources":   {[]string{"src/a.bpf.c", "src/b.bpf.c", "main.go"}, "src/vmlinux.h"},
		"nothing":          {[]string{"main.go"}, ""},
		"two folders":      {[]string{"a/a.bpf.c", "b/b.bpf.c"}, ""},
		"not what is made": {[]string{"a.bpf.c", "target/vmlinux.h", ".git/vmlinux.h", "vendor/x/vmlinux.h"}, "vmlinux.h"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range tt.files {
				file = filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				mustWrite(file, "")
			}
			got, err := vmlinuxPlace(dir)
			if tt.want == "" {
				if api.KindOf(err) != api.ErrUsage || api.HintOf(err) == "" {
					t.Errorf("place %q, error %v, want a usage error with a hint", got, err)
				}
				return
			}
			if err != nil || got != filepath.Join(dir, tt.want) {
				t.Errorf("place %q, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// Only what ebpfdev wrote is replaced without a question.
func TestVmlinuxReplaces(t *testing.T) {
	h := newHarness(t)
	file := filepath.Join(h.dir, "vmlinux.h")
	mustWrite(file, "// a template's\n")
	if code := h.run(t, "vmlinux", "-f", "vmlinux.h"); code != 4 {
		t.Fatalf("exit code %d, want 4\n%s", code, h.errOut)
	}
	for _, args := range [][]string{{"vmlinux", "-f", "vmlinux.h", "--yes"}, {"vmlinux", "-f", "vmlinux.h"}, {"vmlinux", "--workspace-folder", "."}} {
		h.session.Reopen()
		if code := h.run(t, args...); code != 0 {
			t.Fatalf("%q: exit code %d\n%s", args, code, h.errOut)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(text), "// Types of Linux 6.18.0, written by ebpfdev 1.2.3.\n#ifndef __VMLINUX_H__\n") {
		t.Errorf("%v, wrote:\n%.300s", err, text)
	}
	if got := h.out.String(); !strings.HasPrefix(got, "vmlinux.h: ") {
		t.Errorf("printed %q", got)
	}
}

// A module's types come into the kernel's header, each type once.
func TestVmlinuxWithModule(t *testing.T) {
	h := newHarness(t)
	h.session.AddBTF(apitest.ModuleBTF(2, "probe_mod"))
	if code := h.run(t, "vmlinux", "--module", "probe_mod", "-f", "-"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, h.errOut)
	}
	text := h.out.String()
	for _, want := range []string{"// Types of Linux 6.18.0 with probe_mod,", "struct probe_state {\n\tstruct event last;\n};\n", "struct limits {\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("there is not one %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "___2") {
		t.Errorf("a type is there twice:\n%s", text)
	}
}
