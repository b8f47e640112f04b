package attach

import (
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// structOps registers a map of functions with the part of the kernel that calls
// them: a TCP congestion control, a scheduler. It is a link (Linux 6.4): without, it
// would stay registered when its loader dies. An old link is given the new map where
// the kernel's part can do that: congestion controls can, schedulers cannot.
func (a *Attacher) structOps(name string, m *ebpf.Map) ([]Link, error) {
	for _, o := range a.old[name] {
		if o.Map == nil || o.InPlace || o.Gone {
			continue
		}
		if updateStructOps(o.Link, m) == nil {
			o.InPlace = true
			return []Link{o.Link}, nil
		}
	}
	l, err := link.AttachStructOps(link.StructOpsOptions{Map: m})
	if err != nil {
		return nil, explain(name, err)
	}
	return []Link{l}, nil
}

// updateStructOps gives a link another map, which cilium/ebpf (v0.22) does not.
func updateStructOps(l Link, m *ebpf.Map) error {
	raw, ok := l.(interface{ FD() int })
	if !ok {
		return link.ErrNotSupported
	}
	// What BPF_LINK_UPDATE takes (union bpf_attr in linux/bpf.h).
	attr := struct{ link, newMap, flags, oldMap uint32 }{link: uint32(raw.FD()), newMap: uint32(m.FD())}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_UPDATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(l)
	runtime.KeepAlive(m)
	if errno != 0 {
		return errno
	}
	return nil
}
