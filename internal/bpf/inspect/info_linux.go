package inspect

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A listing asks the kernel itself, one call for each object where that is
// enough: cilium/ebpf makes up to five and reads what nobody lists, and it does
// not pass on all of the fields. A kernel that knows fewer fields leaves the
// last ones zero; one that knows more is content with a shorter struct.

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
	runTime, runCount     uint64 // Linux 5.1
	recursionMisses       uint64
	verifiedInsns         uint32 // Linux 5.16
	_                     [3]uint32
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
	more            [8]uint64 // by type
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

// programMaps returns the ids of the n maps that a program uses.
func programMaps(fd int, n uint32) ([]uint32, error) {
	if n == 0 {
		return nil, nil
	}
	ids := make([]uint32, n)
	var pinner runtime.Pinner // the kernel gets the address as a number
	pinner.Pin(&ids[0])
	defer pinner.Unpin()
	info := progInfo{mapIDs: n, mapIDsAt: uint64(uintptr(unsafe.Pointer(&ids[0])))}
	if err := objectInfo(fd, unsafe.Pointer(&info), unsafe.Sizeof(info)); err != nil {
		return nil, err
	}
	return ids[:min(n, info.mapIDs)], nil
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

// openID opens an object by its id; command is one of BPF_*_GET_FD_BY_ID.
func openID(command uintptr, id uint32) (int, error) {
	attr := struct{ id, next, flags uint32 }{id: id}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return -1, os.NewSyscallError("bpf", errno)
	}
	return int(fd), nil
}

// nextID returns the id after one; command is one of BPF_*_GET_NEXT_ID. The
// error after the last is os.ErrNotExist.
func nextID(command uintptr, id uint32) (uint32, error) {
	attr := struct{ id, next, flags uint32 }{id: id}
	_, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, os.NewSyscallError("bpf", errno)
	}
	return attr.next, nil
}

// fdInfo reads what the kernel tells of an object only in /proc: the memory it
// takes, and whether a map is frozen.
func fdInfo(fd int) (memory uint64, frozen bool) {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":\t")
		switch key {
		case "memlock":
			memory, _ = strconv.ParseUint(value, 10, 64)
		case "frozen":
			frozen = value == "1"
		}
	}
	return memory, frozen
}

// text returns the string in a field that ends with a zero byte.
func text(field []byte) string {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		field = field[:i]
	}
	return string(field)
}
