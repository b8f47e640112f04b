//go:build docker

package workspace_test

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/trace.bpf.c -o testdata/trace.bpf.o
//go:generate llvm-strip -g testdata/trace.bpf.o

//go:embed testdata/trace.bpf.o
var traceObject []byte

// privilegedConfig is what a scaffold asks for, without its build.
const privilegedConfig = `{
	"build": {"dockerfile": "Dockerfile"},
	"privileged": true,
	"runArgs": ["--pid=host"],
	"mounts": ["type=volume,source=wst-bpf-${devcontainerId},target=/sys/fs/bpf,volume-opt=type=bpf,volume-opt=device=bpf",
		"type=volume,source=wst-trace-${devcontainerId},target=/sys/kernel/tracing,volume-opt=type=tracefs,volume-opt=device=tracefs",
		"type=volume,source=wst-bin-${devcontainerId},target=/opt/ebpfdev"],
	"remoteUser": "dev"
}`

// oldEngine is where the oldest engine that ebpfdev knows is.
func oldEngine(t *testing.T) string {
	t.Helper()
	host := os.Getenv("EBPFDEV_OLD_ENGINE")
	if host == "" {
		host = "unix:///run/ebpfdev-old/docker.sock"
	}
	e, err := openEngineAt(host)(t.Context())
	need(t, "Docker Engine 20.10", err)
	defer func() { _ = e.Close() }()
	info, err := e.Info(t.Context())
	if err == nil && !strings.HasPrefix(info.Version, "20.10.") {
		err = errors.New(host + " has version " + info.Version)
	}
	need(t, "Docker Engine 20.10", err)
	return host
}

// TestOldEngine: Engine 20.10 has no name for the newer capabilities, and cannot
// start a privileged container where the machine lacks one. What is missing is
// named, and everything is done with what is there.
func TestOldEngine(t *testing.T) {
	f := newFixtureAt(t, oldEngine(t), "ws-oldengine", privilegedConfig, dockerfile)
	res := f.mustUp()
	wantMissing := []string{"CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"}
	bounding, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bounding.Close() }()
	have, err := engine.StatusCapabilities(bounding, "CapBnd")
	if err != nil {
		t.Fatal(err)
	}
	wantMissing = append(engine.MissingCapabilities(engine.Capabilities(), have), wantMissing...)
	c, err := f.e.InspectContainer(t.Context(), res.ContainerID)
	if err != nil {
		t.Fatal(err)
	}
	if c.Privileged { // a machine that lacks nothing
		wantMissing = nil
	}
	if !slices.Equal(res.Missing, wantMissing) {
		t.Errorf("missing %v, want %v", res.Missing, wantMissing)
	}
	if again := f.mustUp(); again.Created || !slices.Equal(again.Missing, wantMissing) {
		t.Errorf("second up: %+v", again)
	}
	out, err := f.reference("exec", "--workspace-folder", f.folder, "sh", "-c", "id -un; pwd")
	if want := "dev\n/workspaces/" + filepath.Base(f.folder) + "\n"; err != nil || out != want {
		t.Errorf("devcontainer exec: %q, %v; want %q", out, err, want)
	}
	t.Run("Tracepoint", func(t *testing.T) { f.countsExecs(t) })
	t.Run("Conformance", func(t *testing.T) {
		loader := f.loader()
		apitest.Run(t, func(t *testing.T) api.Target {
			s, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}, apitest.Options{Loader: loader, NoCgroups: true})
	})
}

// countsExecs loads and attaches a program that counts what is started, and sees
// it count.
func (f *fixture) countsExecs(t *testing.T) {
	t.Helper()
	s, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	load, err := s.Load(t.Context(), api.LoadRequest{Project: s.Info().Project, Object: api.Object{Name: "trace.bpf.o", Data: traceObject}})
	if err != nil || len(load.Links) != 1 || len(load.Maps) != 1 || len(load.Pins) != 3 {
		t.Fatalf("load: %+v, %v", load, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count := 0
	err = s.WatchMap(ctx, api.WatchRequest{Query: api.QueryRequest{Map: api.MapRef{ID: load.Maps[0].ID}, Limit: 1}}, func(p api.Page) error {
		if count, _ = strconv.Atoi(p.Entries[0].Value.Text); count > 0 {
			cancel()
			return nil
		}
		_, code := f.exec("true")
		if code != 0 {
			t.Errorf("exec: %d", code)
		}
		return nil
	})
	if count == 0 {
		t.Errorf("no program was counted: %v", err)
	}
	res, err := s.Unload(t.Context(), api.UnloadRequest{Project: s.Info().Project})
	if err != nil || len(res.Removed) != 3 || len(res.Kept) > 0 {
		t.Errorf("unload: %+v, %v", res, err)
	}
}
