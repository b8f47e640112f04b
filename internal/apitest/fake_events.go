package apitest

import (
	"context"
	"slices"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// eventQueue holds what one stream has not sent yet.
type eventQueue struct {
	waiting []api.Event
}

// Emit sends an event to every running stream, as a program would.
func (f *Fake) Emit(events ...api.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.events {
		q.waiting = append(q.waiting, events...)
	}
	f.touch()
}

// Streams returns how many streams of events run.
func (f *Fake) Streams() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// StreamEvents implements api.Events: first that it is ready, then what is
// emitted from then on; of a project with a process also what that prints.
func (f *Fake) StreamEvents(ctx context.Context, req api.EventsRequest, fn func(api.Event) error) error {
	if err := f.enter(ctx, "StreamEvents"); err != nil {
		return err
	}
	q := &eventQueue{waiting: []api.Event{{Kind: api.EventReady}}}
	f.mu.Lock()
	f.events = append(f.events, q)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = slices.DeleteFunc(f.events, func(o *eventQueue) bool { return o == q })
	}()
	f.mu.Lock()
	process, printed := f.process(req.Project) != nil, 0
	f.mu.Unlock()
	for {
		f.mu.Lock()
		err, changed, waiting := f.failure("StreamEvents"), f.changed, q.waiting
		q.waiting = nil
		f.mu.Unlock()
		if err != nil {
			return err
		}
		over := false
		if process {
			var lines []api.Event
			lines, over, err = f.output(req.Project, printed)
			printed += len(lines)
			waiting = append(waiting, lines...)
		}
		for _, e := range waiting {
			if err := fn(e); err != nil {
				return err
			}
		}
		if over {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
