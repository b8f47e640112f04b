// Package kerneltest gives tests that need a real kernel a place of their own in
// it: a mount namespace with a BPF file system and tracefs, and a network
// namespace with only a loopback interface. Nothing they do shows outside,
// except programs, maps and links, which have one namespace for the machine.
package kerneltest

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// inside is set in the environment of the test binary once it runs in its own
// namespaces; its value is why it does not, when it could not have them.
const inside = "EBPFDEV_KERNELTEST"

// BPFFS is where the BPF file system of the tests is.
const BPFFS = "/sys/fs/bpf"

// Main starts the test binary again in namespaces of its own and runs the tests
// there. Call it from TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }
//
// With LoaderWord as its first argument the binary is a loader instead.
func Main(m *testing.M) int {
	if code, was := beGuest(); was {
		return code
	}
	if code, was := Loader(); was {
		return code
	}
	if _, ok := os.LookupEnv(inside); ok {
		return m.Run()
	}
	runtime.LockOSThread() // namespaces belong to a thread; exec keeps this one's
	reason := "ok"
	if err := isolate(); err != nil {
		reason = err.Error()
	}
	err := unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), inside+"="+reason))
	panic(fmt.Sprintf("start the tests again: %v", err))
}

// Require skips a test that cannot have its namespaces, and fails it when CI is
// set in the environment: there nothing may be skipped.
func Require(t testing.TB) {
	t.Helper()
	reason, ok := os.LookupEnv(inside)
	if !ok {
		t.Fatal("the package has no TestMain that calls kerneltest.Main")
	}
	if reason == "ok" {
		return
	}
	Missing(t, "no kernel to test with: "+reason)
}

func isolate() error {
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for dir, kind := range map[string]string{BPFFS: "bpf", "/sys/kernel/tracing": "tracefs"} {
		// EBUSY: it is there already. tracefs has one instance for the machine, and
		// the kernel does not mount the same file system twice on one place.
		if err := unix.Mount(kind, dir, kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", kind, err)
		}
	}
	return nil
}
