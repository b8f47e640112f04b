package attach

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// uprobeSession attaches to the entry and the return of functions of a file (Linux
// 6.13). cilium/ebpf (v0.22) knows the section and makes no such links.
func uprobeSession(j *job) (link.Link, error) {
	p, names, err := j.several()
	if err != nil {
		return nil, err
	}
	found, err := symbolsOf(p.file, names)
	if err != nil {
		return nil, api.E("attach", j.name, api.ErrInvalid, err)
	}
	if len(found) < len(names) {
		return nil, j.missing(api.ErrNotExist, p.file+" has not all of "+strings.Join(names, ", "), shell.Join("nm", "-D", p.file))
	}
	offsets := slices.Collect(maps.Values(found))
	file := append([]byte(p.file), 0)
	attr := uprobeMultiAttr{
		prog: uint32(j.prog.FD()), attachType: uint32(j.spec.AttachType),
		path: unsafe.Pointer(&file[0]), offsets: unsafe.Pointer(&offsets[0]), count: uint32(len(offsets)), pid: uint32(p.pid),
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(file)
	runtime.KeepAlive(offsets)
	runtime.KeepAlive(j.prog)
	switch {
	case errors.Is(errno, unix.EINVAL):
		return nil, api.Errorf("attach", j.name, api.ErrNotSupported, "this kernel has no uprobe.session (Linux 6.13)")
	case errno != 0:
		return nil, errno
	}
	return link.NewFromFD(int(fd))
}

// uprobeMultiAttr is what BPF_LINK_CREATE takes (union bpf_attr in linux/bpf.h).
type uprobeMultiAttr struct {
	prog, target      uint32
	attachType, flags uint32
	path, offsets     unsafe.Pointer
	refCtrs, cookies  unsafe.Pointer
	count, multiFlags uint32
	pid, _            uint32
}
