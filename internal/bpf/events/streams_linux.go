package events

import (
	"errors"
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// A program has two streams of text of its own, as a process has (Linux 6.17): it
// writes to the first with bpf_stream_printk, and the kernel to the second when it
// ends a program that went wrong. What is read is gone. From linux/bpf.h:
const (
	progStreamRead = 37 // BPF_PROG_STREAM_READ_BY_FD
	streamOut      = 1  // BPF_STREAM_STDOUT
	streamErr      = 2  // BPF_STREAM_STDERR
)

// Program is a program whose streams are read.
type Program struct {
	Name string
	Prog *ebpf.Program // stays open and the caller's
}

// streamEvery is how often streams are looked at: nothing tells of new text.
const streamEvery = 100 * time.Millisecond

// streamReader reads the streams of programs.
type streamReader struct {
	programs []Program
	lines    [][2]string // the beginning of a line of each stream
	done     chan struct{}
}

// openStreams reads once whether this kernel has such streams.
func openStreams(programs []Program) (reader, error) {
	r := &streamReader{programs: programs, lines: make([][2]string, len(programs)), done: make(chan struct{})}
	for _, p := range programs {
		_, err := readStream(p.Prog.FD(), streamOut, nil)
		switch {
		case errors.Is(err, unix.EINVAL):
			return nil, api.Errorf(op, p.Name, api.ErrNotSupported, "programs have streams of text since Linux 6.17")
		case err != nil:
			return nil, openError(Source{Name: p.Name}, err)
		}
	}
	return r, nil
}

func (r *streamReader) run(send func(api.Event) bool) error {
	ticker := time.NewTicker(streamEvery)
	defer ticker.Stop()
	buf := make([]byte, 16<<10)
	for {
		for i, p := range r.programs {
			for j, id := range [2]uint32{streamOut, streamErr} {
				if on, err := r.read(p, &r.lines[i][j], id, buf, send); !on || err != nil {
					return err
				}
			}
		}
		select {
		case <-r.done:
			return nil
		case <-ticker.C:
		}
	}
}

// read sends the lines that came to one stream; on is false when nobody wants them.
func (r *streamReader) read(p Program, rest *string, id uint32, buf []byte, send func(api.Event) bool) (on bool, _ error) {
	for {
		n, err := readStream(p.Prog.FD(), id, buf)
		if err != nil {
			return true, api.E(op, p.Name, "", err)
		}
		if n == 0 {
			return true, nil
		}
		text := *rest + string(buf[:n])
		for {
			line, after, ok := strings.Cut(text, "\n")
			if !ok {
				break
			}
			text = after
			if !send(api.Event{Kind: api.EventOutput, Program: p.Name, Text: line, Stderr: id == streamErr}) {
				return false, nil
			}
		}
		*rest = text[:min(len(text), maxStreamLine)]
	}
}

// maxStreamLine bounds a line without an end.
const maxStreamLine = 16 << 10

// readStream reads text; 0 when there is none now.
func readStream(fd int, id uint32, buf []byte) (int, error) {
	attr := struct {
		buf     unsafe.Pointer
		size    uint32
		id, fd  uint32
		padding uint32
	}{size: uint32(len(buf)), id: id, fd: uint32(fd)}
	if len(buf) > 0 {
		attr.buf = unsafe.Pointer(&buf[0])
	}
	n, _, errno := unix.Syscall(unix.SYS_BPF, progStreamRead, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, os.NewSyscallError("bpf", errno)
	}
	return int(n), nil
}

func (r *streamReader) stop() {
	select {
	case <-r.done:
	default:
		close(r.done)
	}
}

func (r *streamReader) close() {}
