package vm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/mailbox"
)

// memory is a guest's physical memory, mapped here too. It has no name in a file
// system, and needs no /dev/shm, which containers have 64 MiB of.
type memory struct {
	file *os.File
	data []byte
}

// nameless makes a file that is only in memory. Everybody may open it who has a
// descriptor of it, whoever they are.
func nameless(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate("ebpfdev-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func newMemory(size int64) (*memory, error) {
	file, err := nameless("memory")
	if err != nil {
		return nil, err
	}
	m := &memory{file: file}
	if err := file.Truncate(size); err != nil {
		m.close()
		return nil, err
	}
	if m.data, err = unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		m.close()
		return nil, os.NewSyscallError("mmap", err)
	}
	return m, nil
}

// pages returns the pages of runs of frames. A microvm's memory is in one piece as
// long as it is below 3 GiB, so a frame's address is its place in the file.
func (m *memory) pages(runs []guest.Run) ([][]byte, error) {
	var pages [][]byte
	for _, r := range runs {
		for f := r.Frame; f < r.Frame+r.Count; f++ {
			if f >= uint64(len(m.data))/mailbox.PageSize {
				return nil, fmt.Errorf("the guest says that page frame %#x is its own, outside its memory", f)
			}
			at := f * mailbox.PageSize
			pages = append(pages, m.data[at:at+mailbox.PageSize:at+mailbox.PageSize])
		}
	}
	return pages, nil
}

func (m *memory) close() {
	if m.data != nil {
		_ = unix.Munmap(m.data)
		m.data = nil
	}
	_ = m.file.Close()
}
