package maps

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The header of a record in a ring buffer, as in the kernel's bpf.h.
const (
	ringHeader  = 8 // bytes
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
)

// ring is the memory of a ring buffer, mapped to be read only: what is looked at
// here stays for its reader.
type ring struct {
	consumer, producer *uint64 // positions in bytes that only grow
	data               []byte  // twice, so that no record is broken
	size               uint64
	unmap              func()
}

// openRing maps a ring buffer (Linux 5.8; user ring buffers 6.1).
func openRing(fd, size int) (*ring, error) {
	page := os.Getpagesize()
	head, err := unix.Mmap(fd, 0, page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	rest, err := unix.Mmap(fd, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(err, unix.Munmap(head))
	}
	return &ring{
		consumer: (*uint64)(unsafe.Pointer(&head[0])), producer: (*uint64)(unsafe.Pointer(&rest[0])),
		data: rest[page:], size: uint64(size),
		unmap: func() { _, _ = unix.Munmap(head), unix.Munmap(rest) },
	}, nil
}

// positions returns where the reader and the writer are.
func (r *ring) positions() (consumer, producer uint64) {
	consumer = atomic.LoadUint64(r.consumer)
	return consumer, atomic.LoadUint64(r.producer)
}

// record returns a copy of the record at a position and where the next one is.
// The copy is nil for one that was given up. It is false for one that is not
// written yet.
func (r *ring) record(at uint64) (record []byte, next uint64, ok bool) {
	from := at & (r.size - 1)
	head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[from])))
	length := uint64(head &^ (ringBusy | ringDiscard))
	if head&ringBusy != 0 || from+ringHeader+length > uint64(len(r.data)) {
		return nil, at, false
	}
	next = at + (length+ringHeader+7)&^7
	if head&ringDiscard != 0 {
		return nil, next, true
	}
	return bytes.Clone(r.data[from+ringHeader : from+ringHeader+length]), next, true
}

// records visits what waits in a ring buffer now, each with its position as key.
// One that its reader takes while it is copied is left out.
func (w *walk) records(ctx context.Context) error {
	r, err := openRing(w.fd, w.maxEntries)
	if err != nil {
		return w.fail(fmt.Errorf("map the buffer: %w", err))
	}
	defer r.unmap()
	at, end := r.positions()
	key := make([]byte, 8)
	for n := 0; at < end; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		record, next, ok := r.record(at)
		if taken, _ := r.positions(); taken > at {
			at = taken
			continue
		}
		if !ok || next == at {
			return nil
		}
		if record != nil {
			binary.LittleEndian.PutUint64(key, at)
			if err := w.see(ctx, key, record); err != nil {
				return err
			}
		}
		at = next
	}
	return nil
}

// peek visits the entry that would be taken next out of a queue or a stack.
func (w *walk) peek(ctx context.Context) error {
	value := make([]byte, w.full())
	switch err := lookup(w.fd, nil, value); {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return w.fail(err)
	}
	return w.see(ctx, nil, value)
}
