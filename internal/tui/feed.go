package tui

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// frame is the least time between two messages of one feed: Update and View run
// for every message, so a stream may send at most 30 of them in a second.
const frame = time.Second / 30

// feed carries what a running call has to say to Update. It is bounded: when
// Update does not keep up, the oldest items are dropped and counted.
type feed[T any] struct {
	limit int
	pace  time.Duration // the least time between two batches

	mu    sync.Mutex
	items []T
	lost  int
	done  bool
	err   error
	last  time.Time
	ready chan struct{}
}

// batch is what a feed had to say since the last batch.
type batch[T any] struct {
	items []T
	lost  int
	done  bool // nothing comes after this
	err   error
}

func newFeed[T any](limit int) *feed[T] {
	return &feed[T]{limit: limit, pace: frame, ready: make(chan struct{}, 1)}
}

// put adds an item. It never blocks.
func (f *feed[T]) put(item T) {
	f.mu.Lock()
	if len(f.items) >= f.limit {
		drop := len(f.items) - f.limit + 1
		f.items = f.items[drop:]
		f.lost += drop
	}
	f.items = append(f.items, item)
	f.mu.Unlock()
	f.wake()
}

// end says that the call has returned.
func (f *feed[T]) end(err error) {
	f.mu.Lock()
	f.done, f.err = true, err
	f.mu.Unlock()
	f.wake()
}

func (f *feed[T]) wake() {
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

// take waits for something to say, and for the frame's time to pass.
func (f *feed[T]) take(ctx context.Context) (batch[T], bool) {
	select {
	case <-ctx.Done():
		return batch[T]{}, false
	case <-f.ready:
	}
	f.mu.Lock()
	wait := f.pace - time.Since(f.last)
	f.mu.Unlock()
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return batch[T]{}, false
		case <-timer.C:
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b := batch[T]{items: f.items, lost: f.lost, done: f.done, err: f.err}
	f.items, f.lost, f.last = nil, 0, time.Now()
	return b, true
}

// receive returns the command that waits for a feed's next batch.
func receive[T any](ctx context.Context, f *feed[T], wrap func(batch[T]) tea.Msg) tea.Cmd {
	return func() tea.Msg {
		b, ok := f.take(ctx)
		if !ok {
			return nil
		}
		return wrap(b)
	}
}

// ring keeps the last lines of a log.
type ring struct {
	limit int
	lines []string
}

func (r *ring) add(lines ...string) {
	r.lines = append(r.lines, lines...)
	if over := len(r.lines) - r.limit; over > 0 {
		r.lines = append(r.lines[:0:0], r.lines[over:]...)
	}
}
