package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// ClientOptions say who dials.
type ClientOptions struct {
	Version string // of this program
	// Ping is how often each end sends a ping, 0 for 2 s. An agent of which
	// nothing is heard for five times as long is lost.
	Ping time.Duration
}

// Client is the end that opens calls. Its methods and Call and CallStream may
// be used by many goroutines.
type Client struct {
	c    *conn
	peer hello

	opening chan struct{} // held by who opens a call
	closing sync.Once
	bye     json.RawMessage // what the agent said when it closed its target
}

// errClosed is why calls fail after Close.
var errClosed = errors.New("closed")

// Dial says hello over conn, which it owns from now on, and waits for the
// agent's answer.
func Dial(ctx context.Context, rwc io.ReadWriteCloser, o ClientOptions) (*Client, error) {
	if o.Ping <= 0 {
		o.Ping = defaultPing
	}
	c := newConn(rwc, rwc, closers(rwc))
	go func() {
		<-c.done
		c.finish(0)
		c.close()
	}()
	stop := context.AfterFunc(ctx, func() { c.fail(ctx.Err()) })
	mine := hello{Role: roleClient, Protocol: protocol, Version: o.Version, Nonce: newNonce()}
	c.out.now(mine.frame())
	c.start(o.Ping)
	peer, err := readHello(c.in)
	close(c.greeted)
	if err == nil {
		err = peer.checkAgent(mine)
	}
	if !stop() && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		c.fail(err)
		return nil, dialError(err)
	}
	cl := &Client{c: c, peer: peer, opening: make(chan struct{}, 1)}
	go func() { c.fail(c.read(cl.handle)) }()
	go c.listen(o.Ping)
	return cl, nil
}

// dialError gives a kind to an error that has none.
func dialError(err error) error {
	var known *api.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &LostError{Err: err, Never: true}
}

// LostError is a call whose connection is over, or never came to be. It matches
// api.ErrUnreachable.
type LostError struct {
	Err   error // why
	Never bool  // no agent has ever answered
}

// Error says why.
func (e *LostError) Error() string {
	switch {
	case e.Never:
		return "no connection: " + e.Err.Error()
	case errors.Is(e.Err, errClosed):
		return "the session is closed"
	case errors.Is(e.Err, io.EOF):
		return "connection lost: the agent ended"
	default:
		return "connection lost: " + e.Err.Error()
	}
}

// Unwrap returns the kind and why.
func (e *LostError) Unwrap() []error { return []error{api.ErrUnreachable, e.Err} }

// PeerVersion is the version of the agent's program.
func (cl *Client) PeerVersion() string { return cl.peer.Version }

// Done is closed when the connection is over.
func (cl *Client) Done() <-chan struct{} { return cl.c.done }

// Close asks the agent to close its target, waits for that and ends the
// connection. It returns what the target said. Calls that are open end with an
// error. A second Close does nothing.
func (cl *Client) Close() error {
	var err error
	cl.closing.Do(func() {
		cl.c.out.now(encodeFrame(kindBye, 0, 0, nil))
		t := time.NewTimer(closeGrace)
		defer t.Stop()
		select {
		case <-cl.c.done:
		case <-t.C:
		}
		cl.c.fail(errClosed)
		if len(cl.bye) > 0 {
			err = decodeError(cl.bye)
		}
	})
	return err
}

// handle is called by the reader for every frame.
func (cl *Client) handle(f frame) error {
	switch f.kind {
	case kindOpen, kindRequest, kindCancel:
		return protocolf("%v from an agent", f.kind)
	case kindBye:
		cl.bye = f.payload
		return errClosed
	default:
		return cl.c.dispatch(f)
	}
}

// open makes a call and tells the agent.
func (cl *Client) open(ctx context.Context, method string) (*stream, error) {
	c := cl.c
	select { // ids must reach the agent in order
	case cl.opening <- struct{}{}:
		defer func() { <-cl.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, c.cause()
	}
	c.mu.Lock()
	if c.last == math.MaxUint32 || len(c.calls) >= maxCalls {
		c.mu.Unlock()
		return nil, api.Errorf("call", method, api.ErrFailed, "too many calls")
	}
	c.last++
	s := newStream(c.last, c)
	c.calls[s.id] = s
	c.mu.Unlock()
	if err := c.out.put(ctx, encodeFrame(kindOpen, 0, s.id, []byte(method))); err != nil {
		c.drop(s)
		return nil, c.why(ctx)
	}
	return s, nil
}
