//go:build docker

package remote_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

const (
	baseImage = "debian:trixie-slim"
	binary    = "/ebpfdev"
	loader    = "/loader" // this test binary
)

// host is a container that the agent can be started in.
type host struct {
	e  *docker.Engine
	id string
}

// newHost starts a privileged container that has what a dev container has: the
// static binary and the kernel's file systems.
func newHost(t *testing.T) host {
	t.Helper()
	e, err := docker.Open(t.Context(), docker.Options{Env: os.LookupEnv})
	if err == nil {
		_, err = e.InspectImage(t.Context(), baseImage)
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	name := "ebpfdev-remote-" + strings.ToLower(rand.Text()[:10])
	after := context.WithoutCancel(t.Context())
	var mounts []engine.Mount
	for kind, target := range map[string]string{"bpf": "/sys/fs/bpf", "tracefs": "/sys/kernel/tracing", "cgroup2": "/host/cgroup2"} {
		volume := name + "-" + kind
		mounts = append(mounts, engine.Mount{
			Type: "volume", Source: volume, Target: target, VolumeOpts: map[string]string{"type": kind, "device": kind},
		})
		t.Cleanup(func() {
			if err := e.RemoveVolume(after, volume); err != nil {
				t.Error(err)
			}
		})
	}
	id, err := e.CreateContainer(t.Context(), engine.ContainerSpec{
		Name: name, Image: baseImage, Mounts: mounts, PIDMode: "host", NetworkMode: "none", Init: true,
		Entrypoint: []string{"sleep", "infinity"}, CapAdd: []string{"SYS_ADMIN", "BPF", "PERFMON", "NET_ADMIN", "SYS_PTRACE"},
		SecurityOpt: []string{"seccomp=unconfined", "apparmor=unconfined"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.RemoveContainer(after, id); err != nil {
			t.Error(err)
		}
		_ = e.Close()
	})
	if err := e.CopyTo(t.Context(), id, "/", bytes.NewReader(binaryTar(t))); err != nil {
		t.Fatal(err)
	}
	if err := e.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return host{e, id}
}

// binaryTar builds the static binary and packs it, with this one as a loader.
func binaryTar(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "ebpfdev")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", out, "github.com/ebpfdev/ebpfdev/cmd/ebpfdev")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for name, data := range map[string][]byte{binary: data, loader: self} {
		if err := tw.WriteHeader(&tar.Header{Name: name[1:], Mode: 0o755, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// process is an agent in a container as a connection.
type process struct {
	engine.Process
	stderr *lockedBuffer
	first  <-chan string // the first line of its standard error
}

func (p process) Read(b []byte) (int, error)  { return p.Stdout().Read(b) }
func (p process) Write(b []byte) (int, error) { return p.Stdin().Write(b) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start starts an agent.
func (h host) start(t *testing.T, cmd ...string) process {
	t.Helper()
	p, err := h.e.Exec(t.Context(), h.id, engine.ExecSpec{Cmd: cmd, User: "root", Stdin: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	stderr, first := &lockedBuffer{}, make(chan string, 1)
	go func() {
		r := bufio.NewReader(p.Stderr())
		line, _ := r.ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(stderr, r)
	}()
	return process{p, stderr, first}
}

// agent starts an agent and connects to it. A shell in between tells its pid.
func (h host) agent(t *testing.T) (*remote.Client, int) {
	t.Helper()
	p := h.start(t, "/bin/sh", "-c", "echo $$ >&2; exec "+binary+" agent")
	c, err := remote.Connect(t.Context(), p, remote.Options{Version: "test", Stderr: p.stderr.String})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.stderr)
	}
	pid, err := strconv.Atoi(<-p.first) // the container sees the machine's pids
	if err != nil {
		t.Fatal(err)
	}
	return c, pid
}

func TestContainerConformance(t *testing.T) {
	h := newHost(t)
	apitest.Run(t, func(t *testing.T) api.Target {
		c, _ := h.agent(t)
		return c
	}, apitest.Options{Loader: []string{loader, kerneltest.LoaderWord}})
}

// streaming opens a stream and returns once it runs; the channel gives its end.
func streaming(t *testing.T, c *remote.Client) <-chan error {
	t.Helper()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- c.StreamEvents(t.Context(), api.EventsRequest{Logs: true}, func(e api.Event) error {
			if e.Kind == api.EventReady {
				close(ready)
			}
			return nil
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the stream ended: %v", err)
	}
	return ended
}

// within waits for the end of a stream and checks how and how soon it came.
func within(t *testing.T, limit time.Duration, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if api.KindOf(err) != api.ErrUnreachable {
			t.Errorf("%v (%v)", err, api.KindOf(err))
		}
		t.Log(err)
	case <-time.After(limit):
		t.Errorf("nothing noticed in %v", limit)
	}
}

func TestContainerFaults(t *testing.T) {
	h := newHost(t)
	t.Run("the agent is killed", func(t *testing.T) {
		c, pid := h.agent(t)
		ended := streaming(t, c)
		kill(t, pid)
		within(t, 2*time.Second, ended)
		if _, err := c.ListMaps(t.Context(), api.ListRequest{}); !errors.Is(err, api.ErrUnreachable) {
			t.Errorf("a later call: %v", err)
		}
	})
	t.Run("the client goes away", func(t *testing.T) {
		p := h.start(t, "/bin/sh", "-c", "echo $$ >&2; exec "+binary+" agent")
		c, err := remote.Connect(t.Context(), p, remote.Options{})
		if err != nil {
			t.Fatal(err)
		}
		line := <-p.first
		ended := streaming(t, c)
		start := time.Now()
		_ = p.Close() // as the kernel does for a client that was killed
		for gone := false; !gone; {
			_, err := os.Stat("/proc/" + line)
			gone = errors.Is(err, os.ErrNotExist)
			if time.Since(start) > 2*time.Second {
				t.Fatalf("the agent, process %s, still runs", line)
			}
		}
		within(t, 2*time.Second, ended)
	})
	t.Run("no agent there", func(t *testing.T) {
		p := h.start(t, "/bin/sh", "-c", "echo cannot start; exit 3")
		_, err := remote.Connect(t.Context(), p, remote.Options{})
		if !errors.Is(err, api.ErrUnreachable) || !strings.Contains(err.Error(), "cannot start") {
			t.Errorf("%v", err)
		}
	})
	t.Run("a terminal", func(t *testing.T) {
		p, err := h.e.Exec(t.Context(), h.id, engine.ExecSpec{Cmd: []string{"cat"}, Stdin: true, TTY: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = remote.Connect(ctx, process{Process: p}, remote.Options{})
		if api.KindOf(err) != api.ErrEnvironment && api.KindOf(err) != api.ErrUnreachable {
			t.Errorf("%v", err)
		}
		t.Log(err)
	})
	t.Run("the container is removed", func(t *testing.T) {
		c, _ := h.agent(t)
		ended := streaming(t, c)
		if err := h.e.RemoveContainer(t.Context(), h.id); err != nil {
			t.Fatal(err)
		}
		// An engine keeps the connection open whose container shared the
		// machine's pids; then the agent's silence tells, after 10 s.
		within(t, 20*time.Second, ended)
	})
}

// kill kills an agent, by its pid on this machine.
func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}
