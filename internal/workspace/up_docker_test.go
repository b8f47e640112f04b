//go:build docker

package workspace_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
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
