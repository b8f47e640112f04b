package wire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultPing = 2 * time.Second
	silentPings = 5                      // how many pings an agent may miss
	cancelGrace = time.Second            // how long an end waits for the other to agree to a cancel
	flushGrace  = 200 * time.Millisecond // how long the last frames may take when nobody asked for them
	closeGrace  = 5 * time.Second        // how long Close waits for the target to be closed
	maxCalls    = 1024                   // open at once
)

// conn is what both ends have: the transport, the outbox and the open calls.
type conn struct {
	in    *bufio.Reader
	heard *heard
	w     io.Writer
	close func() // closes the transport, which ends a blocked read and write
	out   *outbox
	done  chan struct{} // closed when the connection has failed or was closed
	// greeted is closed when the peer's hello was read. Until then a failed
	// write is no news: why the peer does not listen is in what it says.
	greeted chan struct{}
	once    sync.Once

	mu      sync.Mutex
	started bool  // the writer runs
	err     error // why it is done
	calls   map[uint32]*stream
	last    uint32 // the greatest id of a call so far
}

func newConn(r io.Reader, w io.Writer, closeTransport func()) *conn {
	done := make(chan struct{})
	h := &heard{r: r}
	return &conn{
		heard:   h,
		in:      bufio.NewReaderSize(h, 64<<10),
		w:       w,
		close:   closeTransport,
		out:     newOutbox(done),
		done:    done,
		greeted: make(chan struct{}),
		calls:   make(map[uint32]*stream),
	}
}

// heard is a reader that remembers that something came.
type heard struct {
	r     io.Reader
	fresh atomic.Bool
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.fresh.Store(true)
	return n, err
}

// errSilence is a peer that has sent nothing for too long, not even pings.
var errSilence = errors.New("nothing was heard of it any more: it is paused, or gone")

// listen ends the connection when the peer is silent. An engine may leave a
// connection open whose process is long dead. Rounds are counted, not time: after
// this process itself was stopped the peer gets its chance.
func (c *conn) listen(ping time.Duration) {
	t := time.NewTicker(ping)
	defer t.Stop()
	for missed := 0; missed <= silentPings; missed++ {
		select {
		case <-t.C:
		case <-c.done:
			return
		}
		if c.heard.fresh.Swap(false) {
			missed = 0
		}
	}
	c.fail(errSilence)
}

// start lets the writer run.
func (c *conn) start(ping time.Duration) {
	c.mu.Lock()
	c.started = true
	c.mu.Unlock()
	go func() {
		if err := c.out.run(c.w, ping); err != nil {
			select {
			case <-c.greeted:
				c.fail(err)
			case <-c.done:
			}
		}
	}()
}

// finish writes what is urgent and lets the writer end, in at most limit.
func (c *conn) finish(limit time.Duration) {
	close(c.out.quit)
	c.mu.Lock()
	started := c.started
	c.mu.Unlock()
	if !started {
		return
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-c.out.ended:
	case <-t.C:
	}
}

// fail ends the connection for the first reason given.
func (c *conn) fail(err error) {
	c.once.Do(func() {
		c.mu.Lock()
		c.err = err
		c.mu.Unlock()
		close(c.done)
	})
}

func (c *conn) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return io.ErrClosedPipe
	}
	return c.err
}

// why is the reason that a wait was given up: the context's, or the connection's.
func (c *conn) why(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.cause()
}

func (c *conn) lost() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// find returns an open call. It is nil for one that has ended, whose late frames
// are dropped; an id that no call ever had is an error.
func (c *conn) find(f frame) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.calls[f.call]
	if s == nil && (f.call == 0 || f.call > c.last) {
		return nil, protocolf("%v for call %d, which was never opened", f.kind, f.call)
	}
	return s, nil
}

func (c *conn) drop(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, s.id)
}

// read hands every frame to handle until one of them fails.
func (c *conn) read(handle func(frame) error) error {
	for {
		f, err := readFrame(c.in)
		if err != nil {
			return err
		}
		if err := handle(f); err != nil {
			return err
		}
	}
}

// dispatch handles the frames that mean the same at both ends.
func (c *conn) dispatch(f frame) error {
	switch f.kind {
	case kindPing:
		if f.call != 0 || len(f.payload) != 0 {
			return protocolf("a ping that carries something")
		}
		return nil
	case kindHello:
		return protocolf("a second hello")
	case kindOpen, kindRequest, kindItem, kindResponse, kindError, kindBulk:
		s, err := c.find(f)
		if err != nil || s == nil {
			return err
		}
		return s.deliver(f)
	case kindCredit:
		s, err := c.find(f)
		if err != nil || s == nil {
			return err
		}
		return s.grant(f)
	default:
		return protocolf("%v from this side", f.kind)
	}
}

// closers returns a function that closes those of the values that can be.
func closers(values ...any) func() {
	return func() {
		for _, v := range values {
			if c, ok := v.(io.Closer); ok {
				_ = c.Close() // the connection is over; there is nobody to tell
			}
		}
	}
}
