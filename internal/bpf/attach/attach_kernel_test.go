//go:build kernel

package attach_test

import (
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/kinds.bpf.c -o testdata/kinds.bpf.o
//go:generate llvm-strip -g testdata/kinds.bpf.o

//go:embed testdata/kinds.bpf.o
var kinds []byte

// TestMain also gives the tests a network namespace: what is attached to its lo
// sees no traffic of the machine.
func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

// one loads a program and attaches it.
func one(t *testing.T, program string, opts ...api.AttachOption) (attach.Link, *api.Unattached, error) {
	t.Helper()
	kerneltest.Require(t)
	spec, err := object.Parse(api.Object{Name: "kinds.bpf.o", Data: kinds})
	if err != nil {
		t.Fatal(err)
	}
	options, err := attach.NewOptions(spec, opts)
	if err != nil {
		t.Fatal(err)
	}
	_, done, err := options.Prepare(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	prog, err := ebpf.NewProgram(spec.Programs[program])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	obj := &load.Object{Spec: spec, Programs: map[string]*ebpf.Program{program: prog}}
	links, left, err := attach.New(obj, options).Attach(program)
	if len(links) == 0 {
		return nil, left, err
	}
	t.Cleanup(func() { links[0].Close() })
	return links[0], left, err
}

// cgroup2 returns a cgroup of the test's own.
func cgroup2(t *testing.T) string {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(root, "ebpfdev-attach-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		return dir
	}
	t.Fatal("no cgroup2 here")
	return ""
}

// libc returns a function of the C library, as a target of user space probes.
func libc(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/lib/*-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"} {
		if paths, _ := filepath.Glob(pattern); len(paths) > 0 {
			return paths[0] + ":getsid"
		}
	}
	t.Fatal("no C library here")
	return ""
}

func TestAttach(t *testing.T) {
	for program, test := range map[string]struct {
		opts   []api.AttachOption
		typ    string
		target string // a part of it
	}{
		"on_exec":      {nil, "perf_event", "tracepoint sched/sched_process_exec"},
		"on_exit":      {nil, "raw_tracepoint", "raw_tracepoint sched_process_exit"},
		"on_fork":      {nil, "raw_tracepoint", "raw_tracepoint sched_process_fork"},
		"pass":         {[]api.AttachOption{{Program: "pass", Target: "lo", Mode: "generic"}}, "xdp", "xdp on lo"},
		"classify":     {[]api.AttachOption{{Program: "*", Target: "lo"}}, "tcx", "ingress on lo"},
		"classify_out": {[]api.AttachOption{{Program: "classify_out", Target: "lo"}}, "tcx", "egress on lo"},
		"allow":        {[]api.AttachOption{{Program: "allow", Target: cgroup2(t)}}, "cgroup", "ebpfdev-attach-test-"},
		"ops":          {[]api.AttachOption{{Program: "ops", Target: cgroup2(t)}}, "cgroup", "ebpfdev-attach-test-"},
		"on_call":      {[]api.AttachOption{{Program: "on_call", Target: libc(t)}}, "perf_event", "uprobe /"},
		"on_call/name": {[]api.AttachOption{{Program: "on_call", Target: "libc.so.6:malloc"}}, "perf_event", "uprobe /"},
		"on_return":    {[]api.AttachOption{{Program: "on_return", Target: libc(t)}}, "perf_event", "uretprobe /"},
		"tasks":        {nil, "iter", "iter"},
	} {
		t.Run(program, func(t *testing.T) {
			program, _, _ := strings.Cut(program, "/")
			l, left, err := one(t, program, test.opts...)
			if err != nil || left != nil {
				t.Fatalf("unattached %+v, error %v", left, err)
			}
			if err := attach.Pinnable(program, l); err != nil {
				t.Error(err)
			}
			path := filepath.Join(kerneltest.BPFFS, program)
			if err := l.Pin(path); err != nil {
				t.Errorf("the link cannot be pinned: %v", err)
			}
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
			checkListed(t, l, program, test.typ, test.target)
		})
	}
}

func checkListed(t *testing.T, l attach.Link, program, typ, target string) {
	t.Helper()
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	links, err := view.Links(t.Context(), api.ListRequest{IDs: []uint32{uint32(info.ID)}})
	if err != nil || len(links) != 1 {
		t.Fatalf("links = %+v, %v", links, err)
	}
	got := links[0]
	if typ != "" && got.Type != typ || !strings.Contains(got.Target, target) || got.Program != program {
		t.Errorf("link = %+v, want type %s, target with %q", got, typ, target)
	}
}

func TestUnattached(t *testing.T) {
	for program, hint := range map[string]string{
		"pass": "--attach pass=lo,generic", "classify": "--attach classify=lo",
		"allow": "--attach allow=/sys/fs/cgroup", "on_call": "--attach on_call=/bin/bash:readline", "filter": "--attach filter=lo",
	} {
		l, left, err := one(t, program)
		if l != nil || err != nil || left == nil || left.Program != program || left.Reason == "" || left.Hint != hint {
			t.Errorf("%s: link %v, unattached %+v, error %v", program, l, left, err)
		}
	}
}

func TestAttachErrors(t *testing.T) {
	exe := strings.TrimSuffix(libc(t), "getsid")
	for name, test := range map[string]struct {
		program string
		opt     api.AttachOption
		kind    api.Kind
		want    string
	}{
		"no such tracepoint": {"on_nothing", api.AttachOption{}, api.ErrNotSupported, "no tracepoint none/such"},
		"raw tracepoint":     {"on_exit", api.AttachOption{Target: "none"}, api.ErrNotSupported, "no tracepoint none"},
		"no interface":       {"pass", api.AttachOption{Target: "none0"}, api.ErrNotExist, "no network interface none0"},
		"xdp mode":           {"pass", api.AttachOption{Target: "lo", Mode: "fast"}, api.ErrUsage, "no XDP mode"},
		"xdp not native":     {"pass", api.AttachOption{Target: "lo", Mode: "native"}, api.ErrNotSupported, "has no native XDP"},
		"tc direction":       {"classify", api.AttachOption{Target: "lo", Mode: "up"}, api.ErrUsage, "no direction"},
		"no cgroup":          {"allow", api.AttachOption{Target: "/none"}, api.ErrNotExist, "no such file"},
		"no cgroup2":         {"allow", api.AttachOption{Target: "/tmp"}, api.ErrFailed, ""},
		"no executable":      {"on_call", api.AttachOption{Target: "/none:f"}, api.ErrNotExist, "no program or library /none is found"},
		"no function":        {"on_call", api.AttachOption{Target: exe + "none"}, api.ErrNotExist, "has no function none"},
		"no symbol":          {"on_call", api.AttachOption{Target: "libc.so.6"}, api.ErrUsage, `"libc.so.6" is not an executable and a function of it`},
		"bad offset":         {"on_call", api.AttachOption{Target: exe + "f+x"}, api.ErrUsage, "no number"},
	} {
		t.Run(name, func(t *testing.T) {
			test.opt.Program = test.program
			opts := []api.AttachOption{test.opt}
			if test.opt.Target == "" {
				opts = nil
			}
			_, left, err := one(t, test.program, opts...)
			if !errors.Is(err, test.kind) || left != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("unattached %+v, error %v (kind %s)", left, err, api.KindOf(err))
			}
		})
	}
}

func TestAttachTwice(t *testing.T) {
	opt := api.AttachOption{Program: "pass", Target: "lo", Mode: "generic"}
	if _, _, err := one(t, "pass", opt); err != nil {
		t.Fatal(err)
	}
	if _, _, err := one(t, "pass", opt); !errors.Is(err, api.ErrConflict) {
		t.Errorf("a second XDP program: %v, want ErrConflict", err)
	}
}

// On a kernel without kprobes the answer says so; elsewhere it attaches.
func TestKprobe(t *testing.T) {
	_, left, err := one(t, "on_unlink")
	if left != nil || (err != nil && !errors.Is(err, api.ErrNotSupported)) {
		t.Errorf("unattached %+v, error %v", left, err)
	}
}
