package events

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// A record in a ring buffer begins with its length and two flags, from
// linux/bpf.h; behind it the next one begins at a multiple of eight bytes.
const (
	ringHeader  = 8
	ringBusy    = 1 << 31 // a program is still writing it
	ringDiscard = 1 << 30 // a program thought better of it
)

// ringTap reads a ring buffer and takes nothing: it maps the buffer read-only,
// follows the producer and never moves the consumer, so that the reader that the
// buffer has misses nothing.
//
// The producer may overwrite what its consumer has read. So a tap that is too slow
// is lapped: what it copied is checked against the producer's position afterwards,
// and it goes on at a record's beginning that is sure, the consumer's or the
// producer's position. How many bytes it missed is known, how many records is not.
type ringTap struct {
	src      Source
	size     uint64 // bytes of data, a power of two
	consumer []byte // the page that holds the consumer's position
	producer []byte // the page that holds the producer's, and behind it the data, twice
	pos      uint64 // where the next record begins
	epoll    int
	wake     int // an eventfd; readable once run has to end
}

// openTap maps a ring buffer. It starts with what programs write from now on.
func openTap(src Source) (*ringTap, error) {
	t := &ringTap{src: src, size: uint64(src.Map.MaxEntries()), epoll: -1, wake: -1}
	page := os.Getpagesize()
	var err error
	if t.consumer, err = unix.Mmap(src.Map.FD(), 0, page, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, openError(src, os.NewSyscallError("mmap", err))
	}
	if t.producer, err = unix.Mmap(src.Map.FD(), int64(page), page+2*int(t.size), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		t.close()
		return nil, openError(src, os.NewSyscallError("mmap", err))
	}
	if err := t.listen(); err != nil {
		t.close()
		return nil, openError(src, err)
	}
	t.pos = t.produced()
	return t, nil
}

// listen makes what wait waits for.
func (t *ringTap) listen() (err error) {
	if t.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if t.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	// The buffer is ready as long as its consumer is behind, which may be always:
	// only edges tell something.
	for fd, events := range map[int]uint32{t.wake: unix.EPOLLIN, t.src.Map.FD(): unix.EPOLLIN | unix.EPOLLET} {
		if err := unix.EpollCtl(t.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	return nil
}

func (t *ringTap) produced() uint64 { return position(t.producer) }
func (t *ringTap) consumed() uint64 { return position(t.consumer) }

// position reads an index that the kernel or another process moves.
func position(page []byte) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&page[0])))
}

// full reports whether programs cannot write: nobody has read for long.
func (t *ringTap) full() bool { return t.produced()-t.consumed() >= t.size-t.size/8 }

// How long wait waits for an edge: programs ring only when the consumer had read
// all, so that a tap also has to look by itself, the more often the more there is.
const (
	shortWait = time.Millisecond
	longWait  = 64 * time.Millisecond
)

func (t *ringTap) run(send func(api.Event) bool) error {
	if t.full() && !send(api.Event{Kind: api.EventWarning, Map: t.src.Name, Text: "the buffer is full, because nobody reads it: its programs drop what they would send"}) {
		return nil
	}
	patience := shortWait
	for {
		raw, missed, ok := t.next()
		switch {
		case missed > 0 && !send(api.Event{Kind: api.EventLost, Map: t.src.Name, Bytes: missed}):
			return nil
		case ok && raw == nil: // discarded
		case ok:
			if !send(t.src.record(raw)) {
				return nil
			}
		case missed == 0:
			stop, err := t.wait(patience)
			if stop || err != nil {
				return err
			}
			patience = min(2*patience, longWait)
			continue
		}
		patience = shortWait
	}
}

// next returns a copy of the next record, nil for one that was discarded; missed
// is how many bytes were passed over. ok is false when there is none yet.
func (t *ringTap) next() (raw []byte, missed uint64, ok bool) {
	if t.pos == t.produced() {
		return nil, 0, false
	}
	data := t.producer[os.Getpagesize():]
	at := data[t.pos&(t.size-1):]
	header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&at[0])))
	length := uint64(header &^ (ringBusy | ringDiscard))
	whole := header&ringBusy == 0 && length <= t.size-ringHeader
	if whole && header&ringDiscard == 0 {
		raw = append(make([]byte, 0, length), at[ringHeader:ringHeader+length]...)
	}
	// Only now is it known whether what was read is what the record held.
	if t.produced()-t.pos > t.size {
		return nil, t.skip(), false
	}
	if !whole {
		return nil, 0, false
	}
	t.pos += (length + ringHeader + 7) &^ 7
	return raw, 0, true
}

// skip goes on where a record is known to begin.
func (t *ringTap) skip() (missed uint64) {
	to := t.consumed()
	if produced := t.produced(); produced-to > t.size || to <= t.pos {
		to = produced
	}
	missed, t.pos = to-t.pos, to
	return missed
}

// wait returns when there may be something new, or true when run has to end.
func (t *ringTap) wait(patience time.Duration) (stop bool, _ error) {
	var events [2]unix.EpollEvent
	n, err := unix.EpollWait(t.epoll, events[:], int(patience.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return true, api.E(op, t.src.Name, "", os.NewSyscallError("epoll_wait", err))
	}
	for _, e := range events[:max(n, 0)] {
		stop = stop || int(e.Fd) == t.wake
	}
	return stop, nil
}

func (t *ringTap) stop() {
	_, _ = unix.Write(t.wake, binary.NativeEndian.AppendUint64(nil, 1))
}

func (t *ringTap) close() {
	for _, fd := range []int{t.epoll, t.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	for _, m := range [][]byte{t.consumer, t.producer} {
		if m != nil {
			_ = unix.Munmap(m)
		}
	}
}
