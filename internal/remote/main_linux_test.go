//go:build docker || kernel

package remote_test

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
)

// keepWord is the argument that makes the test binary a keeper of processes.
const keepWord = "be-a-keeper"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == keepWord {
		os.Exit(keep())
	}
	os.Exit(kerneltest.Main(m))
}

func keep() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) //nolint:forbidigo // a main function's
	defer stop()
	if err := local.Keep(ctx, os.Stdin); err != nil {
		return 1
	}
	return 0
}
