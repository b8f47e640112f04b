//go:build docker && linux

package docker_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
)

// rawClient is for what engine.Engine does not do: pausing.
func rawClient(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestExecInAPausedContainer(t *testing.T) {
	e := openBase(t)
	id := running(t, e, engine.ContainerSpec{NetworkMode: "none"})
	if _, err := rawClient(t).ContainerPause(t.Context(), id, client.ContainerPauseOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := e.Exec(t.Context(), id, sh("true"))
	wantKind(t, err, api.ErrConflict)
	if !strings.Contains(err.Error(), "paused") || !strings.HasPrefix(api.HintOf(err), "docker unpause") {
		t.Errorf("%v, hint %q", err, api.HintOf(err))
	}
	if c, err := e.InspectContainer(t.Context(), id); err != nil || c.State != "paused" {
		t.Errorf("state %q, %v", c.State, err)
	}
}

// A privileged container starts, or is told apart so that it can be started with
// what the engine has. Either way it can load programs.
func TestPrivileged(t *testing.T) {
	e := openBase(t)
	spec := engine.ContainerSpec{Image: baseImage, Privileged: true, NetworkMode: "none"}
	caps, err := engine.Granted(t.Context(), e, spec)
	if errors.Is(err, engine.ErrCapabilities) {
		wantKind(t, err, api.ErrNotSupported)
		grantable, grantErr := engine.Grantable(t.Context(), e, baseImage)
		if grantErr != nil {
			t.Fatal(grantErr)
		}
		t.Logf("%v; going on without %v", err, engine.MissingCapabilities(engine.Capabilities(), grantable))
		caps, err = engine.Granted(t.Context(), e, engine.WithoutPrivileged(spec, grantable))
	}
	if err != nil || !slices.Contains(caps, "CAP_SYS_ADMIN") {
		t.Errorf("%v, %v", caps, err)
	}
}

// Everybody may look for an engine; who may not use it is told how to.
func TestOpenWithoutPermission(t *testing.T) {
	const marker = "EBPFDEV_TEST_OPEN_AS_NOBODY"
	if os.Getenv(marker) != "" {
		_, err := docker.Open(t.Context(), docker.Options{})
		wantKind(t, err, api.ErrPermission)
		if !strings.Contains(api.HintOf(err), "usermod -aG docker") {
			t.Errorf("hint %q", api.HintOf(err))
		}
		return
	}
	if os.Geteuid() != 0 {
		missing(t, errors.New("becoming nobody needs root"))
	}
	info, err := os.Stat("/var/run/docker.sock")
	if err != nil {
		missing(t, err)
	}
	if info.Mode().Perm()&0o006 != 0 {
		t.Fatalf("the engine's socket is open to everybody: %v", info.Mode())
	}
	dir, err := os.MkdirTemp("", "ebpfdev-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "test")
	if err := errors.Join(os.WriteFile(path, binary, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-test.run=^TestOpenWithoutPermission$")
	cmd.Dir, cmd.Env = "/", []string{marker + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
