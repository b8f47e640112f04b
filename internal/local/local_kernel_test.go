//go:build kernel

package local_test

import (
	"os"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func open(t *testing.T) api.Target {
	t.Helper()
	kerneltest.Require(t)
	target, err := local.New(local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestConformance(t *testing.T) {
	apitest.Run(t, open, apitest.Options{})
}
