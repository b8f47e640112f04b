package events

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
)

// op names the operation in errors.
const op = "stream events"

// waiting is how many events may wait for the callback. Behind them the kernel's
// own buffers fill; when those are full, programs lose records.
const waiting = 1024

// Source is a ring buffer or a perf event array to read.
type Source struct {
	Name string
	Map  *ebpf.Map // stays open and the caller's
	Type btf.Type  // of its records; nil shows bytes
	// Consume takes what is read; else a ring buffer is read beside its reader.
	Consume bool
}

// Output sends what a process prints, until its context ends, send returns false
// or the process has ended. Then the stream ends too: with its error, and with
// none when that is io.EOF.
type Output func(ctx context.Context, send func(api.Event) bool) error

// Wanted is what a stream is to be of.
type Wanted struct {
	Sources  []Source
	Programs []Program // whose own streams of text are read
	Logs     bool      // what all programs print with bpf_printk
	Output   Output    // what a process prints; nil without one
}

// Stream sends EventReady once everything is open, then records, log lines, lines
// of output and counts of what was lost, until the context
// ends, which is its error, or fn returns one. fn is called by one goroutine, the caller's; while it works,
// events wait in the kernel. Everything that was opened is closed on return.
//
// A ring buffer has one reader: what is consumed here, that one misses. So it is
// with a perf event array, whose reader takes the place of the one before.
//
// Errors: ErrNotSupported (a map of another type), ErrPermission, ErrEnvironment
// (logs without tracefs).
func Stream(ctx context.Context, want Wanted, fn func(api.Event) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := &stream{events: make(chan api.Event, waiting), failed: make(chan error, 1), done: make(chan struct{})}
	defer s.close()
	for _, src := range want.Sources {
		r, err := openMap(src)
		if err != nil {
			return err
		}
		s.readers = append(s.readers, r)
	}
	if want.Logs {
		dir, err := tracefs.Find()
		if err != nil {
			return api.E(op, "logs", "", err)
		}
		r, err := openLogs(dir)
		if err != nil {
			return err
		}
		s.readers = append(s.readers, r)
	}
	if len(want.Programs) > 0 {
		r, err := openStreams(want.Programs)
		if err != nil {
			return err
		}
		s.readers = append(s.readers, r)
	}
	if want.Output != nil {
		s.readers = append(s.readers, newOutput(ctx, want.Output))
	}
	s.start()
	if err := fn(api.Event{Kind: api.EventReady, Time: now()}); err != nil {
		return err
	}
	return s.pass(ctx, fn)
}

// reader is one source of events.
type reader interface {
	// run sends events until stop is called or send returns false.
	run(send func(api.Event) bool) error
	// stop makes run return; it may be called before, during and after it.
	stop()
	// close frees everything; run has returned or was never called.
	close()
}

// stream is all readers and what they have read.
type stream struct {
	readers []reader
	events  chan api.Event
	failed  chan error // the first error of a reader
	done    chan struct{}
	running sync.WaitGroup
}

func (s *stream) start() {
	for _, r := range s.readers {
		s.running.Go(func() {
			if err := r.run(s.send); err != nil {
				select {
				case s.failed <- err:
				default:
				}
			}
		})
	}
}

// send hands an event over; it is false when nobody wants it any more.
func (s *stream) send(e api.Event) bool {
	if e.Time.IsZero() {
		e.Time = now()
	}
	select {
	case s.events <- e:
		return true
	case <-s.done:
		return false
	}
}

// pass calls fn for each event.
func (s *stream) pass(ctx context.Context, fn func(api.Event) error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.failed:
			return s.rest(ctx, fn, err)
		case e := <-s.events:
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(e); err != nil {
				return err
			}
		}
	}
}

// rest calls fn for the events that were there before a reader ended, and then
// ends as that did.
func (s *stream) rest(ctx context.Context, fn func(api.Event) error, end error) error {
	for {
		select {
		case e := <-s.events:
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(e); err != nil {
				return err
			}
		default:
			if errors.Is(end, io.EOF) {
				return nil
			}
			return end
		}
	}
}

func (s *stream) close() {
	close(s.done)
	for _, r := range s.readers {
		r.stop()
	}
	s.running.Wait()
	for _, r := range s.readers {
		r.close()
	}
}
