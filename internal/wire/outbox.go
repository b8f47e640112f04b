package wire

import (
	"bufio"
	"context"
	"io"
	"sync"
	"time"
)

// outbox is the one place that writes. Whoever sends hands over a whole encoded
// frame and can be cancelled until it is taken; once taken it is written whole.
type outbox struct {
	data  chan []byte     // frames that wait for their turn
	wake  chan struct{}   // urgent is not empty
	quit  chan struct{}   // write what is urgent, flush, end
	ended chan struct{}   // the writer has ended
	lost  <-chan struct{} // the connection is done: nothing is taken any more

	mu     sync.Mutex
	urgent [][]byte // control frames; bounded, as each answers a frame or ends a call
}

func newOutbox(lost <-chan struct{}) *outbox {
	return &outbox{
		data:  make(chan []byte),
		wake:  make(chan struct{}, 1),
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
		lost:  lost,
	}
}

// put hands a frame over.
func (o *outbox) put(ctx context.Context, b []byte) error {
	select {
	case o.data <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-o.lost:
		return io.ErrClosedPipe
	}
}

// now queues a control frame ahead of the others and never blocks.
func (o *outbox) now(b []byte) {
	o.mu.Lock()
	o.urgent = append(o.urgent, b)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes frames until quit or an error. Frames that come together are
// flushed together.
func (o *outbox) run(w io.Writer, ping time.Duration) error {
	defer close(o.ended)
	bw := bufio.NewWriterSize(w, 64<<10)
	idle := time.NewTicker(ping)
	defer idle.Stop()
	if err := o.writeUrgent(bw); err != nil { // the hello comes before any ping
		return err
	}
	for {
		var err error
		select {
		case <-o.quit:
			if err := o.writeUrgent(bw); err != nil {
				return err
			}
			return bw.Flush()
		case <-o.wake:
			err = o.writeUrgent(bw)
		case b := <-o.data:
			_, err = bw.Write(b)
		case <-idle.C:
			_, err = bw.Write(encodeFrame(kindPing, 0, 0, nil))
		}
		if err == nil {
			err = o.flushIfIdle(bw)
		}
		if err != nil {
			return err
		}
	}
}

func (o *outbox) writeUrgent(w io.Writer) error {
	o.mu.Lock()
	frames := o.urgent
	o.urgent = nil
	o.mu.Unlock()
	for _, b := range frames {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// flushIfIdle takes frames that are ready and flushes when there is none.
func (o *outbox) flushIfIdle(bw *bufio.Writer) error {
	for {
		var err error
		select {
		case <-o.wake:
			err = o.writeUrgent(bw)
		case b := <-o.data:
			_, err = bw.Write(b)
		default:
			return bw.Flush()
		}
		if err != nil {
			return err
		}
	}
}
