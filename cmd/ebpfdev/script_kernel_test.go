//go:build kernel

package main

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// inNamespace says to the test binary that it runs in mounts of its own.
const inNamespace = "EBPFDEV_TEST_NAMESPACE"

// TestKernelScripts runs scripts on this machine's kernel, with a bpffs, a tracefs
// and a /run that only this test sees.
func TestKernelScripts(t *testing.T) {
	if ok, err := condition("kernel"); err != nil {
		t.Fatal(err)
	} else if !ok {
		t.Skip("needs root and clang")
	}
	if os.Getenv(inNamespace) == "" {
		rerunWithOwnMounts(t)
		return
	}
	for _, m := range []struct{ kind, path string }{{"bpf", "/sys/fs/bpf"}, {"tracefs", "/sys/kernel/tracing"}, {"tmpfs", "/run"}} {
		if err := unix.Mount(m.kind, m.path, m.kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) { // EBUSY: it is there already
			t.Fatalf("mount %s: %v", m.path, err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script/kernel", Cmds: scriptCommands(), Condition: condition,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CACHE", cache) // where guest kernels are, so that each script does not fetch them
			return setup(e)
		},
	})
}

// rerunWithOwnMounts runs this test again as a child with a mount namespace of
// its own, out of which nothing spreads. The kernel unmounts all with it.
func rerunWithOwnMounts(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", self, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
