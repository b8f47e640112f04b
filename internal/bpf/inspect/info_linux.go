package inspect

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The fields below are those of the kernel's info structs that cilium/ebpf
// does not pass on. Both end where Linux 5.1 ended them; a shorter struct than
// the kernel's is allowed.

// progInfo is the head of struct bpf_prog_info.
type progInfo struct {
	typ, id               uint32
	tag                   [8]byte
	jitedLen, xlatedLen   uint32
	jited, xlated         uint64
	loadTime              uint64
	uid, mapIDs           uint32
	mapIDsAt              uint64
	name                  [16]byte
	ifindex, flags        uint32 // flags: bit 0 is gpl_compatible
	netnsDev, netnsIno    uint64
	ksyms, funcLens       uint32
	ksymsAt, funcLensAt   uint64
	btfID, funcInfoSize   uint32
	funcInfo              uint64
	nFuncInfo, nLineInfo  uint32
	lineInfo, jitLineInfo uint64
	nJitLine, lineSize    uint32
	jitLineSize, nTags    uint32
	tags                  uint64
	runTime, runCount     uint64
}

func (p *progInfo) gplCompatible() bool { return p.flags&1 != 0 }

// mapInfo is the head of struct bpf_map_info.
type mapInfo struct {
	typ, id, keySize, valueSize   uint32
	maxEntries, flags             uint32
	name                          [16]byte
	ifindex, vmlinuxValue         uint32
	netnsDev, netnsIno            uint64
	btfID, keyTypeID, valueTypeID uint32
	_                             uint32
}

// linkInfo is the head of struct bpf_link_info that all types share, and the
// room for what a type adds.
type linkInfo struct {
	typ, id, progID uint32
	_               uint32
	_               [8]uint64
}

func linkInfoOf(fd int) (linkInfo, error) {
	var info linkInfo
	err := objectInfo(fd, unsafe.Pointer(&info), unsafe.Sizeof(info))
	return info, err
}

func programInfo(fd int) (progInfo, error) {
	var info progInfo
	err := objectInfo(fd, unsafe.Pointer(&info), unsafe.Sizeof(info))
	return info, err
}

func mapInfoOf(fd int) (mapInfo, error) {
	var info mapInfo
	err := objectInfo(fd, unsafe.Pointer(&info), unsafe.Sizeof(info))
	return info, err
}

// objectInfo asks the kernel about the object behind a file descriptor.
func objectInfo(fd int, info unsafe.Pointer, size uintptr) error {
	// A real pointer, so that the garbage collector knows of it; the kernel
	// reads 64 bits of it on every (little-endian) machine.
	attr := struct {
		fd, size uint32
		info     unsafe.Pointer
		_        [8 - unsafe.Sizeof(uintptr(0))]byte
	}{fd: uint32(fd), size: uint32(size), info: info}
	const attrSize = 16 // Go pads the struct beyond it
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD,
		uintptr(unsafe.Pointer(&attr)), attrSize)
	if errno != 0 {
		return os.NewSyscallError("bpf", errno)
	}
	return nil
}
