//go:build kernel

package points_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/points"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func resolve(t testing.TB, kind api.PointKind, target string) api.Resolution {
	t.Helper()
	req := api.ResolveRequest{Points: []api.AttachPoint{{Kind: kind, Target: target}}}
	res, err := points.Resolve(t.Context(), req, btf.NewCache())
	if err != nil || len(res.Points) != 1 {
		t.Fatalf("Resolve = %+v, %v", res, err)
	}
	return res.Points[0]
}

func TestOnThisKernel(t *testing.T) {
	kerneltest.Require(t)
	const tp, raw, kprobe, fentry, call = api.PointTracepoint, api.PointRawTracepoint, api.PointKprobe, api.PointFentry, api.PointSyscall
	for _, tt := range []struct {
		kind   api.PointKind
		target string
		state  api.PointState
		reason string // when it is missing
		near   string // must be among the near ones
	}{
		{tp, "sched/sched_process_exec", api.PointThere, "", ""},
		{tp, "sched/sched_process_exce", api.PointMissing, "this kernel has no tracepoint sched/sched_process_exce", "sched/sched_process_exec"},
		{tp, "task/sched_process_exec", api.PointMissing, "this kernel has no tracepoint task/sched_process_exec", "sched/sched_process_exec"},
		{tp, "sched/enable", api.PointMissing, "this kernel has no tracepoint sched/enable", ""},
		{tp, "sched_process_exec", api.PointUnknown, "", ""},
		{tp, "../sched", api.PointUnknown, "", ""},
		{tp, "sched/..", api.PointUnknown, "", ""},
		{tp, "syscalls/sys_enter_*", api.PointUnknown, "", ""},
		{raw, "sched_process_exec", api.PointThere, "", ""},
		{raw, "sched/sched_process_exec", api.PointThere, "", ""},
		{raw, "sched_process_exce", api.PointMissing, "this kernel has no raw tracepoint sched_process_exce", "sched_process_exec"},
		{kprobe, "vfs_read", api.PointThere, "", ""},
		{kprobe, "vfs_read+0x4", api.PointThere, "", ""},
		{kprobe, "sys_execve", api.PointThere, "", ""},
		{kprobe, "vfs_raed", api.PointMissing, "this kernel has no function vfs_raed", "vfs_read"},
		{kprobe, "nf:nf_hook", api.PointUnknown, "", ""},
		{fentry, "vfs_read", api.PointThere, "", ""},
		{fentry, "vfs_raed", api.PointMissing, "this kernel's BTF has no function vfs_raed", "vfs_read"},
		{fentry, "task_struct", api.PointMissing, "this kernel's BTF has no function task_struct", ""},
		{call, "execve", api.PointThere, "", ""},
		{call, "exceve", api.PointMissing, "this kernel has no system call exceve", "execve"},
		{"usdt", "x:y", api.PointUnknown, "", ""},
		{kprobe, "", api.PointUnknown, "", ""},
	} {
		res := resolve(t, tt.kind, tt.target)
		if res.State != tt.state || tt.reason != "" && res.Reason != tt.reason || tt.near != "" && !slices.Contains(res.Near, tt.near) || len(res.Near) > 3 {
			t.Errorf("%s %q: %+v, want %s with %q near", tt.kind, tt.target, res, tt.state, tt.near)
		}
		if (res.State == api.PointUnknown) && res.Reason == "" {
			t.Errorf("%s %q: unknown without a reason", tt.kind, tt.target)
		}
	}
}

func TestTooManyPoints(t *testing.T) {
	_, err := points.Resolve(t.Context(), api.ResolveRequest{Points: make([]api.AttachPoint, 1025)}, btf.NewCache())
	if !errors.Is(err, api.ErrUsage) {
		t.Errorf("Resolve: %v", err)
	}
}

func BenchmarkResolve(b *testing.B) {
	kerneltest.Require(b)
	for _, p := range []api.AttachPoint{
		{Kind: api.PointTracepoint, Target: "sched/sched_process_exec"},
		{Kind: api.PointTracepoint, Target: "sched/sched_process_exce"},
		{Kind: api.PointKprobe, Target: "vfs_read"},
		{Kind: api.PointKprobe, Target: "vfs_raed"},
		{Kind: api.PointFentry, Target: "vfs_raed"},
		{Kind: api.PointUprobe, Target: "libc.so.6:malloc"},
		{Kind: api.PointUprobe, Target: "libc.so.6:mallocc"},
	} {
		b.Run(string(p.Kind)+"="+p.Target, func(b *testing.B) {
			for b.Loop() {
				resolve(b, p.Kind, p.Target)
			}
		})
	}
}
