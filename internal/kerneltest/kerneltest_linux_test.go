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

func TestOlder(t *testing.T) {
	for _, tt := range []struct {
		release, version string
		want             bool
	}{
		{"5.10.0-46-cloud-amd64", "5.11", true},
		{"5.10.0-46-cloud-amd64", "5.10", false},
		{"6.12.118+deb13-cloud-amd64", "6.2", false},
		{"6.1.0", "6.12", true},
		{"7.3.4", "6.18", false},
	} {
		if got := older(tt.release, tt.version); got != tt.want {
			t.Errorf("%s older than %s: %v", tt.release, tt.version, got)
		}
	}
}
