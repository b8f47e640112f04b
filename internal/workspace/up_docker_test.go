//go:build docker

package workspace_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

func TestUpTwiceIsOneContainer(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	first := f.mustUp()
	if !first.Created || !first.Started || first.RemoteUser != "dev" || first.RemoteFolder != "/workspaces/"+filepath.Base(f.folder) {
		t.Errorf("first up: %+v", first)
	}
	second := f.mustUp()
	if second.Created || second.Started || second.ContainerID != first.ContainerID {
		t.Errorf("second up: %+v", second)
	}
	out, code := f.exec("sh", "-c", "id -un; pwd; echo $CONTAINER $REMOTE $HOME; ls -l /opt/ebpfdev/current/ebpfdev; which ebpfdev")
	want := []string{"dev\n", first.RemoteFolder + "\n", "c c-r /home/dev\n", "-rwxr-xr-x 1 root root", "/opt/ebpfdev/current/ebpfdev\n"}
	for _, w := range want {
		if code != 0 || !strings.Contains(out, w) {
			t.Errorf("exec: code %d, no %q in %q", code, w, out)
		}
	}
	status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder})
	if err != nil || status.State != "running" || status.RemoteUser != "dev" || len(status.Volumes) != 2 {
		t.Errorf("status: %+v, %v", status, err)
	}
}

func TestPrivateNames(t *testing.T) {
	for _, name := range []string{"with space", "comma, quote' and \"more\"", "ünïcode-名", "-dash", "$HOME `x`"} {
		t.Run(name, func(t *testing.T) {
			f := newFixtureNamed(t, name, config, dockerfile)
			f.mustUp()
			if out, code := f.exec("pwd"); code != 0 || out != "/workspaces/"+name+"\n" {
				t.Errorf("pwd: %d %q", code, out)
			}
		})
	}
}

func TestRebuild(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	first := f.mustUp()
	f.write(".devcontainer/Dockerfile", dockerfile+"RUN exit 1\n")
	if _, err := f.up(api.UpRequest{Rebuild: true}); !errors.Is(err, api.ErrTool) {
		t.Errorf("up: %v", err)
	}
	if again := f.mustUp(); again.ContainerID != first.ContainerID {
		t.Error("a build that failed took the container")
	}
	status, err := f.w.Status(t.Context(), api.StatusRequest{Folder: f.folder})
	if err != nil || !status.Changed {
		t.Errorf("status: %+v, %v", status, err)
	}
	f.write(".devcontainer/Dockerfile", dockerfile+"RUN echo new >/new\n")
	second, err := f.up(api.UpRequest{Rebuild: true})
	if err != nil || !second.Created || second.ContainerID == first.ContainerID {
		t.Errorf("up: %+v, %v", second, err)
	}
	if out, _ := f.exec("cat", "/new"); out != "new\n" {
		t.Errorf("cat: %q", out)
	}
	list, err := f.e.ListContainers(t.Context(), f.labels())
	if err != nil || len(list) != 1 {
		t.Errorf("%d containers, %v", len(list), err)
	}
}

func TestANewerBinaryIsPutIn(t *testing.T) {
	f := newFixture(t, config, dockerfile)
	f.mustUp()
	path, _ := binary()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(t.TempDir(), "ebpfdev")
	if err := os.WriteFile(newer, append(data, "newer"...), 0o755); err != nil {
		t.Fatal(err)
	}
	w := workspace.New(workspace.Options{Engine: openEngine, Executable: newer, Env: f.lookup})
	if _, err := w.Up(t.Context(), api.UpRequest{Folder: f.folder}, nil); err != nil {
		t.Fatal(err)
	}
	if out, code := f.exec("tail", "-c5", "/opt/ebpfdev/current/ebpfdev"); code != 0 || out != "newer" {
		t.Errorf("tail: %d %q", code, out)
	}
	// A session does the same, without an up before it.
	if err := os.WriteFile(newer, append(data, "other"...), 0o755); err != nil {
		t.Fatal(err)
	}
	w = workspace.New(workspace.Options{Engine: openEngine, Executable: newer, Env: f.lookup})
	s, err := w.Open(t.Context(), api.OpenRequest{Folder: f.folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if out, code := f.exec("tail", "-c5", "/opt/ebpfdev/current/ebpfdev"); code != 0 || out != "other" {
		t.Errorf("tail: %d %q", code, out)
	}
}

// TestALongName: a folder's name may be too long for an image's name.
func TestALongName(t *testing.T) {
	f := newFixtureNamed(t, strings.Repeat("a", 255), config, dockerfile)
	if _, err := f.up(api.UpRequest{}); !errors.Is(err, api.ErrUsage) {
		t.Errorf("up: %v", err)
	}
}
