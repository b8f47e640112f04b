//go:build !linux

package vm

import (
	"errors"
	"os"
	"syscall"

	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
)

// errHere is why no guest is booted: its memory is a memfd, which Linux has.
var errHere = errors.New("kernels are booted on Linux only: in the dev container, or on a Linux host")

type memory struct{ file *os.File }

func nameless(string) (*os.File, error) { return nil, errHere }

func newMemory(int64) (*memory, error) { return nil, errHere }

func (*memory) pages([]guest.Run) ([][]byte, error) { return nil, errHere }

func (*memory) close() {}

func attributes(bool) *syscall.SysProcAttr { return nil }

func tscKHz() uint64 { return 0 }
