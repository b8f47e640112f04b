//go:build docker && linux

package workspace_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAnotherUser brings a workspace up as a person who is not root and may use
// the engine, and as one who may not.
func TestAnotherUser(t *testing.T) {
	const uid = 1234
	if os.Getuid() != 0 {
		need(t, "root", errors.New("becoming somebody else needs root"))
	}
	info, err := os.Stat("/var/run/docker.sock")
	need(t, "engine", err)
	socket := info.Sys().(*syscall.Stat_t)
	f := newFixture(t, config, dockerfile)
	home := filepath.Join(filepath.Dir(f.folder), "home")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(home, "ebpfdev")
	for _, args := range [][]string{
		{"cp", path, program}, {"chown", "-R", "1234:1234", home, f.folder}, {"chmod", "755", filepath.Dir(filepath.Dir(f.folder)), filepath.Dir(f.folder)},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	run := func(groups []uint32, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = f.folder
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "DOCKER_HOST=unix:///var/run/docker.sock"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	var exit *exec.ExitError
	out, err := run(nil, "up")
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(out, "permission denied") || !strings.Contains(out, "\nhint: sudo usermod -aG docker") {
		t.Errorf("up without permission: %v: %s", err, out)
	}
	groups := []uint32{socket.Gid}
	if out, err := run(groups, "up"); err != nil {
		t.Fatalf("up: %v: %s", err, out)
	}
	if out, err := run(groups, "exec", "--", "sh", "-c", "id -u; touch made"); err != nil || out != "1234\n" {
		t.Errorf("exec: %v: %q", err, out)
	}
	if out, err := run(groups, "down", "--all"); err != nil {
		t.Errorf("down: %v: %s", err, out)
	}
	out2, err := exec.Command("find", f.folder, home, "!", "-uid", "1234").CombinedOutput()
	if err != nil || len(out2) > 0 {
		t.Errorf("not theirs: %s, %v", out2, err)
	}
	left, err := filepath.Glob(filepath.Join(home, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
