//go:build !linux

package local

import "github.com/ebpfdev/ebpfdev/internal/api"

// Target stands for the kernel of this machine, which is not Linux: there is
// no way to make one.
type Target struct{ api.Target }

// New returns api.ErrNotSupported: eBPF as ebpfdev knows it is Linux's.
func New(Options) (*Target, error) {
	return nil, api.Errorf("open target", "local", api.ErrNotSupported, "this system is not Linux").
		WithHint("ebpfdev up")
}
