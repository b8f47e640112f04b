//go:build docker

package workspace_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

func TestParallelUps(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	path, _ := binary()
	const n = 20
	var group sync.WaitGroup
	errs := make([]error, n)
	created := make([]bool, n)
	for i := range n {
		group.Go(func() {
			w := workspace.New(workspace.Options{Engine: openEngine, Executable: path, Env: f.lookup})
			defer func() { _ = w.Close() }()
			res, err := w.Up(t.Context(), api.UpRequest{Folder: f.folder}, nil)
			errs[i], created[i] = err, res.Created
		})
	}
	group.Wait()
	made := 0
	for i := range n {
		if errs[i] != nil && !errors.Is(errs[i], api.ErrConflict) {
			t.Errorf("up %d: %v", i, errs[i])
		}
		if created[i] {
			made++
		}
	}
	list, err := f.e.ListContainers(t.Context(), f.labels())
	if err != nil || len(list) != 1 || made != 1 {
		t.Errorf("%d containers, %d made, %v", len(list), made, err)
	}
}

// TestChildUp is an up in a process of its own, which other tests start and kill.
func TestChildUp(t *testing.T) {
	folder := os.Getenv("EBPFDEV_TEST_UP")
	if folder == "" {
		return
	}
	w := workspace.New(workspace.Options{
		Engine: openEngine, Executable: os.Getenv("EBPFDEV_TEST_BINARY"), Env: os.LookupEnv,
	})
	if _, err := w.Up(t.Context(), api.UpRequest{Folder: folder}, nil); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) child() *exec.Cmd {
	path, _ := binary()
	cmd := exec.CommandContext(f.t.Context(), os.Args[0], "-test.run=^TestChildUp$")
	cmd.Env = append(os.Environ(), "EBPFDEV_TEST_UP="+f.folder, "EBPFDEV_TEST_BINARY="+path, "XDG_RUNTIME_DIR="+f.env["XDG_RUNTIME_DIR"])
	return cmd
}

func TestKilledAtAnyMoment(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"postCreateCommand": "true", "remoteUser"`, 1), dockerfile)
	whole := time.Now()
	if out, err := f.child().CombinedOutput(); err != nil {
		t.Fatalf("up: %v: %s", err, out)
	}
	took := time.Since(whole)
	const rounds = 20
	for i := range rounds {
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
			t.Fatal(err)
		}
		cmd := f.child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Moments spread over the whole run, each somewhere in its own slice.
		<-time.After(took*time.Duration(i)/rounds + time.Duration(rand.Int64N(int64(took)/rounds)))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
			t.Fatal(err)
		}
		if left := f.left(t.Context()); len(left) > 0 {
			t.Errorf("round %d: left after down: %v", i, left)
		}
	}
	f.mustUp()
}

func TestUpAfterAKilledOne(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	for i := range 4 {
		cmd := f.child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(i) * 250 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		f.mustUp()
		list, err := f.e.ListContainers(t.Context(), f.labels())
		if err != nil || len(list) != 1 {
			t.Errorf("round %d: %d containers, %v", i, len(list), err)
		}
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDownWithoutAConfiguration(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	path := filepath.Join(f.folder, ".devcontainer", "devcontainer.json")
	for name, spoil := range map[string]func() error{
		"broken": func() error { return os.WriteFile(path, []byte("{"), 0o644) },
		"gone":   func() error { return os.Remove(path) },
		"folder": func() error { return os.RemoveAll(f.folder) },
	} {
		f.write(".devcontainer/devcontainer.json", config)
		f.write(".devcontainer/Dockerfile", dockerfile)
		f.mustUp()
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		res, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder})
		if err != nil || len(res.Removed) != 3 {
			t.Errorf("%s: %v, %v", name, res.Removed, err)
		}
		if left := f.left(t.Context()); len(left) > 0 {
			t.Errorf("%s: left after down: %v", name, left)
		}
		if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err == nil {
			t.Errorf("%s: a second down found something", name)
		}
	}
}

// TestUpAndDownAtOnce: whatever comes first, each ends without an error of the
// other's doing, and what is there in the end is whole or nothing.
func TestUpAndDownAtOnce(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	other := newFixtureNamed(t, "ws-another", config, dockerfile)
	path, _ := binary()
	for range 3 {
		var group sync.WaitGroup
		for i, folder := range []string{f.folder, other.folder, f.folder, f.folder, other.folder} {
			group.Go(func() {
				// All share one runtime folder, which a down may remove.
				w := workspace.New(workspace.Options{Engine: openEngine, Executable: path, Env: f.lookup})
				defer func() { _ = w.Close() }()
				var err error
				if i < 3 {
					_, err = w.Up(t.Context(), api.UpRequest{Folder: folder}, nil)
				} else {
					_, err = w.Down(t.Context(), api.DownRequest{Folder: folder})
				}
				if err != nil {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		group.Wait()
		for _, f := range []*fixture{f, other} {
			list, err := f.e.ListContainers(t.Context(), f.labels())
			if err != nil || len(list) > 1 || len(list) == 1 && list[0].State != "running" {
				t.Errorf("containers: %+v, %v", list, err)
			}
			if len(list) == 0 {
				for _, left := range f.left(t.Context()) {
					if strings.HasPrefix(left, "volume") {
						t.Errorf("left: %s", left)
					}
				}
			}
		}
	}
	other.env = f.env
	if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
		t.Error(err)
	}
}
