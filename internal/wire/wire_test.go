package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// duplex is one end of two io.Pipes, which unlike net.Pipe can be closed one way.
type duplex struct {
	io.ReadCloser
	io.WriteCloser
}

func (d duplex) Close() error {
	return errors.Join(d.ReadCloser.Close(), d.WriteCloser.Close())
}

// serveOver starts a server on one end of a pipe and returns the other end and
// what Serve will return.
func serveOver(t *testing.T, o ServeOptions) (net.Conn, <-chan error) {
	t.Helper()
	here, there := net.Pipe()
	result := make(chan error, 1)
	go func() {
		defer close(result)
		result <- Serve(t.Context(), there, there, o)
	}()
	t.Cleanup(func() {
		_ = here.Close()
		for range result { // until Serve has returned
			continue
		}
	})
	return here, result
}

// dial connects a client to a server with the given handlers.
func dial(t *testing.T, h Handlers) *Client {
	t.Helper()
	conn, _ := serveOver(t, ServeOptions{Version: "2.0", Handlers: h})
	cl, err := Dial(t.Context(), conn, ClientOptions{Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	return cl
}

// wait fails the test when nothing comes in a minute, which only a hang explains.
func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		buf := make([]byte, 1<<20)
		t.Fatalf("waited a minute for %s\n%s", what, buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// noLeaks fails the test when goroutines of this package outlive it.
func noLeaks(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		var stacks string
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
			buf := make([]byte, 1<<20)
			stacks = string(buf[:runtime.Stack(buf, true)])
			if !strings.Contains(stacks, "wire.(*") && !strings.Contains(stacks, "wire.Serve") && !strings.Contains(stacks, "wire.Dial") {
				return
			}
		}
		t.Errorf("goroutines left:\n%s", stacks)
	})
}

type number struct {
	N int `json:"n"`
}

func TestCall(t *testing.T) {
	noLeaks(t)
	h := Handlers{}
	Unary(h, "Double", func(_ context.Context, n number) (number, error) { return number{2 * n.N}, nil })
	cl := dial(t, h)
	if v := cl.PeerVersion(); v != "2.0" {
		t.Errorf("peer version %q", v)
	}
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Go(func() {
			got, err := Call[number](t.Context(), cl, "Double", number{i})
			if err != nil || got.N != 2*i {
				t.Errorf("Double(%d) = %d, %v", i, got.N, err)
			}
		})
	}
	calls.Wait()
	_, err := Call[number](t.Context(), cl, "Triple", number{})
	if !errors.Is(err, api.ErrNotSupported) || api.HintOf(err) == "" {
		t.Errorf("a method that does not exist: %v", err)
	}
}

func TestRequestWithAnUnknownField(t *testing.T) {
	h := Handlers{}
	Unary(h, "Double", func(_ context.Context, n number) (number, error) { return n, nil })
	cl := dial(t, h)
	_, err := Call[number](t.Context(), cl, "Double", map[string]int{"n": 1, "new_option": 2})
	if !errors.Is(err, api.ErrInvalid) {
		t.Errorf("an option that the agent does not know: %v", err)
	}
}

