//go:build docker

package workspace_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
)

func TestFilesBelongToTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		need(t, "root", errors.New("files of another user need root"))
	}
	f := newFixture(t, config, dockerfile)
	if err := exec.Command("chown", "-R", "1234:1234", f.folder).Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(f.folder), 0o755); err != nil {
		t.Fatal(err)
	}
	f.mustUp()
	if out, code := f.exec("sh", "-c", "id -u; id -g; touch made; stat -c %u:%g ~"); code != 0 || out != "1234\n1234\n1234:1234\n" {
		t.Errorf("exec: %d %q", code, out)
	}
	out, err := exec.Command("stat", "-c", "%u:%g", filepath.Join(f.folder, "made")).Output()
	if err != nil || string(out) != "1234:1234\n" {
		t.Errorf("made: %s, %v", out, err)
	}
}

func TestCertificatesAreInTheContext(t *testing.T) {
	f := newFixture(t, config, dockerfile+"COPY certs/ /certs/\n")
	f.write(".devcontainer/certs/README.md", "here")
	f.write("machine/extra.crt", "certificate")
	f.env["EBPFDEV_CA_CERTIFICATES"] = filepath.Join(f.folder, "machine")
	f.mustUp()
	if out, code := f.exec("cat", "/certs/README.md", "/certs/extra.crt"); code != 0 || out != "herecertificate" {
		t.Errorf("exec: %d %q", code, out)
	}
	if _, err := os.Stat(filepath.Join(f.folder, ".devcontainer/certs/extra.crt")); err == nil {
		t.Error("the certificate was written into the project")
	}
}

func TestPrivilegedSaysWhatIsMissing(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"privileged": true, "remoteUser"`, 1), dockerfile)
	res := f.mustUp()
	out, _ := f.exec("sh", "-c", "cat /proc/1/status | grep CapBnd")
	t.Logf("missing %v; %s", res.Missing, out)
	have, err := engine.StatusCapabilities(strings.NewReader(out), "CapBnd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range res.Missing {
		if strings.Contains(strings.Join(have, " ")+" ", name+" ") {
			t.Errorf("%s is there", name)
		}
	}
	if len(res.Missing)+len(have) != len(engine.Capabilities()) {
		t.Errorf("missing %v, have %v", res.Missing, have)
	}
}

func TestVolumeThatIsNotWhatItClaims(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"mounts": [`, `"mounts": ["type=volume,source=wst-bpf-${devcontainerId},target=/sys/fs/bpf,volume-opt=type=bpf,volume-opt=device=bpf",`, 1), dockerfile)
	name := "wst-bpf-" + devcontainer.ID(f.labels())
	if err := f.e.CreateVolume(t.Context(), engine.VolumeSpec{Name: name}); err != nil {
		t.Fatal(err)
	}
	res := f.mustUp()
	if !strings.Contains(strings.Join(res.Warnings, "\n"), "/sys/fs/bpf is not bpf") {
		t.Errorf("warnings: %q", res.Warnings)
	}
	if _, err := f.w.Down(t.Context(), api.DownRequest{Folder: f.folder}); err != nil {
		t.Fatal(err)
	}
	if res = f.mustUp(); len(res.Warnings) > 0 {
		t.Errorf("warnings: %q", res.Warnings)
	}
}

// meagre is an engine whose machine cannot grant everything: what Engine 20.10
// answers to privileged where the bounding set is short.
type meagre struct {
	engine.Engine
	mu         sync.Mutex
	privileged map[string]bool
	specs      []engine.ContainerSpec
}

func (m *meagre) CreateContainer(ctx context.Context, spec engine.ContainerSpec) (string, error) {
	id, err := m.Engine.CreateContainer(ctx, spec)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.privileged[id] = spec.Privileged
	m.specs = append(m.specs, spec)
	return id, err
}

func (m *meagre) StartContainer(ctx context.Context, id string) error {
	m.mu.Lock()
	refused := m.privileged[id]
	m.mu.Unlock()
	if refused {
		return api.E("start container", id, api.ErrNotSupported, engine.ErrCapabilities)
	}
	return m.Engine.StartContainer(ctx, id)
}

func TestStartsWithFewerCapabilities(t *testing.T) {
	f := newFixture(t, strings.Replace(config, `"remoteUser"`, `"privileged": true, "remoteUser"`, 1), dockerfile)
	m := &meagre{Engine: f.e, privileged: map[string]bool{}}
	path, _ := binary()
	w := workspace.New(workspace.Options{
		Engine: func(context.Context) (engine.Engine, error) { return m, nil }, Executable: path, Env: f.lookup,
	})
	res, err := w.Up(t.Context(), api.UpRequest{Folder: f.folder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.e.InspectContainer(t.Context(), res.ContainerID)
	if err != nil || c.Privileged || len(c.CapAdd) < 35 {
		t.Errorf("privileged %v, capabilities %v, %v", c.Privileged, c.CapAdd, err)
	}
	if out, code := f.exec("cat", "/proc/1/status"); code != 0 {
		t.Errorf("%d %s", code, out)
	} else if have, err := engine.StatusCapabilities(strings.NewReader(out), "CapBnd"); err != nil || len(have)+len(res.Missing) != len(engine.Capabilities()) {
		t.Errorf("have %v, missing %v, %v", have, res.Missing, err)
	}
	list, err := f.e.ListContainers(t.Context(), f.labels())
	if err != nil || len(list) != 1 {
		t.Errorf("%d containers, %v", len(list), err)
	}
}
