package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// damage changes the byte at one place of a stream.
type damage struct {
	at   int
	op   func(b byte) []byte // what stands there; nil ends the stream before it
	name string
}

// through copies from src to dst with one damage, and closes dst in the end.
// It returns how many bytes it read.
func through(dst io.WriteCloser, src io.Reader, d damage) int {
	defer dst.Close()
	buf := make([]byte, 4096)
	for pos := 0; ; {
		n, err := src.Read(buf)
		b := buf[:n]
		if i := d.at - pos; i >= 0 && i < n {
			if d.op == nil {
				_, _ = dst.Write(b[:i])
				return pos + n
			}
			b = append(append(bytes.Clone(b[:i]), d.op(b[i])...), b[i+1:]...)
		}
		pos += n
		if _, werr := dst.Write(b); werr != nil || err != nil {
			return pos
		}
	}
}

// conversation handlers: what they return names the call it belongs to.
func namedHandlers() Handlers {
	h := Handlers{}
	Unary(h, "Echo", func(_ context.Context, n number) (number, error) { return n, nil })
	Stream(h, "Count", func(_ context.Context, n number, emit func(number) error) error {
		for i := range 3 {
			if err := emit(number{n.N + i}); err != nil {
				return err
			}
		}
		return nil
	})
	Unary(h, "Object", func(_ context.Context, r api.VerifyRequest) (api.BuildResult, error) {
		return api.BuildResult{Objects: []api.Object{r.Object}}, nil
	})
	Unary(h, "Fail", func(_ context.Context, n number) (number, error) {
		return number{}, api.Errorf("fail", fmt.Sprint(n.N), api.ErrConflict, "as asked")
	})
	return h
}

// converse makes calls and reports every answer that is not the right one. It
// returns the first error, if the connection did not last.
func converse(ctx context.Context, t *testing.T, rwc io.ReadWriteCloser, ping time.Duration, what string) error {
	t.Helper()
	cl, err := Dial(ctx, rwc, ClientOptions{Version: "1", Ping: ping})
	if err != nil {
		return err
	}
	defer func() {
		cl.c.fail(errClosed)
		<-cl.c.out.ended
	}()
	var (
		calls sync.WaitGroup
		errs  [4]error
	)
	calls.Go(func() {
		got, err := Call[number](ctx, cl, "Echo", number{77})
		if errs[0] = err; err == nil && got.N != 77 {
			t.Errorf("%s: Echo gave %d", what, got.N)
		}
	})
	calls.Go(func() {
		next := 1000
		_, err := CallStream[struct{}](ctx, cl, "Count", number{1000}, func(n number) error {
			if n.N != next {
				t.Errorf("%s: item %d in place of %d", what, n.N, next)
			}
			next++
			return nil
		})
		if errs[1] = err; err == nil && next != 1003 {
			t.Errorf("%s: the stream ended at %d", what, next)
		}
	})
	calls.Go(func() {
		got, err := Call[api.BuildResult](ctx, cl, "Object", api.VerifyRequest{Object: api.Object{Name: "o", Data: []byte("\x00\xffELF")}})
		if errs[2] = err; err == nil && (len(got.Objects) != 1 || string(got.Objects[0].Data) != "\x00\xffELF" || got.Objects[0].Name != "o") {
			t.Errorf("%s: the object came back as %+v", what, got)
		}
	})
	calls.Go(func() {
		_, err := Call[number](ctx, cl, "Fail", number{5})
		if err != nil && err.Error() == "fail 5: as asked" && errors.Is(err, api.ErrConflict) {
			return
		}
		if errs[3] = err; err == nil {
			t.Errorf("%s: Fail did not fail", what)
		}
	})
	calls.Wait()
	return errors.Join(errs[:]...)
}

// damaged runs a conversation with damage on the way to the client or to the
// server, and returns how many bytes went that way and how it ended.
func damaged(t *testing.T, d damage, toServer bool) (int, error) {
	t.Helper()
	ping := 2 * time.Millisecond // what waits for a lost byte is soon relieved
	if d.at < 0 {
		ping = defaultPing
	}
	client, clientPeer := net.Pipe()
	server, serverPeer := net.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(t.Context(), server, server, ServeOptions{Handlers: namedHandlers(), Ping: ping})
	}()
	up, down := damage{at: -1}, d
	if toServer {
		up, down = d, damage{at: -1}
	}
	size := make(chan [2]int, 1)
	go func() {
		n := [2]int{}
		var copies sync.WaitGroup
		copies.Go(func() { n[0] = through(serverPeer, clientPeer, up) })
		copies.Go(func() { n[1] = through(clientPeer, serverPeer, down) })
		copies.Wait()
		size <- n
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	what := fmt.Sprintf("%s of byte %d, to the server: %v", d.name, d.at, toServer)
	err := converse(ctx, t, client, ping, what)
	_ = client.Close()
	serr := wait(t, "Serve after "+what, served)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%s: the calls hang", what)
	}
	if api.KindOf(err) == api.ErrFailed {
		t.Errorf("%s: an error without a kind: %v", what, err)
	}
	var bad *ProtocolError
	if serr != nil && !errors.As(serr, &bad) && !errors.Is(serr, api.ErrEnvironment) && !errors.Is(serr, io.ErrClosedPipe) {
		t.Errorf("%s: Serve: %v", what, serr)
	}
	n := wait(t, "the copies", size)
	if toServer {
		return n[0], err
	}
	return n[1], err
}

