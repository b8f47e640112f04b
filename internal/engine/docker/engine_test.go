//go:build docker

package docker_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
)

const baseImage = "debian:trixie-slim"

// open connects to the real engine. Without one a test is skipped, in CI it fails.
func open(t *testing.T) *docker.Engine {
	t.Helper()
	e, err := docker.Open(t.Context(), docker.Options{Env: os.LookupEnv})
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// openBase is open, on a machine that has the base image.
func openBase(t *testing.T) *docker.Engine {
	t.Helper()
	e := open(t)
	if _, err := e.InspectImage(t.Context(), baseImage); err != nil {
		missing(t, err)
	}
	return e
}

func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// after is a context for clean-up: the test's own is over by then.
func after(t *testing.T) context.Context {
	return context.WithoutCancel(t.Context())
}

func unique(t *testing.T) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(t.Name()))
	return "ebpfdev-" + name + "-" + strings.ToLower(rand.Text()[:10])
}

// create makes a container that is removed at the end.
func create(t *testing.T, e *docker.Engine, spec engine.ContainerSpec) string {
	t.Helper()
	if spec.Name == "" {
		spec.Name = unique(t)
	}
	if spec.Image == "" {
		spec.Image = baseImage
	}
	id, err := e.CreateContainer(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.RemoveContainer(after(t), id); err != nil {
			t.Error(err)
		}
	})
	return id
}

// running makes a container that runs until it is told to stop.
func running(t *testing.T, e *docker.Engine, spec engine.ContainerSpec) string {
	t.Helper()
	if spec.Entrypoint == nil {
		spec.Entrypoint = []string{"/bin/sh", "-c", "trap 'exit 0' TERM; while sleep 1 & wait $!; do :; done"}
	}
	id := create(t, e, spec)
	if err := e.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return id
}

// result is what a command left.
type result struct {
	code     int
	out, err string
	wait     error
}

// run executes a command to its end.
func run(t *testing.T, e *docker.Engine, id string, spec engine.ExecSpec, input io.Reader) result {
	t.Helper()
	spec.Stdin = input != nil
	p, err := e.Exec(t.Context(), id, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	return finish(t, p, input)
}

func finish(t *testing.T, p engine.Process, input io.Reader) result {
	t.Helper()
	if input != nil {
		go func() {
			_, _ = io.Copy(p.Stdin(), input)
			_ = p.Stdin().Close()
		}()
	}
	var errOut bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(&errOut, p.Stderr())
	}()
	out, _ := io.ReadAll(p.Stdout())
	<-done
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code, err := p.Wait(ctx)
	return result{code, string(out), errOut.String(), err}
}

func sh(script string) engine.ExecSpec {
	return engine.ExecSpec{Cmd: []string{"/bin/sh", "-c", script}}
}

func wantKind(t *testing.T, err error, kind api.Kind) {
	t.Helper()
	if api.KindOf(err) != kind {
		t.Fatalf("error %v has kind %q, want %q", err, api.KindOf(err), kind)
	}
}
