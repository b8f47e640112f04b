//go:build docker

package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// buildStatic builds ebpfdev as it is released: the binary itself goes into
// containers as the agent. It returns the folder that holds it.
func buildStatic(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "ebpfdev"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
}

// TestDockerScripts runs scripts on the machine's engine.
func TestDockerScripts(t *testing.T) {
	bin := buildStatic(t)
	testscript.Run(t, testscript.Params{
		Dir:       "testdata/script/docker",
		Cmds:      scriptCommands(),
		Condition: condition,
		Setup: func(e *testscript.Env) error {
			if err := setup(e); err != nil {
				return err
			}
			e.Setenv("DOCKER_HOST", os.Getenv("DOCKER_HOST"))
			e.Setenv("GOPROXY", os.Getenv("GOPROXY"))
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Defer(func() { removeWorkspaces(t, bin, e.WorkDir) })
			return nil
		},
	})
}

// removeWorkspaces takes down what a script that failed left up.
func removeWorkspaces(t *testing.T, bin, dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != ".devcontainer" || !d.IsDir() {
			return err
		}
		cmd := exec.Command(filepath.Join(bin, "ebpfdev"), "down", "--all", "--workspace-folder", filepath.Dir(path))
		if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "devcontainer.json") {
			t.Errorf("down %s: %v\n%s", path, err, out)
		}
		return fs.SkipDir
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDemo plays the whole story on the machine's engine and kernel.
func TestDemo(t *testing.T) {
	if ok, err := condition("docker"); err != nil {
		t.Fatal(err)
	} else if !ok {
		t.Skip("no container engine")
	}
	bin := buildStatic(t)
	tmp := t.TempDir()
	cmd := exec.Command(filepath.Join(bin, "ebpfdev"), "demo", "--progress", "plain")
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, t.Output()
	if err := cmd.Run(); err != nil {
		t.Fatalf("demo: %v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "20 of 20 programs counted") {
		t.Errorf("the demo does not say what it counted:\n%s", out.String())
	}
	left, err := filepath.Glob(filepath.Join(tmp, "ebpfdev-demo-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the demo left %v, %v", left, err)
	}
}
