//go:build kernel

package remote_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

// TestKernelConformance runs the suite against this kernel behind a wire.
func TestKernelConformance(t *testing.T) {
	apitest.Run(t, func(t *testing.T) api.Target {
		kerneltest.Require(t)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		target, err := local.New(local.Options{RunDir: runDir(), KeepProcess: []string{self, keepWord}})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := connect(t, agent.Options{Target: target, Version: "test"}, remote.Options{Version: "test"})
		return c
	}, apitest.Options{Loader: []string{"/proc/self/exe", kerneltest.LoaderWord}})
}

func runDir() string {
	return filepath.Join(os.TempDir(), "ebpfdev-remote-test-"+strconv.Itoa(os.Getpid()))
}
