//go:build docker

package docker_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

func TestExec(t *testing.T) {
	e := openBase(t)
	id := running(t, e, engine.ContainerSpec{NetworkMode: "none"})

	t.Run("outputs are apart and the code is its own", func(t *testing.T) {
		r := run(t, e, id, sh("echo out; echo err >&2; exit 3"), nil)
		if r.wait != nil || r.code != 3 || r.out != "out\n" || r.err != "err\n" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a signal is 128+n", func(t *testing.T) {
		if r := run(t, e, id, sh("kill -KILL $$"), nil); r.wait != nil || r.code != 137 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("user, folder and environment", func(t *testing.T) {
		spec := sh("id -u; pwd; echo $K")
		spec.User, spec.Dir, spec.Env = "1234", "/usr", []string{"K=a b"}
		if r := run(t, e, id, spec, nil); r.out != "1234\n/usr\na b\n" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("bytes go through unchanged", func(t *testing.T) {
		content := make([]byte, 8<<20)
		r := rand.New(rand.NewSource(1))
		_, _ = r.Read(content)
		got := run(t, e, id, engine.ExecSpec{Cmd: []string{"sha256sum"}}, bytes.NewReader(content))
		if want := fmt.Sprintf("%x  -\n", sha256.Sum256(content)); got.out != want {
			t.Errorf("sha256sum said %q, want %q", got.out, want)
		}
		if back := run(t, e, id, engine.ExecSpec{Cmd: []string{"cat"}}, bytes.NewReader(content)); back.out != string(content) {
			t.Errorf("cat returned %d other bytes", len(back.out))
		}
	})
	t.Run("a terminal has a size", func(t *testing.T) {
		p, err := e.Exec(t.Context(), id, engine.ExecSpec{
			Cmd: []string{"/bin/sh", "-c", "read x; stty size"}, TTY: true, Stdin: true, Size: api.Size{Width: 91, Height: 33},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		if err := p.Resize(t.Context(), api.Size{Width: 132, Height: 43}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Stdin().Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		if r := finish(t, p, nil); !strings.Contains(r.out, "43 132\r\n") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("closing ends a command that reads", func(t *testing.T) {
		p, err := e.Exec(t.Context(), id, engine.ExecSpec{
			Cmd: []string{"/bin/sh", "-c", "echo ready; cat >/dev/null; mkfifo /tmp/f; echo ended >/tmp/f"}, Stdin: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		ready := make([]byte, 6)
		if _, err := io.ReadFull(p.Stdout(), ready); err != nil {
			t.Fatal(err)
		}
		_ = p.Close()
		_ = p.Close()
		if r := run(t, e, id, sh("until [ -p /tmp/f ]; do :; done; cat /tmp/f"), nil); r.out != "ended\n" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a wait can be given up", func(t *testing.T) {
		p, err := e.Exec(t.Context(), id, engine.ExecSpec{Cmd: []string{"cat"}, Stdin: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestContainerRemovedWhileACommandRuns(t *testing.T) {
	e := openBase(t)
	for name, pid := range map[string]string{"private pid": "", "host pid": "host"} {
		t.Run(name, func(t *testing.T) {
			id := running(t, e, engine.ContainerSpec{NetworkMode: "none", PIDMode: pid})
			spec := sh("echo ready; exec cat")
			spec.Stdin = true
			p, err := e.Exec(t.Context(), id, spec)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			if _, err := io.ReadFull(p.Stdout(), make([]byte, 6)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := e.RemoveContainer(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			r := finish(t, p, nil)
			wantKind(t, r.wait, api.ErrNotExist)
			if !strings.Contains(r.wait.Error(), "removed") || time.Since(start) > 10*time.Second {
				t.Errorf("%v after %v", r.wait, time.Since(start))
			}
		})
	}
}

func TestContainerThatDoesNotRun(t *testing.T) {
	e := openBase(t)
	id := create(t, e, engine.ContainerSpec{Cmd: []string{"true"}, NetworkMode: "none"})
	_, err := e.Exec(t.Context(), id, sh("true"))
	wantKind(t, err, api.ErrConflict)
	if !strings.Contains(err.Error(), "is not running") {
		t.Error(err)
	}
}

func TestCommandThatCannotBeStarted(t *testing.T) {
	e := openBase(t)
	id := running(t, e, engine.ContainerSpec{NetworkMode: "none"})
	tests := []struct {
		name string
		spec engine.ExecSpec
		code int
		want string
	}{
		{"no such command", engine.ExecSpec{Cmd: []string{"nosuch"}}, 127, "exec nosuch: command not found in the container"},
		{"no such path", engine.ExecSpec{Cmd: []string{"/no/such"}}, 127, "exec /no/such: command not found in the container"},
		{"at a terminal", engine.ExecSpec{Cmd: []string{"nosuch"}, TTY: true}, 127, "exec nosuch: command not found in the container"},
		{"no program", engine.ExecSpec{Cmd: []string{"/etc/passwd"}}, 126, "exec /etc/passwd: it is not an executable file in the container"},
		{"a folder", engine.ExecSpec{Cmd: []string{"/etc"}}, 126, "exec /etc: it is not an executable file in the container"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, e, id, tt.spec, nil)
			if r.wait == nil || r.wait.Error() != tt.want || r.code != tt.code || r.out+r.err != "" {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("no such folder or user", func(t *testing.T) {
		for _, spec := range []engine.ExecSpec{{Cmd: []string{"true"}, Dir: "/no/such"}, {Cmd: []string{"true"}, User: "nobody-here"}} {
			if r := run(t, e, id, spec, nil); r.wait == nil || r.code != 126 || r.out+r.err != "" {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("a command that only says so", func(t *testing.T) {
		for _, tty := range []bool{false, true} {
			spec := sh("printf 'OCI runtime exec failed: no'; exit 126")
			spec.TTY = tty
			if r := run(t, e, id, spec, nil); r.wait != nil || r.code != 126 || r.out != "OCI runtime exec failed: no" {
				t.Errorf("%+v", r)
			}
		}
	})
}
