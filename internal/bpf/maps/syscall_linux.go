package maps

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errNotSupp is the kernel's ENOTSUPP, which user space has no name for: the
// map's type lacks the operation.
const errNotSupp = unix.Errno(524)

// The operations below go to bpf(2) directly: a cursor of a batch has to be kept
// and used again, and buffers are filled without reflection.

// elemAttr is the part of union bpf_attr for single entries. It and batchAttr
// have the kernel's layout where pointers are 64 bits wide.
type elemAttr struct {
	fd    uint32
	_     uint32
	key   unsafe.Pointer
	value unsafe.Pointer // or the next key
	flags uint64
}

type batchAttr struct {
	in, out      unsafe.Pointer
	keys, values unsafe.Pointer
	count, fd    uint32
	elemFlags    uint64
	flags        uint64
}

func bpf(cmd int, attr unsafe.Pointer, size uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	if errno != 0 {
		return errno
	}
	return nil
}

// elem does one operation with one entry. key may be nil for the first key.
func elem(cmd, fd int, key, value []byte, flags uint64) error {
	attr := elemAttr{fd: uint32(fd), flags: flags}
	if len(key) > 0 {
		attr.key = unsafe.Pointer(&key[0])
	}
	if len(value) > 0 {
		attr.value = unsafe.Pointer(&value[0])
	}
	err := bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return err
}

func lookup(fd int, key, value []byte) error {
	return elem(unix.BPF_MAP_LOOKUP_ELEM, fd, key, value, 0)
}

func update(fd int, key, value []byte, flags uint64) error {
	return elem(unix.BPF_MAP_UPDATE_ELEM, fd, key, value, flags)
}

func remove(fd int, key []byte) error {
	return elem(unix.BPF_MAP_DELETE_ELEM, fd, key, nil, 0)
}

// nextKey writes the key after key, the first for nil, to next.
func nextKey(fd int, key, next []byte) error {
	return elem(unix.BPF_MAP_GET_NEXT_KEY, fd, key, next, 0)
}

// lookupBatch fills keys and values with up to count entries from the cursor in
// (nil: the beginning), writes the cursor of the next call to out and returns
// how many entries there are, which may be some even with an error. ENOENT says
// that these were the last.
func lookupBatch(fd int, in, out, keys, values []byte, count int) (int, error) {
	attr := batchAttr{
		out: unsafe.Pointer(&out[0]), keys: unsafe.Pointer(&keys[0]), values: unsafe.Pointer(&values[0]),
		count: uint32(count), fd: uint32(fd),
	}
	if in != nil {
		attr.in = unsafe.Pointer(&in[0])
	}
	err := bpf(unix.BPF_MAP_LOOKUP_BATCH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(in)
	runtime.KeepAlive(out)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(values)
	return int(attr.count), err
}
