//go:build kernel

package kerneltest

import (
	"os"
	"runtime"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// Most machines have tracefs mounted already, as this one has after Main.
func TestIsolateWhereTracefsIsMounted(t *testing.T) {
	Require(t)
	runtime.LockOSThread() // never unlocked: the thread ends with the test
	if err := isolate(); err != nil {
		t.Fatal(err)
	}
}

func TestInGuest(t *testing.T) {
	if !InGuest(t, "6.12") {
		return
	}
	if os.Getpid() == 1 || Release() == "" {
		t.Errorf("pid %d on Linux %s", os.Getpid(), Release())
	}
}
