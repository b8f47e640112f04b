package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// ServeOptions are what an agent offers.
type ServeOptions struct {
	Version  string
	Handlers Handlers
	// Close is called once, after all calls have ended (or did not within a
	// second of their cancel). Its error goes to the client that asked for it.
	Close func() error
	// Panic is told of a handler that panicked; the call gets an error. May be nil.
	Panic func(method string, value any, stack []byte)
	Ping  time.Duration // how often it sends a ping; 0 for 2 s
}

// Handlers are the methods that can be called, by name.
type Handlers map[string]handler

// handler runs one call; the result is a pointer.
type handler func(ctx context.Context, m message, emit func(item any) error) (any, error)

// Unary offers a method with one request and one result.
func Unary[Req, Res any](h Handlers, name string, fn func(context.Context, Req) (Res, error)) {
	StreamResult(h, name, func(ctx context.Context, req Req, _ func(struct{}) error) (Res, error) {
		return fn(ctx, req)
	})
}

// Stream offers a method that sends items and has no result.
func Stream[Req, Item any](h Handlers, name string, fn func(context.Context, Req, func(Item) error) error) {
	StreamResult(h, name, func(ctx context.Context, req Req, emit func(Item) error) (struct{}, error) {
		return struct{}{}, fn(ctx, req, emit)
	})
}

// StreamResult offers a method that sends items and has a result.
func StreamResult[Req, Item, Res any](h Handlers, name string, fn func(context.Context, Req, func(Item) error) (Res, error)) {
	h[name] = func(ctx context.Context, m message, emit func(any) error) (any, error) {
		var req Req
		if err := decodeStrict(m.parts, &req); err != nil {
			return nil, api.E("understand", "request of "+name, api.ErrInvalid, err)
		}
		res, err := fn(ctx, req, func(item Item) error { return emit(&item) })
		return &res, err
	}
}

// server is the end that answers calls.
type server struct {
	c       *conn
	o       ServeOptions
	ctx     context.Context // of all calls
	running sync.WaitGroup
}

// Serve answers the calls of one client until the input ends, the client says
// goodbye or the context ends; then it cancels the calls that are open, closes
// the target and returns. The result is nil unless the context ended or the
// peer broke the protocol. Serve owns r and w: those that are io.Closers are
// closed. A read that cannot be interrupted (a plain file) may stay blocked.
func Serve(ctx context.Context, r io.Reader, w io.Writer, o ServeOptions) error {
	if o.Ping <= 0 {
		o.Ping = defaultPing
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newConn(r, w, closers(r, w))
	s := &server{c: c, o: o, ctx: ctx}
	stop := context.AfterFunc(ctx, func() { c.fail(ctx.Err()) })
	defer stop()
	go func() { c.fail(s.serve()) }()
	<-c.done
	cancel()
	s.wait(cancelGrace)
	var err error
	if o.Close != nil {
		err = o.Close()
	}
	cause := c.cause()
	if errors.Is(cause, errBye) {
		c.out.now(byeFrame(err))
		c.finish(cancelGrace)
	} else {
		c.finish(flushGrace)
	}
	c.close()
	if errors.Is(cause, errBye) || errors.Is(cause, io.EOF) {
		return err
	}
	return errors.Join(cause, err)
}

// errBye is why a connection is over whose client asked for the target to be
// closed.
var errBye = errors.New("the client said goodbye")

// byeFrame tells the client how closing the target went.
func byeFrame(err error) []byte {
	if err == nil {
		return encodeFrame(kindBye, 0, 0, nil)
	}
	return encodeFrame(kindBye, 0, 0, encodeError(err))
}

// serve greets the client and reads its frames.
func (s *server) serve() error {
	peer, err := readHello(s.c.in)
	if errors.Is(err, errSilent) {
		return io.EOF // no client ever came
	}
	if err != nil {
		return err
	}
	close(s.c.greeted)
	mine := hello{Role: roleAgent, Protocol: protocol, Version: s.o.Version, Nonce: peer.Nonce}
	s.c.out.now(mine.frame())
	s.c.start(s.o.Ping)
	if err := peer.checkClient(mine); err != nil {
		return err
	}
	return s.c.read(s.handle)
}

// handle is called by the reader for every frame.
func (s *server) handle(f frame) error {
	switch f.kind {
	case kindOpen:
		return s.open(f)
	case kindCancel:
		st, err := s.c.find(f)
		if err == nil && st != nil {
			st.cancel()
		}
		return err
	case kindItem, kindResponse, kindError:
		return protocolf("%v from a client", f.kind)
	case kindBye:
		return errBye
	default:
		return s.c.dispatch(f)
	}
}

// open begins a call.
func (s *server) open(f frame) error {
	if len(f.payload) > 64 {
		return protocolf("a method's name of %d bytes", len(f.payload))
	}
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err // no call may begin once Serve waits for their end
	}
	if f.call <= c.last {
		return protocolf("call %d opened after call %d", f.call, c.last)
	}
	if len(c.calls) >= maxCalls {
		return protocolf("more than %d calls at once", maxCalls)
	}
	c.last = f.call
	st := newStream(f.call, c)
	ctx, cancel := context.WithCancel(s.ctx)
	st.cancel = cancel
	c.calls[st.id] = st
	s.running.Go(func() {
		defer cancel()
		s.run(ctx, st, string(f.payload))
		c.drop(st)
	})
	return nil
}

