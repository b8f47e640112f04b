//go:build kernel && linux

package probe

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func TestKernel(t *testing.T) {
	kerneltest.Require(t)
	start := time.Now()
	k := Kernel(t.Context())
	js, _ := json.MarshalIndent(k, "", " ")
	t.Logf("after %v: %s", time.Since(start), js)

	uname, err := exec.CommandContext(t.Context(), "uname", "-r").Output()
	if err != nil || k.Release != strings.TrimSpace(string(uname)) {
		t.Errorf("release %q, uname -r says %q (%v)", k.Release, uname, err)
	}
	if k.Version == "" || k.Machine == "" || k.CPUs < 1 || k.JIT == "" || k.Unprivileged == "" || k.Memlock == "" {
		t.Errorf("facts are missing")
	}
	if st, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil && (!k.BTF || k.BTFBytes != st.Size()) {
		t.Errorf("BTF %v of %d bytes, want %d", k.BTF, k.BTFBytes, st.Size())
	}
	if !k.BPFFS.Mounted || k.BPFFS.Path != kerneltest.BPFFS || !k.TraceFS.Mounted {
		t.Errorf("mounts: %+v, %+v", k.BPFFS, k.TraceFS)
	}
	if !slices.Contains(k.Caps, "CAP_SYS_ADMIN") {
		t.Errorf("caps of root: %v", k.Caps)
	}
	if comm, err := os.ReadFile("/proc/2/comm"); err == nil && k.HostPID != (strings.TrimSpace(string(comm)) == "kthreadd") {
		t.Errorf("host_pid %v, the process with pid 2 is %s", k.HostPID, comm)
	}
}

// TestFeatures: each is known or named, none twice, and what every kernel since
// 5.8 has is there.
func TestFeatures(t *testing.T) {
	kerneltest.Require(t)
	k := Kernel(t.Context())
	seen := map[string]bool{}
	for _, f := range k.Features {
		if seen[f.Name] || f.Available != (f.Reason == "") {
			t.Errorf("feature %+v", f)
		}
		seen[f.Name] = true
		if slices.Contains([]string{"tracepoint", "raw_tracepoint", "xdp", "ringbuf", "batch map operations"}, f.Name) && !f.Available {
			t.Errorf("%s is not there: %s", f.Name, f.Reason)
		}
	}
	for _, u := range k.Unknown {
		seen[u.Name] = true
		if u.Why == "" {
			t.Errorf("%s is unknown and nobody says why", u.Name)
		}
	}
	for _, f := range (&prober{}).list() {
		if !seen[f.name] {
			t.Errorf("%s is nowhere", f.name)
		}
	}
}

func TestCancelled(t *testing.T) {
	kerneltest.Require(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := Kernel(ctx)
	if k.Release == "" || len(k.Features) != 0 || len(k.Unknown) < len((&prober{}).list()) {
		t.Errorf("release %q, %d features, %d unknown", k.Release, len(k.Features), len(k.Unknown))
	}
}

func TestMount(t *testing.T) {
	kerneltest.Require(t)
	dir := t.TempDir()
	if m := mount(unix.BPF_FS_MAGIC, dir, kerneltest.BPFFS); !m.Mounted || m.Path != kerneltest.BPFFS {
		t.Errorf("the second path: %+v", m)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, 0) })
	want := api.Mount{Path: dir, Problem: "not mounted: " + dir + " is tmpfs"}
	if m := mount(unix.BPF_FS_MAGIC, dir); m != want {
		t.Errorf("tmpfs: %+v, want %+v", m, want)
	}
	if m := mount(unix.BPF_FS_MAGIC, dir+"/none"); m.Mounted || !strings.Contains(m.Problem, "no such file or directory") {
		t.Errorf("nothing there: %+v", m)
	}
}

func BenchmarkKernel(b *testing.B) {
	for b.Loop() {
		Kernel(b.Context())
	}
}
