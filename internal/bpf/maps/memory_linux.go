package maps

import (
	"context"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// memory reads an array through its memory, without a system call for entries
// (Linux 5.5, BPF_F_MMAPABLE). A value that a program writes meanwhile may be
// seen half written, as everywhere in a map.
func (w *walk) memory(ctx context.Context) error {
	stride := (w.valueSize + 7) &^ 7
	page := os.Getpagesize()
	length := (stride*w.maxEntries + page - 1) / page * page
	mem, err := unix.Mmap(w.fd, 0, length, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return errNoBatch // not this kernel, or an address space with a limit
	}
	defer func() { _ = unix.Munmap(mem) }()
	key := make([]byte, 4)
	for i := range w.maxEntries {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		binary.LittleEndian.PutUint32(key, uint32(i))
		at := i * stride
		if err := w.see(ctx, key, mem[at:at+w.valueSize:at+w.valueSize]); err != nil {
			return err
		}
	}
	return nil
}
