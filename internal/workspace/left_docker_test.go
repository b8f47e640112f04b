//go:build docker && linux

package workspace_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

// machine sees what a workspace leaves outside its container: temporary files,
// programs and maps, trace instances, the engine's images.
type machine struct {
	f         *fixture
	dir       string // TMPDIR, HOME and XDG_RUNTIME_DIR of what runs
	program   string // names that nobody else's object has
	mapName   string
	trace     string   // a tracefs
	instances []string // that the workspace's agents had
}

// newMachine brings a workspace's image up and gives its project an object whose
// program and map have names of their own.
func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		need(t, "root", errors.New("what the kernel holds is for root to see"))
	}
	f := newFixtureNamed(t, "ws-left-"+strings.ToLower(rand.Text()[:6]), strings.Replace(privilegedConfig, `"remoteUser"`,
		`"customizations": {"ebpfdev": {"framework": "libbpf", "build": ["cp", "object", "trace.bpf.o"], "objects": ["*.bpf.o"]}}, "remoteUser"`, 1), dockerfile)
	m := &machine{
		f: f, dir: t.TempDir(), trace: t.TempDir(),
		program: "exec_" + strings.ToLower(rand.Text()[:5]), mapName: "m_" + strings.ToLower(rand.Text()[:5]),
	}
	object := bytes.ReplaceAll(traceObject, []byte("count_exec"), []byte(m.program))
	f.write("object", string(bytes.ReplaceAll(object, []byte("started"), []byte(m.mapName))))
	f.env["XDG_RUNTIME_DIR"] = filepath.Join(m.dir, "run")
	if err := os.Mkdir(f.env["XDG_RUNTIME_DIR"], 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tracefs", m.trace, "tracefs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(m.trace, 0); err != nil {
			t.Error(err)
		}
	})
	return m
}

// command is ebpfdev in the project's folder.
func (m *machine) command(args ...string) *exec.Cmd {
	path, _ := binary()
	cmd := exec.Command(path, args...)
	cmd.Dir = m.f.folder
	cmd.Env = append(os.Environ(), "TMPDIR="+m.dir, "HOME="+m.dir, "XDG_RUNTIME_DIR="+m.f.env["XDG_RUNTIME_DIR"])
	return cmd
}

func (m *machine) run(args ...string) {
	m.f.t.Helper()
	if out, err := m.command(args...).CombinedOutput(); err != nil {
		m.f.t.Fatalf("ebpfdev %v: %v: %s", args, err, out)
	}
}

// note remembers the trace instances of agents in the workspace's containers.
func (m *machine) note() {
	m.f.t.Helper()
	list, err := m.f.e.ListContainers(m.f.t.Context(), m.f.labels())
	if err != nil {
		m.f.t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(m.trace, "instances", "ebpfdev-*"))
	if err != nil {
		m.f.t.Fatal(err)
	}
	for _, path := range found {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), "ebpfdev-"), "-")
		group, _ := os.ReadFile("/proc/" + pid + "/cgroup")
		for _, c := range list {
			if bytes.Contains(group, []byte(c.ID)) {
				m.instances = append(m.instances, path)
			}
		}
	}
}

