package attach

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// structOps registers a map of functions with the part of the kernel that calls
// them: a TCP congestion control, a scheduler. It is a link (Linux 6.4): without, it
// would stay registered when its loader dies.
func structOps(name string, m *ebpf.Map) ([]Link, error) {
	l, err := link.AttachStructOps(link.StructOpsOptions{Map: m})
	if err != nil {
		return nil, explain(name, err)
	}
	return []Link{l}, nil
}
