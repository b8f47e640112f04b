package guest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/kernel/mailbox"
)

// Mailbox is the guest's memory for its meetings with the host, one after the other.
type Mailbox struct {
	parts  [][]byte
	frames []uint64
}

// NewMailbox makes the memory. It needs to be root.
func NewMailbox() (*Mailbox, error) {
	memory, err := lockedMemory(pages * mailbox.PageSize)
	if err != nil {
		return nil, err
	}
	m := &Mailbox{parts: make([][]byte, pages)}
	for i := range m.parts {
		m.parts[i] = memory[i*mailbox.PageSize : (i+1)*mailbox.PageSize]
		m.parts[i][0] = 1 // the page is written to, so it has a frame of its own
	}
	m.frames, err = framesOf(memory)
	return m, err
}

// Meet tells the host on the second serial port where the mailbox is, and returns
// the guest's side of it. The one before has to be closed, and not in use.
func (m *Mailbox) Meet() (io.ReadWriteCloser, error) {
	line, err := openLine(Line)
	if err != nil {
		return nil, err
	}
	conn, err := m.open(line)
	if err != nil {
		return nil, errors.Join(err, line.Close())
	}
	return conn, nil
}

// Serve has a function serve one meeting after the other until the context ends, or
// the host turns the machine off. How a meeting ended is the host's to know.
func Serve(ctx context.Context, one func(conn io.ReadWriteCloser) error) error {
	box, err := NewMailbox()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		conn, err := box.Meet()
		if err != nil {
			return err
		}
		_ = one(conn)
	}
	return ctx.Err()
}

func (m *Mailbox) open(line *os.File) (io.ReadWriteCloser, error) {
	if err := mailbox.Format(m.parts); err != nil {
		return nil, err
	}
	conn, err := mailbox.Open(mailbox.Guest, m.parts, line)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(line, readyLine(m.frames))
	return conn, err
}

// lockedMemory returns memory whose pages stay where they are: locked memory may
// still be moved by compaction, unless the kernel is told to leave it alone, and
// put together into huge pages.
func lockedMemory(size int) ([]byte, error) {
	err := os.WriteFile("/proc/sys/vm/compact_unevictable_allowed", []byte("0"), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel without compaction has no such file
		return nil, err
	}
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_ANONYMOUS|unix.MAP_POPULATE|unix.MAP_LOCKED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	// EINVAL: a kernel without huge pages.
	if err := unix.Madvise(memory, unix.MADV_NOHUGEPAGE); err != nil && !errors.Is(err, unix.EINVAL) {
		return nil, os.NewSyscallError("madvise", err)
	}
	return memory, nil
}

// openLine opens a serial port without a terminal's ways: bytes as they are.
func openLine(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	raw := unix.Termios{
		Cflag: unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200, Ispeed: unix.B115200, Ospeed: unix.B115200,
	}
	raw.Cc[unix.VMIN] = 1
	conn, err := f.SyscallConn() // f.Fd would make the file one whose Close does not end a Read
	if err == nil {
		err = errors.Join(conn.Control(func(fd uintptr) {
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, &raw)
		}), err)
	}
	if err != nil {
		return nil, errors.Join(&os.PathError{Op: "set up", Path: name, Err: err}, f.Close())
	}
	return f, nil
}

// framesOf returns the physical page frame of each page, which /proc/self/pagemap
// has in bits 0 to 54 of a word (Documentation/admin-guide/mm/pagemap.rst).
func framesOf(memory []byte) ([]uint64, error) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	words := make([]byte, 8*len(memory)/mailbox.PageSize)
	first := int64(uintptr(unsafe.Pointer(&memory[0]))) / mailbox.PageSize
	if _, err := f.ReadAt(words, first*8); err != nil {
		return nil, err
	}
	frames := make([]uint64, 0, len(words)/8)
	for ; len(words) > 0; words = words[8:] {
		frame := binary.LittleEndian.Uint64(words) & (1<<55 - 1)
		if frame == 0 {
			return nil, fmt.Errorf("the kernel does not say where page %d is", len(frames))
		}
		frames = append(frames, frame)
	}
	return frames, nil
}
