//go:build docker

package workspace_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/template"
	"github.com/ebpfdev/ebpfdev/templates"
)

// TestScaffoldBothWays brings a real scaffold up with both tools, each using
// what the other made.
func TestScaffoldBothWays(t *testing.T) {
	f := newFixtureNamed(t, "ws-scaffold", config, "")
	if err := os.RemoveAll(f.folder); err != nil {
		t.Fatal(err)
	}
	catalogue, err := template.New(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	_, err = catalogue.Scaffold(t.Context(), api.ScaffoldRequest{Name: "ws-scaffold", Folder: f.folder, Template: "ebpf-go", Kind: "tracepoint"})
	if err != nil {
		t.Fatal(err)
	}
	// The reference sends the folder as it is: a machine with certificates of its
	// own puts them there, as the folder's README says.
	certificates, err := filepath.Glob("/usr/local/share/ca-certificates/*.crt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range certificates {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f.write(".devcontainer/certs/"+filepath.Base(name), string(data))
	}

	ours := f.mustUp()
	if _, err := f.reference("exec", "--workspace-folder", f.folder, "true"); err != nil {
		t.Errorf("devcontainer exec in ours: %v", err)
	}
	script := "stat -f -c %T /sys/fs/bpf /sys/kernel/tracing /host/cgroup2; which go clang ebpfdev"
	out, code := f.exec("bash", "-lc", script)
	for _, want := range []string{"bpf_fs\n", "tracefs\n", "cgroup2fs\n", "/usr/local/go/bin/go\n", "/clang\n", "/opt/ebpfdev/current/ebpfdev\n"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exec: %d, no %q in %q", code, want, out)
		}
	}
	res, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder})
	if err != nil || len(res.Removed) != 7 {
		t.Errorf("down: %q, %v", res.Removed, err)
	}
	if left := f.left(t.Context()); len(left) > 0 {
		t.Errorf("left after down: %v", left)
	}

	text, err := f.reference("up", "--workspace-folder", f.folder)
	if err != nil {
		t.Fatalf("devcontainer up: %v", err)
	}
	if _, code := f.exec("true"); code != 0 {
		t.Errorf("exec in the reference's: %d", code)
	}
	theirs := f.mustUp()
	if theirs.Created || !strings.Contains(text, theirs.ContainerID) || theirs.RemoteUser != ours.RemoteUser || theirs.RemoteFolder != ours.RemoteFolder {
		t.Errorf("up: %+v; the reference: %s", theirs, text)
	}
	s, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	f.write("bpf/exec.bpf.c", "SEC(\"tracepoint/sched/sched_process_exce\")\nint on_exec(void *ctx) { return 0; }\n")
	_, err = s.Build(t.Context(), api.BuildRequest{Dir: s.Info().Dir}, func(api.BuildEvent) error { return nil })
	if !errors.Is(err, api.ErrNotExist) || !strings.Contains(err.Error(), "bpf/exec.bpf.c:1: this kernel has no tracepoint") {
		t.Errorf("build of a misspelt tracepoint: %v", err)
	}
	kernel, err := s.Probe(t.Context(), api.ProbeRequest{})
	if err != nil || !kernel.BPFFS.Mounted || !kernel.TraceFS.Mounted {
		t.Errorf("probe: %+v, %v", kernel, err)
	}
}
