package maps

import (
	"context"
	"errors"
)

const (
	// blockRows and blockBytes bound a block that is collected entry by entry.
	blockRows  = 4096
	blockBytes = 1 << 20
	// blocks are read ahead while the last is looked at.
	blocks = 3
)

// block is some entries, one behind the other.
type block struct {
	keys, values []byte
	n            int
	ends         []int // of the values, where they differ in length
}

// grow makes room for count entries and returns their buffers.
func (b *block) grow(count, keySize, valueSize int) (keys, values []byte) {
	if len(b.keys) < count*keySize {
		b.keys = make([]byte, count*keySize)
	}
	if len(b.values) < count*valueSize {
		b.values = make([]byte, count*valueSize)
	}
	return b.keys, b.values
}

// rows visits the entries of a block.
func (b *block) rows(keySize, valueSize int, visit func(key, value []byte) error) error {
	from := 0
	for i := range b.n {
		to := (i + 1) * valueSize
		if b.ends != nil {
			to = b.ends[i]
		}
		key := b.keys[i*keySize : (i+1)*keySize : (i+1)*keySize]
		if err := visit(key, b.values[from:to:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// pipe is walk with the kernel's part in a goroutine of its own: entries are read
// while those before them are looked at. An error of visit ends it; errEnough is no
// error.
func (v *view) pipe(ctx context.Context, visit func(key, value []byte) error) (*walk, error) {
	if v.method == byObject {
		return v.inline(ctx, visit) // it learns the objects' names on the way
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	free, filled := make(chan *block, blocks), make(chan *block)
	for range blocks {
		free <- new(block)
	}
	w := &walk{view: v, method: v.method, free: free, filled: filled}
	failed := make(chan error, 1)
	go func() {
		err := w.run(inner)
		if err == nil {
			err = w.flush(inner)
		}
		close(filled)
		failed <- err
	}()
	var err error
	for b := range filled {
		if err == nil {
			if err = b.rows(v.keySize, v.full(), visit); err != nil {
				cancel()
			}
		}
		b.n, b.ends = 0, nil
		free <- b
	}
	walked := <-failed
	switch {
	case errors.Is(err, errEnough):
		w.more = true
		return w, nil
	case err != nil:
		return w, err
	default:
		return w, walked
	}
}

// inline is pipe without a goroutine.
func (v *view) inline(ctx context.Context, visit func(key, value []byte) error) (*walk, error) {
	w, err := v.walk(ctx, visit)
	if errors.Is(err, errEnough) {
		w.more, err = true, nil
	}
	return w, err
}

// take returns a block to fill.
func (w *walk) take(ctx context.Context) (*block, error) {
	select {
	case b := <-w.free:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send gives a block to who looks at it.
func (w *walk) send(ctx context.Context, b *block) error {
	select {
	case w.filled <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect adds an entry to the block that is being filled.
func (w *walk) collect(ctx context.Context, key, value []byte) error {
	if w.filling == nil {
		b, err := w.take(ctx)
		if err != nil {
			return err
		}
		b.keys, b.values = b.keys[:0], b.values[:0]
		w.filling = b
	}
	b := w.filling
	b.keys, b.values = append(b.keys, key...), append(b.values, value...)
	b.n++
	if w.method == byRecord {
		b.ends = append(b.ends, len(b.values))
	}
	if b.n < blockRows && len(b.values)+len(b.keys) < blockBytes {
		return nil
	}
	return w.flush(ctx)
}

// flush sends what is collected.
func (w *walk) flush(ctx context.Context) error {
	b := w.filling
	if b == nil {
		return nil
	}
	w.filling = nil
	return w.send(ctx, b)
}