// Every single damage of a conversation ends it cleanly: no hang, no answer that
// is not the right one, and an error that has a kind.
func TestDamagedConversations(t *testing.T) {
	noLeaks(t)
	for _, toServer := range []bool{false, true} {
		size, err := damaged(t, damage{at: -1}, toServer)
		if err != nil || size < 200 {
			t.Fatalf("an undamaged conversation of %d bytes: %v", size, err)
		}
		for at := range size {
			damages := []damage{
				{at, nil, "truncation"},
				{at, func(byte) []byte { return nil }, "removal"},
				{at, func(b byte) []byte { return []byte{b ^ 0x5a, b} }, "insertion"},
			}
			for bit := range 8 {
				damages = append(damages, damage{at, func(b byte) []byte { return []byte{b ^ 1<<bit} }, fmt.Sprintf("flip of bit %d", bit)})
			}
			for _, d := range damages {
				_, _ = damaged(t, d, toServer)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// rawClient says hello to a server and returns the connection.
func rawClient(t *testing.T, h Handlers) (net.Conn, <-chan error) {
	t.Helper()
	conn, served := serveOver(t, ServeOptions{Handlers: h})
	if _, err := conn.Write(hello{Role: roleClient, Protocol: protocol, Nonce: "n"}.frame()); err != nil {
		t.Fatal(err)
	}
	if f, err := readFrame(conn); err != nil || f.kind != kindHello {
		t.Fatalf("%v, %v", f, err)
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	return conn, served
}

// Frames that are whole but cannot be where they are end the connection.
func TestFramesOutOfPlace(t *testing.T) {
	noLeaks(t)
	open := encodeFrame(kindOpen, 0, 5, []byte("Echo"))
	flood := bytes.Repeat(encodeFrame(kindRequest, flagPart, 5, make([]byte, chunkSize)), 5)
	h := Handlers{}
	release := make(chan struct{})
	Unary(h, "Echo", func(_ context.Context, n number) (number, error) { <-release; return n, nil })
	defer close(release)
	for name, tt := range map[string]struct {
		bytes []byte
		text  string
	}{
		"a second hello":        {hello{Role: roleClient}.frame(), "second hello"},
		"a call not opened":     {encodeFrame(kindRequest, 0, 9, nil), "never opened"},
		"call 0":                {encodeFrame(kindRequest, 0, 0, nil), "never opened"},
		"a cancel of nothing":   {encodeFrame(kindCancel, 0, 3, nil), "never opened"},
		"a call opened twice":   {append(bytes.Clone(open), open...), "opened after"},
		"an id that goes back":  {append(bytes.Clone(open), encodeFrame(kindOpen, 0, 4, []byte("Echo"))...), "opened after"},
		"a long name":           {encodeFrame(kindOpen, 0, 1, make([]byte, 65)), "name of 65 bytes"},
		"an item to a server":   {encodeFrame(kindItem, 0, 5, nil), "item from a client"},
		"bulk without request":  {append(bytes.Clone(open), encodeFrame(kindBulk, 0, 5, nil)...), "without a message"},
		"two requests in one":   {append(append(bytes.Clone(open), encodeFrame(kindRequest, flagMore, 5, nil)...), encodeFrame(kindRequest, 0, 5, nil)...), "inside of"},
		"credit that is none":   {append(bytes.Clone(open), encodeFrame(kindCredit, 0, 5, []byte{1})...), "credit of 1 bytes"},
		"credit out of nowhere": {append(bytes.Clone(open), encodeFrame(kindCredit, 0, 5, []byte{0, 0, 0, 1})...), "more credit"},
		"endless credit":        {append(bytes.Clone(open), encodeFrame(kindCredit, 0, 5, []byte{255, 255, 255, 255})...), "more credit"},
		"a ping with a letter":  {encodeFrame(kindPing, 0, 0, []byte("x")), "ping"},
		"an unknown flag":       {encodeFrame(kindPing, 0x80, 0, nil), "unknown flags"},
		"an unknown kind":       {encodeFrame(kindEnd, 0, 0, nil), "unknown kind"},
		"garbage":               {[]byte(strings.Repeat("GET / HTTP/1.1\r\n", 4)), "does not begin"},
		"half a header":         {open[:10], "inside of a header"},
		"half a payload":        {open[:len(open)-1], "inside of a frame"},
		"nothing but requests":  {append(append(bytes.Clone(open), encodeFrame(kindRequest, 0, 5, []byte(`{}`))...), flood...), "more than its credit"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, served := rawClient(t, h)
			go func() {
				_, _ = conn.Write(tt.bytes)
				if strings.HasPrefix(name, "half") {
					_ = conn.Close()
				}
			}()
			err := wait(t, "Serve to refuse", served)
			var bad *ProtocolError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A frame that is longer than any may be is refused by its header alone.
func TestFrameThatIsTooLong(t *testing.T) {
	b := encodeFrame(kindPing, 0, 0, make([]byte, maxPayload+1))
	if _, err := readFrame(bytes.NewReader(b[:headerSize])); err == nil || !strings.Contains(err.Error(), "16777217") {
		t.Errorf("%v", err)
	}
	b = encodeFrame(kindBulk, 0, 1, make([]byte, maxPayload))
	if f, err := readFrame(bytes.NewReader(b)); err != nil || len(f.payload) != maxPayload {
		t.Errorf("the longest: %v", err)
	}
}

func TestHelloOfAnotherKind(t *testing.T) {
	noLeaks(t)
	for name, tt := range map[string]struct {
		answer func(mine hello) hello
		text   string
	}{
		"newer":         {func(h hello) hello { h.Role, h.Protocol, h.Version = roleAgent, 2, "9.0"; return h }, "ebpfdev 9.0) speaks protocol 2"},
		"older":         {func(h hello) hello { h.Role, h.Protocol, h.Version = roleAgent, 0, "0.1"; return h }, "old protocol 0"},
		"echo":          {func(h hello) hello { return h }, "terminal"},
		"stale":         {func(h hello) hello { h.Role, h.Nonce = roleAgent, "other"; return h }, "another connection"},
		"another thing": {func(h hello) hello { h.Role = "toaster"; return h }, "toaster"},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			go func() {
				f, err := readFrame(there)
				var h hello
				if err == nil && json.Unmarshal(f.payload, &h) == nil {
					_, _ = there.Write(tt.answer(h).frame())
				}
				_, _ = io.Copy(io.Discard, there)
			}()
			_, err := Dial(t.Context(), here, ClientOptions{Version: "1.0"})
			if api.KindOf(err) != api.ErrEnvironment || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v (%v)", err, api.KindOf(err))
			}
			_ = there.Close()
		})
	}
}

// A server says hello to a client of another protocol, so that the client can
// say what is wrong.
func TestClientOfAnotherProtocol(t *testing.T) {
	noLeaks(t)
	conn, served := serveOver(t, ServeOptions{Version: "1.0"})
	go func() { _, _ = conn.Write(hello{Role: roleClient, Protocol: 9, Version: "9"}.frame()) }()
	f, err := readFrame(conn)
	var h hello
	if err != nil || json.Unmarshal(f.payload, &h) != nil || h.Protocol != protocol || h.Version != "1.0" {
		t.Errorf("%v, %+v", err, h)
	}
	if err := wait(t, "Serve", served); !errors.Is(err, api.ErrEnvironment) {
		t.Errorf("%v", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(hello{Role: roleClient, Protocol: protocol}.frame())
	f.Add(append(encodeFrame(kindOpen, 0, 1, []byte("Echo")), encodeFrame(kindRequest, flagMore, 1, []byte(`{"n":1}`))...))
	f.Add([]byte("OCI runtime exec failed"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			before := len(data) - r.Len()
			fr, err := readFrame(r)
			if err != nil {
				return
			}
			if got := encodeFrame(fr.kind, fr.flags, fr.call, fr.payload); !bytes.Equal(got, data[before:len(data)-r.Len()]) {
				t.Fatalf("%x was read as %x", data[before:len(data)-r.Len()], got)
			}
		}
	})
}

// FuzzServe feeds a server frames that are whole and make no sense.
func FuzzServe(f *testing.F) {
	f.Add([]byte{byte(kindOpen), 0, 1, 4, 'E', 'c', 'h', 'o', byte(kindRequest), 0, 1, 7, '{', '"', 'n', '"', ':', '1', '}'})
	f.Add([]byte{byte(kindOpen), 0, 1, 5, 'C', 'o', 'u', 'n', 't', byte(kindRequest), 2, 1, 1, '1', byte(kindBulk), 0, 1, 0, byte(kindCancel), 0, 1, 0, byte(kindBye), 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewBuffer(hello{Role: roleClient, Protocol: protocol}.frame())
		for len(data) >= 4 {
			n := min(int(data[3]), len(data)-4)
			in.Write(encodeFrame(kind(data[0]), data[1], uint32(data[2]), data[4:4+n]))
			data = data[4+n:]
		}
		err := Serve(t.Context(), in, io.Discard, ServeOptions{Handlers: namedHandlers()})
		var bad *ProtocolError
		if err != nil && !errors.As(err, &bad) {
			t.Fatal(err)
		}
	})
}
