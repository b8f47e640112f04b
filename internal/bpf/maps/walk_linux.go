package maps

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const (
	// firstBatch is far above what hash buckets hold, maxBatch is where
	// growing for a fuller bucket ends.
	firstBatch = 4096
	maxBatch   = 65536
	// batchBytes bounds the buffers of the first batch.
	batchBytes = 8 << 20
	// maxBatchBytes bounds them when they grow.
	maxBatchBytes = 128 << 20
)

// walk is one pass over a map.
type walk struct {
	*view
	// visit is called for each entry. The slices are overwritten afterwards.
	visit      func(key, value []byte) error
	method     string
	scanned    int
	incomplete bool
	more       bool // who looked at the entries had enough

	// Of a pipe, which has no visit.
	free, filled chan *block
	filling      *block
}

// errNoBatch: this kernel or map can't be read in the way that was tried, nothing
// was visited.
var errNoBatch = errors.New("no such way to read")

// errEnough ends a pipe without an error.
var errEnough = errors.New("enough")

// walk reads all entries once. An entry that is added or removed meanwhile may
// be seen or not.
func (v *view) walk(ctx context.Context, visit func(key, value []byte) error) (*walk, error) {
	w := &walk{view: v, visit: visit, method: v.method}
	return w, w.run(ctx)
}

// run reads in the way that the map begins with, or in the next that it can.
func (w *walk) run(ctx context.Context) error {
	if w.outer != nil {
		return w.inners(ctx)
	}
	switch w.method {
	case byMemory:
		if err := w.memory(ctx); !errors.Is(err, errNoBatch) {
			return err
		}
		w.method = byBatch
	case byPeek:
		return w.peek(ctx)
	case byRecord:
		return w.records(ctx)
	case byObject:
		return w.objects(ctx)
	}
	if w.method == byBatch {
		if err := w.batches(ctx); !errors.Is(err, errNoBatch) {
			return err
		}
		w.method = byKey
		if numbered(w.typ) {
			w.method = byIndex
		}
	}
	if w.method == byIndex {
		return w.indexes(ctx)
	}
	return w.keys(ctx)
}

func (w *walk) see(ctx context.Context, key, value []byte) error {
	w.scanned++
	if w.visit == nil {
		return w.collect(ctx, key, value)
	}
	return w.visit(key, value)
}

// batches reads many entries a call (Linux 5.6, 5.13 for LPM tries and per-CPU
// arrays, 5.19 for maps of maps). Whether it is there is found by trying.
func (w *walk) batches(ctx context.Context) error {
	entry := w.keySize + w.full()
	count := min(w.batch, w.maxEntries, max(batchBytes/entry, 64))
	// A cursor is 4 bytes or a key.
	in, out := make([]byte, max(w.keySize, 4)), make([]byte, max(w.keySize, 4))
	var from []byte
	own := new(block) // where entries are visited here
	for stuck := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := w.room(ctx, own)
		if err != nil {
			return err
		}
		keys, values := b.grow(count, w.keySize, w.full())
		n, err := lookupBatch(w.fd, from, out, keys, values, count)
		switch {
		case err == nil, errors.Is(err, unix.ENOENT):
		case errors.Is(err, unix.ENOSPC):
			// A bucket has more entries than the buffers have room.
			if count >= maxBatch || 2*count*entry > maxBatchBytes {
				return w.errorf(api.ErrFailed, fmt.Sprintf("a bucket of the map has more than %d entries", count))
			}
			count *= 2
			w.giveBack(b)
			continue
		case errors.Is(err, unix.EINTR) && (n > 0 || w.scanned > 0):
			// Keys vanished under it; it tells how far it came.
			if stuck++; n == 0 && stuck > 100 {
				w.incomplete = true
				return nil
			}
		case w.scanned == 0 && noBatch(err):
			w.giveBack(b)
			return errNoBatch
		default:
			return w.fail(err)
		}
		b.n = n
		if err := w.seeBlock(ctx, b); err != nil {
			return err
		}
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		if n > 0 || err == nil {
			in, out = out, in
			from, stuck = in, 0
		}
	}
}

// room returns a block to read into: its own, or in a pipe one that is free.
func (w *walk) room(ctx context.Context, own *block) (*block, error) {
	if w.visit != nil {
		return own, nil
	}
	return w.take(ctx)
}

// giveBack returns a block that nothing was read into.
func (w *walk) giveBack(b *block) {
	if w.visit == nil {
		w.free <- b // it has room for all
	}
}

// seeBlock visits the entries of a batch, or sends them on.
func (w *walk) seeBlock(ctx context.Context, b *block) error {
	if w.visit != nil {
		return b.rows(w.keySize, w.full(), func(key, value []byte) error { return w.see(ctx, key, value) })
	}
	w.scanned += b.n
	return w.send(ctx, b)
}

func noBatch(err error) bool {
	return errors.Is(err, errNotSupp) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINTR)
}

// indexes looks up the numbers below max_entries. Empty places are no entries.
func (w *walk) indexes(ctx context.Context) error {
	key, value := make([]byte, w.keySize), make([]byte, w.full())
	for i := range w.maxEntries {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		binary.LittleEndian.PutUint32(key, uint32(i))
		switch err := lookup(w.fd, key, value); {
		case errors.Is(err, unix.ENOENT):
		case errors.Is(err, unix.ENOSPC):
			return w.errorf(api.ErrNotSupported, "user space can read sockets only from maps with values of 8 bytes")
		case err != nil:
			return w.fail(err)
		default:
			if err := w.see(ctx, key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// keys goes from key to key. When a key goes away under the walk the kernel
// starts over from the first; going on from the key before avoids most of that,
// and a bound on the steps ends what is left.
func (w *walk) keys(ctx context.Context) error {
	key, next, last := make([]byte, w.keySize), make([]byte, w.keySize), make([]byte, w.keySize)
	value := make([]byte, w.full())
	err := nextKey(w.fd, nil, key)
	known, resumed := false, false // last was there; we came back to it
	for step := 0; err == nil; step++ {
		if step%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if step >= 4*max(w.maxEntries, 1) {
			w.incomplete = true
			return nil
		}
		// Asked for before the lookup, while the key was still there.
		end := nextKey(w.fd, key, next)
		switch got := lookup(w.fd, key, value); {
		case errors.Is(got, unix.ENOENT) && known && !resumed:
			resumed = true
			if err = nextKey(w.fd, last, key); err == nil && bytes.Equal(key, next) {
				resumed = false
			}
			continue
		case errors.Is(got, unix.ENOENT):
		case errors.Is(got, unix.ENOSPC):
			return w.errorf(api.ErrNotSupported, "user space can read sockets only from maps with values of 8 bytes")
		case got != nil:
			return w.fail(got)
		default:
			if err := w.see(ctx, key, value); err != nil {
				return err
			}
			copy(last, key)
			known, resumed = true, false
		}
		key, next, err = next, key, end
	}
	if !errors.Is(err, unix.ENOENT) {
		return w.fail(err)
	}
	return nil
}
