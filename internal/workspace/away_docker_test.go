//go:build docker

package workspace_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// docker runs the engine's own command, for what engine.Engine does not do.
func (f *fixture) docker(args ...string) {
	f.t.Helper()
	if out, err := exec.CommandContext(f.t.Context(), "docker", args...).CombinedOutput(); err != nil {
		f.t.Fatalf("docker %v: %v: %s", args, err, out)
	}
}

// signalled is a writer that tells of its first bytes.
type signalled struct{ first chan struct{} }

func (s *signalled) Write(p []byte) (int, error) {
	select {
	case <-s.first:
	default:
		close(s.first)
	}
	return len(p), nil
}

// TestContainerTakenAway: whatever happens to a container while a command and an
// agent's call run in it, both end within seconds with an error that says what
// happened and, where ebpfdev can help, what to do.
func TestContainerTakenAway(t *testing.T) {
	const limit = 5 * time.Second
	for name, c := range map[string]struct {
		take  func(f *fixture, id string)
		cause string // of the session's error and, unless empty, of the command's
		exec  string
		hint  string
	}{
		"removed":   {func(f *fixture, id string) { f.docker("rm", "-f", id) }, "the container was removed", "the container was removed", "ebpfdev up"},
		"stopped":   {func(f *fixture, id string) { f.docker("stop", "-t", "1", id) }, "the container was stopped", "the container was stopped", "ebpfdev up"},
		"killed":    {func(f *fixture, id string) { f.docker("kill", id) }, "the container was stopped", "the container was stopped", "ebpfdev up"},
		"restarted": {func(f *fixture, id string) { f.docker("restart", "-t", "1", id) }, "the container was ", "the container was ", "ebpfdev up"},
		// A command waits: a paused container goes on where it was.
		"paused": {func(f *fixture, id string) { f.docker("pause", id) }, "the container is paused", "", "docker unpause "},
		"agent killed": {func(f *fixture, id string) {
			f.docker("exec", "-u", "root", id, "sh", "-c", `for p in /proc/[0-9]*; do case $(readlink $p/exe) in /opt/ebpfdev/*) kill -9 ${p#/proc/};; esac; done`)
		}, "the agent ended", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, config, dockerfile)
			res := f.mustUp()
			s, err := f.w.Open(t.Context(), api.OpenRequest{Folder: f.folder})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			runs := &signalled{first: make(chan struct{})}
			builds := make(chan struct{})
			executed, built := make(chan error, 1), make(chan error, 1)
			go func() {
				var errOut bytes.Buffer
				_, err := f.w.Exec(ctx, api.ExecRequest{
					Folder: f.folder, Args: []string{"sh", "-c", "echo go; exec sleep 600"}, Streams: api.Streams{Out: runs, Err: &errOut},
				})
				executed <- err
			}()
			go func() {
				req := api.BuildRequest{Dir: s.Info().Dir, Command: []string{"sh", "-c", "echo go; exec sleep 600"}}
				_, err := s.Build(ctx, req, func(e api.BuildEvent) error {
					if e.Line == "go" {
						close(builds)
					}
					return nil
				})
				built <- err
			}()
			<-runs.first
			select {
			case <-builds:
			case err := <-built:
				t.Fatalf("build: %v", err)
			}
			c.take(f, res.ContainerID)
			if name == "paused" {
				defer f.docker("unpause", res.ContainerID)
			}
			deadline := time.After(limit)
			select {
			case err := <-built:
				if !errors.Is(err, api.ErrUnreachable) || !strings.Contains(err.Error(), c.cause) || !strings.HasPrefix(api.HintOf(err), c.hint) {
					t.Errorf("session: %v (%v, hint %q)", err, api.KindOf(err), api.HintOf(err))
				}
				t.Logf("session: %v", err)
			case <-deadline:
				t.Errorf("the session did not notice within %v", limit)
			}
			if c.exec == "" {
				return
			}
			select {
			case err := <-executed:
				if err == nil || !strings.Contains(err.Error(), c.exec) || api.HintOf(err) != c.hint {
					t.Errorf("exec: %v (%v, hint %q)", err, api.KindOf(err), api.HintOf(err))
				}
			case <-deadline:
				t.Errorf("the command did not notice within %v", limit)
			}
		})
	}
}