func TestObjectsTravelRaw(t *testing.T) {
	noLeaks(t)
	h := Handlers{}
	StreamResult(h, "Build", func(_ context.Context, req api.LoadRequest, _ func(struct{}) error) (api.BuildResult, error) {
		twice := req.Object
		twice.Name = "twice"
		return api.BuildResult{Objects: []api.Object{req.Object, {Name: "empty"}, twice}}, nil
	})
	cl := dial(t, h)
	data := make([]byte, 20<<20+1)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	got, err := Call[api.BuildResult](t.Context(), cl, "Build", api.LoadRequest{Object: api.Object{Name: "big.o", Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Objects) != 3 || !bytes.Equal(got.Objects[0].Data, data) || got.Objects[1].Data != nil || !bytes.Equal(got.Objects[2].Data, data) {
		t.Error("the objects came back changed")
	}
}

func TestMessageThatIsTooBig(t *testing.T) {
	h := Handlers{}
	Unary(h, "Load", func(_ context.Context, _ api.LoadRequest) (number, error) { return number{}, nil })
	Unary(h, "Flood", func(context.Context, number) (api.BuildResult, error) {
		return api.BuildResult{Objects: []api.Object{{Data: make([]byte, maxMessage)}}}, nil
	})
	cl := dial(t, h)
	_, err := Call[number](t.Context(), cl, "Load", api.LoadRequest{Object: api.Object{Data: make([]byte, maxMessage)}})
	if !errors.Is(err, api.ErrInvalid) {
		t.Errorf("request: %v", err)
	}
	if _, err = Call[api.BuildResult](t.Context(), cl, "Flood", number{}); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("result: %v", err)
	}
	if _, err = Call[number](t.Context(), cl, "Load", api.LoadRequest{}); err != nil {
		t.Errorf("a call after it: %v", err)
	}
}

// A caller that stops taking items stops its own call, and nothing else.
func TestBackPressure(t *testing.T) {
	noLeaks(t)
	const total = 200_000 // six times what may be on its way
	var produced atomic.Int64
	h := Handlers{}
	Stream(h, "Count", func(_ context.Context, n number, emit func(number) error) error {
		for i := range n.N {
			if err := emit(number{i}); err != nil {
				return err
			}
			produced.Add(1)
		}
		return nil
	})
	Unary(h, "Echo", func(_ context.Context, n number) (number, error) { return n, nil })
	cl := dial(t, h)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stopped, goOn := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	next := 0
	go func() {
		_, err := CallStream[struct{}](t.Context(), cl, "Count", number{total}, func(n number) error {
			if n.N != next {
				return fmt.Errorf("item %d in place of %d", n.N, next)
			}
			if next++; next == 1000 {
				close(stopped)
				<-goOn
			}
			return nil
		})
		result <- err
	}()
	wait(t, "the consumer to stop", stopped)
	for i := range 1000 { // other calls go on, and give the producer time to run ahead
		if got, err := Call[number](t.Context(), cl, "Echo", number{i}); err != nil || got.N != i {
			t.Fatalf("a call beside the stopped one: %v, %v", got, err)
		}
	}
	if n := produced.Load(); n > 1000+2*window/frameCost {
		t.Errorf("%d items were produced for a consumer that took 1000", n)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	close(goOn)
	if err := wait(t, "the stream", result); err != nil || next != total {
		t.Errorf("%d items, %v", next, err)
	}
}

func TestCancelEndsTheHandler(t *testing.T) {
	noLeaks(t)
	handlerErr := make(chan error, 1)
	h := Handlers{}
	Stream(h, "Wait", func(ctx context.Context, _ number, emit func(number) error) error {
		if err := emit(number{1}); err != nil {
			return err
		}
		<-ctx.Done()
		handlerErr <- ctx.Err()
		return ctx.Err()
	})
	cl := dial(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := CallStream[struct{}](ctx, cl, "Wait", number{}, func(number) error { cancel(); return nil })
	if err != context.Canceled { //nolint:errorlint // the contract is the context's own error
		t.Errorf("a cancelled call: %v", err)
	}
	if err := wait(t, "the handler", handlerErr); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler saw %v", err)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = CallStream[struct{}](ctx, cl, "Wait", number{}, func(number) error { return nil })
	if err != context.DeadlineExceeded { //nolint:errorlint // the contract is the context's own error
		t.Errorf("a call whose time was over: %v", err)
	}
	_ = wait(t, "the handler", handlerErr)

	mine := errors.New("enough")
	_, err = CallStream[struct{}](t.Context(), cl, "Wait", number{}, func(number) error { return mine })
	if err != mine { //nolint:errorlint // the contract is the error as it is
		t.Errorf("a callback's error came back as %v", err)
	}
	_ = wait(t, "the handler", handlerErr)
}

// The agent finished before it heard of the cancel: what it did is reported.
func TestCancelThatComesTooLate(t *testing.T) {
	noLeaks(t)
	h := Handlers{}
	Unary(h, "Load", func(ctx context.Context, n number) (number, error) {
		<-ctx.Done()
		if n.N == 1 {
			return number{7}, nil
		}
		return number{3}, api.Errorf("load", "x", api.ErrFailed, "rolled back")
	})
	cl := dial(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := Call[number](ctx, cl, "Load", number{1}); err != nil || got.N != 7 {
		t.Errorf("done all the same: %v, %v", got, err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := Call[number](ctx, cl, "Load", number{2}); !errors.Is(err, api.ErrFailed) || got.N != 3 {
		t.Errorf("failed by itself: %v, %v", got, err)
	}
}

// A handler that does not listen cannot hold its caller for more than the grace.
func TestCancelOfADeafHandler(t *testing.T) {
	noLeaks(t)
	release := make(chan struct{})
	h := Handlers{}
	Unary(h, "Deaf", func(context.Context, number) (number, error) { <-release; return number{}, nil })
	cl := dial(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Call[number](ctx, cl, "Deaf", number{}); err != context.Canceled { //nolint:errorlint // the contract is the context's own error
		t.Errorf("cancelled before: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Call[number](ctx, cl, "Deaf", number{})
	if err != context.DeadlineExceeded || time.Since(start) > 5*time.Second { //nolint:errorlint // the contract is the context's own error
		t.Errorf("%v after %v", err, time.Since(start))
	}
	close(release)
}

func TestPanicIsAnErrorOfItsCall(t *testing.T) {
	noLeaks(t)
	var said atomic.Value
	h := Handlers{}
	Unary(h, "Panic", func(context.Context, number) (number, error) { panic("boom") })
	Unary(h, "Echo", func(_ context.Context, n number) (number, error) { return n, nil })
	conn, _ := serveOver(t, ServeOptions{Handlers: h, Panic: func(method string, value any, stack []byte) {
		said.Store(fmt.Sprint(method, value, len(stack) > 0))
	}})
	cl, err := Dial(t.Context(), conn, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Call[number](t.Context(), cl, "Panic", number{}); !errors.Is(err, api.ErrFailed) || !strings.Contains(err.Error(), "boom") {
		t.Errorf("a panic: %v", err)
	}
	if said.Load() != "Panicboomtrue" {
		t.Errorf("the log was told %v", said.Load())
	}
	if got, err := Call[number](t.Context(), cl, "Echo", number{4}); err != nil || got.N != 4 {
		t.Errorf("the call after it: %v, %v", got, err)
	}
}

// The result that comes with an error travels with it.
func TestResultBesideAnError(t *testing.T) {
	h := Handlers{}
	Unary(h, "Edit", func(context.Context, number) (api.EditResult, error) {
		return api.EditResult{Applied: 2}, api.Errorf("edit", "m", api.ErrConflict, "changed")
	})
	cl := dial(t, h)
	got, err := Call[api.EditResult](t.Context(), cl, "Edit", number{})
	if got.Applied != 2 || !errors.Is(err, api.ErrConflict) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCloseWaitsForTheTarget(t *testing.T) {
	noLeaks(t)
	var handlerEnded, closed atomic.Bool
	started := make(chan struct{})
	h := Handlers{}
	Unary(h, "Wait", func(ctx context.Context, _ number) (number, error) {
		close(started)
		<-ctx.Done()
		handlerEnded.Store(true)
		return number{}, ctx.Err()
	})
	conn, served := serveOver(t, ServeOptions{Handlers: h, Close: func() error {
		if !handlerEnded.Load() {
			t.Error("the target was closed under a call")
		}
		closed.Store(true)
		return api.Errorf("close", "", api.ErrFailed, "one link stayed")
	}})
	cl, err := Dial(t.Context(), conn, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := Call[number](t.Context(), cl, "Wait", number{})
		result <- err
	}()
	wait(t, "the handler", started)
	if err := cl.Close(); err == nil || err.Error() != "close: one link stayed" || !closed.Load() {
		t.Errorf("Close: %v", err)
	}
	if err := wait(t, "the open call", result); !errors.Is(err, api.ErrUnreachable) {
		t.Errorf("the open call: %v", err)
	}
	if _, err := Call[number](t.Context(), cl, "Wait", number{}); !errors.Is(err, api.ErrUnreachable) {
		t.Errorf("a call after Close: %v", err)
	}
	if err := cl.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if err := <-served; err == nil {
		t.Error("Serve hides the target's error")
	}
}

func TestEndOfInputCancelsEverything(t *testing.T) {
	noLeaks(t)
	started, ended := make(chan struct{}), make(chan struct{})
	var closed atomic.Bool
	h := Handlers{}
	Unary(h, "Wait", func(ctx context.Context, _ number) (number, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return number{}, ctx.Err()
	})
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(t.Context(), in, out, ServeOptions{Handlers: h, Close: func() error { closed.Store(true); return nil }})
	}()
	cl, err := Dial(t.Context(), duplex{fromServer, toServer}, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := Call[number](t.Context(), cl, "Wait", number{})
		result <- err
	}()
	wait(t, "the handler to begin", started)
	_ = toServer.Close()
	wait(t, "the handler to end", ended)
	if err := wait(t, "Serve", served); err != nil || !closed.Load() {
		t.Errorf("Serve: %v, target closed: %v", err, closed.Load())
	}
	if err := wait(t, "the call", result); !errors.Is(err, api.ErrUnreachable) {
		t.Errorf("the call: %v", err)
	}
}

// A transport that takes nothing holds nobody who can be cancelled.
func TestStalledTransport(t *testing.T) {
	here, there := net.Pipe()
	go func() {
		h, err := readFrame(there)
		if err == nil {
			var hi hello
			_ = decode([][]byte{h.payload}, &hi)
			hi.Role = roleAgent
			_, _ = there.Write(hi.frame())
		}
	}()
	cl, err := Dial(t.Context(), here, ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err := Call[number](ctx, cl, "Echo", number{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a call into a stalled pipe: %v", err)
			}
		})
	}
	calls.Wait()
	_ = there.Close()
	wait(t, "the client to notice", cl.Done())
}

// An engine may keep a connection open whose process is dead.
func TestSilentAgent(t *testing.T) {
	noLeaks(t)
	here, there := net.Pipe()
	go func() {
		f, err := readFrame(there)
		var h hello
		if err == nil && decode([][]byte{f.payload}, &h) == nil {
			h.Role = roleAgent
			_, _ = there.Write(h.frame())
		}
		for range 10 { // alive, if only just
			time.Sleep(time.Millisecond) //nolint:forbidigo // the peer's clock is what is tested
			_, _ = there.Write(encodeFrame(kindPing, 0, 0, nil))
		}
		_, _ = io.Copy(io.Discard, there)
	}()
	cl, err := Dial(t.Context(), here, ClientOptions{Ping: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Call[number](t.Context(), cl, "Echo", number{})
	if !errors.Is(err, api.ErrUnreachable) || !errors.Is(err, errSilence) {
		t.Errorf("%v", err)
	}
}

// Pings alone keep a connection that nobody uses.
func TestQuietConnectionLasts(t *testing.T) {
	noLeaks(t)
	h := Handlers{}
	Unary(h, "Wait", func(_ context.Context, n number) (number, error) {
		<-time.After(time.Duration(n.N) * time.Millisecond)
		return n, nil
	})
	conn, _ := serveOver(t, ServeOptions{Handlers: h, Ping: 10 * time.Millisecond})
	cl, err := Dial(t.Context(), conn, ClientOptions{Ping: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Call[number](t.Context(), cl, "Wait", number{1200}); err != nil {
		t.Error(err)
	}
}
