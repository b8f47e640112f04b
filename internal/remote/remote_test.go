package remote_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

// connect serves a target over a pipe and returns the client of it.
func connect(t *testing.T, o agent.Options, ro remote.Options) (*remote.Client, net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = agent.Serve(t.Context(), there, there, o)
	}()
	t.Cleanup(func() {
		_ = there.Close()
		<-served
	})
	c, err := remote.Connect(t.Context(), here, ro)
	if err != nil {
		t.Fatal(err)
	}
	return c, there
}

// TestConformance runs the suite against the fake behind a wire.
func TestConformance(t *testing.T) {
	apitest.Run(t, func(t *testing.T) api.Target {
		f := apitest.NewEmptyFake()
		f.SetLoad(api.LoadResult{
			Programs: []api.Program{{Name: apitest.CountProgram, Type: "raw_tracepoint"}},
			Links:    []api.Link{{Program: apitest.CountProgram, Type: "raw_tracepoint"}},
			Maps: []api.Map{
				{Name: apitest.CountsMap, Type: "hash", KeySize: 4, ValueSize: 8, KeyType: "__u32", ValueType: "__u64", Readable: true},
				{Name: apitest.ScoresMap, Type: "hash", KeySize: 4, ValueSize: 8, KeyType: "__u32", ValueType: "__u64", Readable: true},
				{Name: apitest.SettingsMap, Type: "hash", KeySize: 4, ValueSize: 16, KeyType: "__u32", ValueType: "struct limits", Readable: true},
				{Name: apitest.EventsMap, Type: "ringbuf"},
			},
		})
		c, _ := connect(t, agent.Options{Target: f, Version: "test"}, remote.Options{Version: "test"})
		return c
	}, apitest.Options{NoKernel: true, NoPins: true})
}

// builder is a Builder made of a function.
type builder func(context.Context, api.BuildRequest, func(api.BuildEvent) error) (api.BuildResult, error)

func (b builder) Build(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	return b(ctx, req, fn)
}

func TestBuild(t *testing.T) {
	b := builder(func(_ context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
		if err := fn(api.BuildEvent{Step: "make " + req.Dir}); err != nil {
			return api.BuildResult{}, err
		}
		if req.Clean {
			return api.BuildResult{}, &api.ToolError{Tool: "make", ExitCode: 2, Stderr: "x.c:1: no\n"}
		}
		return api.BuildResult{Framework: "libbpf", Objects: []api.Object{{Name: "a.o", Path: "x/a.o", Data: []byte{1, 2}}}}, nil
	})
	c, _ := connect(t, agent.Options{Target: apitest.NewEmptyFake(), Builder: b, Version: "7"}, remote.Options{})
	if v := c.PeerVersion(); v != "7" {
		t.Errorf("the agent's version is %q", v)
	}
	var steps []string
	note := func(e api.BuildEvent) error { steps = append(steps, e.Step); return nil }
	res, err := c.Build(t.Context(), api.BuildRequest{Dir: "/w"}, note)
	if err != nil || len(res.Objects) != 1 || string(res.Objects[0].Data) != "\x01\x02" || strings.Join(steps, ",") != "make /w" {
		t.Errorf("%+v, %v, %q", res, err, steps)
	}
	var tool *api.ToolError
	_, err = c.Build(t.Context(), api.BuildRequest{Clean: true}, note)
	if !errors.As(err, &tool) || tool.ExitCode != 2 || err.Error() != "make: exit status 2: x.c:1: no" {
		t.Errorf("a build that failed: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestWithoutBuilder(t *testing.T) {
	c, _ := connect(t, agent.Options{Target: apitest.NewEmptyFake()}, remote.Options{})
	_, err := c.Build(t.Context(), api.BuildRequest{}, func(api.BuildEvent) error { return nil })
	if !errors.Is(err, api.ErrNotSupported) {
		t.Errorf("Build: %v", err)
	}
}

// TestLostAgent: calls that are open and calls that come later say that the
// agent went away, and what it said last.
func TestLostAgent(t *testing.T) {
	f := apitest.NewEmptyFake()
	c, agentEnd := connect(t, agent.Options{Target: f}, remote.Options{Stderr: func() string { return "one\nout of memory\n\n" }})
	open := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		open <- c.StreamEvents(t.Context(), api.EventsRequest{}, func(e api.Event) error {
			if e.Kind == api.EventReady {
				close(ready)
			}
			return nil
		})
	}()
	<-ready
	start := time.Now()
	_ = agentEnd.Close()
	for name, err := range map[string]error{"the open call": <-open, "a later call": second(c.ListMaps(t.Context(), api.ListRequest{}))} {
		if api.KindOf(err) != api.ErrUnreachable || !errors.Is(err, api.ErrUnreachable) ||
			!strings.HasSuffix(err.Error(), "it said: out of memory") || api.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("it took %v to notice", d)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	<-c.Done()
}

func second[T any](_ T, err error) error { return err }

func TestNoAgent(t *testing.T) {
	for name, tt := range map[string]struct {
		says string
		text string
	}{
		"an engine's error":  {"OCI runtime exec failed: exec failed: unable to start container process", "OCI runtime exec failed"},
		"nothing":            {"", "it ended before it said hello"},
		"less than a header": {"sh: not found\n", `sh: not found`},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			go func() {
				buf := make([]byte, 1024)
				_, _ = there.Read(buf)
				_, _ = there.Write([]byte(tt.says))
				_ = there.Close()
			}()
			_, err := remote.Connect(t.Context(), here, remote.Options{})
			if api.KindOf(err) != api.ErrUnreachable || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v (%v)", err, api.KindOf(err))
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := remote.Connect(ctx, here, remote.Options{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
