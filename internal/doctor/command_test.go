//go:build unix

package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestCommandText(t *testing.T) {
	c := command{env: []string{"A=x y"}, argv: []string{"echo", "it's", "", "plain-1", "$HOME"}}
	if want := `A='x y' echo 'it'\''s' '' plain-1 '$HOME'`; c.String() != want {
		t.Errorf("got %s", c)
	}
}

func TestRun(t *testing.T) {
	var lines []string
	s := &step{id: "x", title: "X", fn: func(p api.Progress) error {
		if p.Step != "x" || p.Title != "X" || p.Time.IsZero() {
			t.Errorf("%+v", p)
		}
		lines = append(lines, p.Line)
		return nil
	}}
	c := command{env: []string{"V=value"}, argv: []string{"sh", "-c", "echo $V; printf '10%%\\r100%%\\n'; echo bad >&2; exit 3"}}
	err := c.run(t.Context(), s)
	var tool *api.ToolError
	if !errors.As(err, &tool) || tool.Tool != "sh" || tool.ExitCode != 3 || !strings.Contains(tool.Stderr, "bad") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(lines[1:], []string{"value", "100%", "bad"}) {
		t.Errorf("lines %q", lines)
	}
	if err := cmd("no-such-program-here").run(t.Context(), s); api.KindOf(err) != api.ErrEnvironment {
		t.Errorf("error %v", err)
	}
	err = cmd("sh", "-c", "kill -TERM $$").run(t.Context(), s)
	if !errors.As(err, &tool) || tool.ExitCode != 143 {
		t.Errorf("error %v", err)
	}
}

// An interrupted command gets the time to take back what it has begun.
func TestRunIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := filepath.Join(t.TempDir(), "cleaned")
	s := &step{fn: func(p api.Progress) error {
		if p.Line == "ready" {
			cancel()
		}
		return nil
	}}
	err := cmd("sh", "-c", "trap 'touch "+left+"; exit 1' INT; echo ready; while :; do sleep 0.1; done").run(ctx, s)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Error(err)
	}
}

func TestRunStopsReportingWithTheCallback(t *testing.T) {
	stop := errors.New("enough")
	err := cmd("sh", "-c", "echo a; echo b").run(t.Context(), &step{fn: func(p api.Progress) error {
		if p.Line == "a" {
			return stop
		}
		return nil
	}})
	if err != stop { //nolint:errorlint // it must be this very error
		t.Errorf("error %v", err)
	}
}

func TestTryTurnsAFailureIntoAWarning(t *testing.T) {
	var states []api.StepState
	s := &step{fn: func(p api.Progress) error { states = append(states, p.State); return nil }}
	if err := cmd("false").try(t.Context(), s); err != nil {
		t.Error(err)
	}
	if !slices.Contains(states, api.StepWarning) {
		t.Errorf("states %v", states)
	}
}

func TestStartDetached(t *testing.T) {
	log := filepath.Join(t.TempDir(), "logs", "x.log")
	ended, err := startDetached(cmd("sh", "-c", "echo said; cut -d\" \" -f6 /proc/$$/stat; echo $$; exit 4"), log)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "4") {
			t.Errorf("error %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it did not end")
	}
	tail := logTail(log)
	parts := strings.Split(strings.Trim(tail, " ()"), " | ")
	if parts[0] != "said" || (runtime.GOOS == "linux" && (len(parts) != 3 || parts[1] != parts[2])) {
		t.Errorf("log %q: it is not the leader of a session of its own", tail)
	}
}

func TestStalePID(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "docker.pid")
	root := func(text, comm string) fstest.MapFS {
		return fstest.MapFS{strings.TrimPrefix(path, "/"): file(text), "proc/42/comm": file(comm)}
	}
	for name, fs := range map[string]fstest.MapFS{
		"somebody else's number": root("42\n", "bash\n"), "nobody's number": root("43\n", ""), "no number": root("x", ""),
	} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := removeStalePID(fs, path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: it stayed", name)
		}
	}
	if err := removeStalePID(root("42\n", "dockerd\n"), path); api.KindOf(err) != api.ErrConflict {
		t.Errorf("a living engine: %v", err)
	}
	if err := removeStalePID(fstest.MapFS{}, path); err != nil {
		t.Error(err)
	}
}

func TestSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not", "there", "yet")
	if c := spaceCheck("d", "D", path, "w", "f", 1, 2); c.State != api.CheckOK {
		t.Errorf("%+v", c)
	}
	if c := spaceCheck("d", "D", path, "w", "f", 1, 1<<62); c.State != api.CheckWarn {
		t.Errorf("%+v", c)
	}
	if c := spaceCheck("d", "D", path, "w", "f", 1<<62, 1<<62); c.State != api.CheckFail {
		t.Errorf("%+v", c)
	}
}
