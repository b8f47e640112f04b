//go:build !linux

package local

import (
	"context"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Target stands for the kernel of this machine, which is not Linux: there is
// no way to make one.
type Target struct{ api.Target }

// Sweep does nothing: nothing of ours can be in this kernel.
func Sweep() error { return nil }

// Keep is never asked for: nothing can be loaded into this kernel.
func Keep(context.Context, io.Reader) error { return nil }

// New returns api.ErrNotSupported: eBPF as ebpfdev knows it is Linux's.
func New(Options) (*Target, error) {
	return nil, api.Errorf("open target", "local", api.ErrNotSupported, "this system is not Linux").
		WithHint("ebpfdev up")
}
