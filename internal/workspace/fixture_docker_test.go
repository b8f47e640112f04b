//go:build docker

package workspace_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

// base is the image of every fixture; it must be on the machine.
const base = "debian:trixie-slim"

// testDir names the folder that all tests of a run share, its children too.
const testDir = "EBPFDEV_TEST_DIR"

func TestMain(m *testing.M) {
	if code, was := asLoader(); was {
		os.Exit(code)
	}
	if os.Getenv(testDir) != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "ebpfdev-test-")
	if err == nil {
		err = os.Setenv(testDir, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// binary builds the program that goes into containers, once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(os.Getenv(testDir), "ebpfdev")
	cmd := exec.Command("go", "build", "-o", path, "github.com/ebpfdev/ebpfdev/cmd/ebpfdev")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// need skips a test on a machine without a part, and fails it in CI.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

func openEngine(ctx context.Context) (engine.Engine, error) { return openEngineAt("")(ctx) }

// openEngineAt connects to the engine at a host, "" for the machine's own.
func openEngineAt(host string) func(context.Context) (engine.Engine, error) {
	return func(ctx context.Context) (engine.Engine, error) {
		e, err := docker.Open(ctx, docker.Options{Host: host})
		if err != nil {
			return nil, err
		}
		return e, nil
	}
}

// fixture is a workspace folder in a test's own world.
type fixture struct {
	t      *testing.T
	folder string
	host   string // the engine's address, "" for the machine's own
	w      *workspace.Workspace
	e      engine.Engine
	env    map[string]string
}

// config is the usual devcontainer.json of a fixture.
const config = `{
	// a comment
	"build": {"dockerfile": "Dockerfile"},
	"mounts": ["type=volume,source=wst-${devcontainerId},target=/data",
		"type=volume,source=wst-bin-${devcontainerId},target=/opt/ebpfdev"],
	"remoteUser": "dev",
	"containerEnv": {"CONTAINER": "c"},
	"remoteEnv": {"REMOTE": "${containerEnv:CONTAINER}-r"},
}`

const dockerfile = `FROM ` + base + `
ENV PATH=/opt/ebpfdev/current:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN useradd --create-home --shell /bin/bash --uid 1000 dev
`

func newFixture(t *testing.T, json, dockerfile string) *fixture {
	t.Helper()
	return newFixtureNamed(t, "ws-"+strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), json, dockerfile)
}

func newFixtureNamed(t *testing.T, name, json, dockerfile string) *fixture {
	t.Helper()
	return newFixtureAt(t, "", name, json, dockerfile)
}

func newFixtureAt(t *testing.T, host, name, json, dockerfile string) *fixture {
	t.Helper()
	e, err := openEngineAt(host)(t.Context())
	need(t, "engine", err)
	_, err = e.InspectImage(t.Context(), base)
	need(t, "base image", err)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), name)
	f := &fixture{t: t, folder: folder, host: host, e: e, env: map[string]string{"XDG_RUNTIME_DIR": t.TempDir()}}
	f.write(".devcontainer/devcontainer.json", json)
	if dockerfile != "" {
		f.write(".devcontainer/Dockerfile", dockerfile)
	}
	f.w = workspace.New(workspace.Options{
		Engine: openEngineAt(host), Executable: path, Version: "test", Env: f.lookup,
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		f.write(".devcontainer/devcontainer.json", json)
		if _, err := f.w.Down(ctx, api.DownRequest{Folder: folder, All: true}); err != nil {
			t.Errorf("down: %v", err)
		}
		if left := f.left(ctx); len(left) > 0 {
			t.Errorf("left after down: %v", left)
		}
		_ = e.Close()
		_ = f.w.Close()
	})
	return f
}

func (f *fixture) lookup(name string) (string, bool) {
	value, ok := f.env[name]
	return value, ok
}

func (f *fixture) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) labels() map[string]string {
	return devcontainer.IDLabels(f.folder, filepath.Join(f.folder, ".devcontainer", "devcontainer.json"))
}

// left returns what the engine has of this workspace.
func (f *fixture) left(ctx context.Context) []string {
	f.t.Helper()
	id := devcontainer.ID(f.labels())
	var left []string
	for _, labels := range []map[string]string{f.labels(), {"dev.ebpfdev.workspace": id}} {
		list, err := f.e.ListContainers(ctx, labels)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, c := range list {
			left = append(left, "container "+c.Name)
		}
	}
	volumes, err := f.e.ListVolumes(ctx, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, v := range volumes {
		if strings.Contains(v.Name, id) {
			left = append(left, "volume "+v.Name)
		}
	}
	matches, err := filepath.Glob(filepath.Join(f.env["XDG_RUNTIME_DIR"], "ebpfdev", "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	return append(left, matches...)
}

func (f *fixture) up(req api.UpRequest) (api.UpResult, error) {
	req.Folder = f.folder
	return f.w.Up(f.t.Context(), req, func(p api.Progress) error {
		if p.State == api.StepFailed || p.State == api.StepWarning {
			f.t.Logf("%s %s: %s", p.Step, p.State, p.Line)
		}
		return nil
	})
}

func (f *fixture) mustUp() api.UpResult {
	f.t.Helper()
	res, err := f.up(api.UpRequest{})
	if err != nil {
		f.t.Fatalf("up: %v", err)
	}
	return res
}

func (f *fixture) exec(args ...string) (string, int) {
	f.t.Helper()
	var out, errOut bytes.Buffer
	code, err := f.w.Exec(f.t.Context(), api.ExecRequest{Folder: f.folder, Args: args, Streams: api.Streams{Out: &out, Err: &errOut}})
	if err != nil {
		f.t.Fatalf("exec %v: %v", args, err)
	}
	if errOut.Len() > 0 {
		f.t.Logf("exec %v: %s", args, errOut.String())
	}
	return out.String(), code
}

func (f *fixture) reference(args ...string) (string, error) {
	f.t.Helper()
	path, err := exec.LookPath("devcontainer")
	need(f.t, "reference CLI", err)
	cmd := exec.CommandContext(f.t.Context(), path, args...)
	if f.host != "" {
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+f.host)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return string(out), err
}