// run answers one call.
func (s *server) run(ctx context.Context, st *stream, method string) {
	m, err := st.receive(ctx)
	if err != nil && s.c.lost() {
		return
	}
	var res any
	if err == nil {
		res, err = s.invoke(ctx, st, method, m)
	}
	if err == nil && st.torn {
		err = context.Canceled // an item was cut off: no result may follow it
	}
	if s.ctx.Err() != nil {
		return // the connection is over; "cancelled" would blame the caller
	}
	// A caller that has cancelled waits for a while for this answer, and then
	// gives no more credit.
	ctx, cancel := lasting(ctx, s.ctx, cancelGrace)
	defer cancel()
	st.answer(ctx, res, err)
}

// answer sends the result, or the error and the result that came with it. When
// the result cannot be sent, the reason is the answer.
func (s *stream) answer(ctx context.Context, res any, err error) {
	var parts [][]byte
	if res != nil {
		var encodeErr error
		if parts, encodeErr = encode(res); err == nil {
			err = encodeErr
		}
	}
	if err == nil {
		if err = s.send(ctx, kindResponse, parts); err == nil {
			return
		}
		parts = nil
	}
	head := encodeError(err)
	if s.send(ctx, kindError, append([][]byte{head}, parts...)) != nil {
		_ = s.send(ctx, kindError, [][]byte{head}) // the last try: the caller is gone
	}
}

// lasting returns a context that ends with outer, or a while after inner.
func lasting(inner, outer context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(outer)
	stop := context.AfterFunc(inner, func() {
		t := time.NewTimer(while)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { stop(); cancel() }
}

// invoke calls the method's handler; a panic becomes its error.
func (s *server) invoke(ctx context.Context, st *stream, method string, m message) (res any, err error) {
	h, ok := s.o.Handlers[method]
	if !ok {
		return nil, api.Errorf("call", method, api.ErrNotSupported,
			"this agent (ebpfdev "+s.o.Version+") does not know it").WithHint("ebpfdev up")
	}
	if m.kind != kindRequest {
		return nil, api.Errorf("call", method, api.ErrInvalid, m.kind.String()+" in place of a request")
	}
	defer func() {
		if v := recover(); v != nil {
			if s.o.Panic != nil {
				s.o.Panic(method, v, debug.Stack())
			}
			err = api.Errorf("call", method, api.ErrFailed, fmt.Sprintf("a bug in ebpfdev: panic: %v", v))
		}
	}()
	return h(ctx, m, func(item any) error {
		parts, err := encode(item)
		if err != nil {
			return err
		}
		return st.send(ctx, kindItem, parts)
	})
}

// wait waits for the calls to end.
func (s *server) wait(limit time.Duration) {
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
	}
}