// left returns what is still there. The kernel frees programs a moment after
// their last user, so it is asked for some time.
func (m *machine) left() []string {
	m.f.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := m.f.left(m.f.t.Context())
		left = append(left, m.kernel("prog", m.program)...)
		left = append(left, m.kernel("map", m.mapName)...)
		for _, path := range m.instances {
			if _, err := os.Stat(path); err == nil {
				left = append(left, path)
			}
		}
		files, err := filepath.Glob(filepath.Join(m.dir, "*"))
		if err != nil {
			m.f.t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(name string) bool { return name == m.f.env["XDG_RUNTIME_DIR"] })
		inside, err := os.ReadDir(m.f.env["XDG_RUNTIME_DIR"])
		if err != nil {
			m.f.t.Fatal(err)
		}
		left = append(left, files...)
		for _, entry := range inside {
			left = append(left, filepath.Join(m.f.env["XDG_RUNTIME_DIR"], entry.Name()))
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (m *machine) kernel(noun, name string) []string {
	m.f.t.Helper()
	out, err := m.command(noun, "list", "--target", "local", "-o", "json").Output()
	if err != nil {
		m.f.t.Fatalf("%s list: %v", noun, err)
	}
	var list []struct {
		ID   uint32
		Name string
	}
	if err := json.Unmarshal(out, &list); err != nil {
		m.f.t.Fatal(err)
	}
	var found []string
	for _, object := range list {
		if object.Name == name {
			found = append(found, fmt.Sprintf("%s %d %s", noun, object.ID, name))
		}
	}
	return found
}

// TestNothingIsLeft: what a loaded program, its pins and a log stream are in is
// gone after down, although the agents get no chance to clean up.
func TestNothingIsLeft(t *testing.T) {
	m := newMachine(t)
	m.run("up")
	m.run("build")
	m.run("load")
	if len(m.kernel("prog", m.program)) != 1 || len(m.kernel("map", m.mapName)) != 1 {
		t.Fatal("nothing was loaded")
	}
	s, err := m.f.w.Open(t.Context(), api.OpenRequest{Folder: m.f.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.StreamEvents(t.Context(), api.EventsRequest{Logs: true}, func(e api.Event) error {
			if e.Kind == api.EventReady {
				close(ready)
			}
			return nil
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	if m.note(); len(m.instances) != 1 {
		t.Fatalf("trace instances: %v", m.instances)
	}
	digits, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(m.instances[0]), "ebpfdev-"), "-")
	pid, err := strconv.Atoi(digits) // the container has the machine's pids
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.run("down", "--all")
	if err := <-ended; !errors.Is(err, api.ErrUnreachable) {
		t.Errorf("stream: %v", err)
	}
	if left := m.left(); len(left) > 0 {
		t.Errorf("left after down: %v", left)
	}
	m.scratchGoes()
}

// scratchGoes waits for the empty image to be gone, or to be used by a workspace
// that is not ours.
func (m *machine) scratchGoes() {
	m.f.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, err := m.f.e.InspectImage(m.f.t.Context(), engine.Scratch); errors.Is(err, api.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			m.f.t.Errorf("%s is still there", engine.Scratch)
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestKilledCommandsLeaveNothing kills whole command lines at random moments.
func TestKilledCommandsLeaveNothing(t *testing.T) {
	m := newMachine(t)
	began := time.Now()
	m.run("up")
	up := time.Since(began)
	m.run("build")
	m.run("down")
	commands := [][]string{{"up"}, {"run"}, {"load"}, {"exec", "--", "sleep", "60"}, {"build"}, {"down"}, {"up"}}
	const rounds = 20
	for i := range rounds {
		args := commands[i%len(commands)]
		limit := up
		if args[0] != "up" {
			m.run("up")
			limit = up / 2
		}
		cmd := m.command(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(mathrand.Int64N(int64(limit))))
		m.note()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		m.note()
		m.run("down")
		if left := m.left(); len(left) > 0 {
			t.Errorf("round %d, %v: left after down: %v", i, args, left)
		}
	}
}

// lateEngine makes a container that uses the workspace's volume just before the
// volume is removed: what an engine does that a killed run had asked for one.
type lateEngine struct {
	engine.Engine
	once   sync.Once
	labels map[string]string
	late   error
}

func (l *lateEngine) RemoveVolume(ctx context.Context, name string) error {
	l.once.Do(func() {
		_, l.late = l.CreateContainer(ctx, engine.ContainerSpec{
			Image: base, Cmd: []string{"true"}, Labels: l.labels,
			Mounts: []engine.Mount{{Type: "volume", Source: name, Target: "/late"}},
		})
	})
	return l.Engine.RemoveVolume(ctx, name)
}

// TestDownFindsALateContainer: a container that appears while volumes are
// removed goes too.
func TestDownFindsALateContainer(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	f.mustUp()
	late := &lateEngine{Engine: f.e, labels: map[string]string{"dev.ebpfdev.workspace": devcontainer.ID(f.labels())}}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w := workspace.New(workspace.Options{
		Engine: func(context.Context) (engine.Engine, error) { return late, nil }, Executable: path, Env: f.lookup,
	})
	if _, err := w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil || late.late != nil {
		t.Fatalf("%v, %v", err, late.late)
	}
	if left := f.left(t.Context()); len(left) > 0 {
		t.Errorf("left after down: %v", left)
	}
}
