//go:build kernel

package remote_test

import (
	"os"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

// TestKernelConformance runs the suite against this kernel behind a wire.
func TestKernelConformance(t *testing.T) {
	apitest.Run(t, func(t *testing.T) api.Target {
		kerneltest.Require(t)
		target, err := local.New(local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := connect(t, agent.Options{Target: target, Version: "test"}, remote.Options{Version: "test"})
		return c
	}, apitest.Options{})
}
