// Package remote is a target and a builder that are somewhere else: every method
// is a call to an agent (package agent) over one connection.
package remote

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/wire"
)

// Options say who connects.
type Options struct {
	Version string // of this program
	// Stderr returns the last that the agent wrote to its standard error. It
	// becomes part of the error when the connection is lost. May be nil.
	Stderr func() string
	// Lost turns the loss of the connection into an error that knows more, or nil.
	// May be nil.
	Lost func(error) error
}

// Client is the agent's target and builder. Its methods may be used by many
// goroutines at the same time. Once the connection is lost, or after Close,
// every method returns ErrUnreachable.
type Client struct {
	w *wire.Client
	o Options
}

var (
	_ api.Target    = (*Client)(nil)
	_ api.Builder   = (*Client)(nil)
	_ api.Commander = (*Client)(nil)
)

// Connect greets the agent at the other end of conn, which it owns from then on.
// Errors: ErrUnreachable (nobody answered, or something that is no agent),
// ErrEnvironment (the agent speaks another protocol), the context's.
func Connect(ctx context.Context, conn io.ReadWriteCloser, o Options) (*Client, error) {
	c := &Client{o: o}
	w, err := wire.Dial(ctx, conn, wire.ClientOptions{Version: o.Version})
	if err != nil {
		return nil, c.explain(err)
	}
	c.w = w
	return c, nil
}

// PeerVersion is the version of the agent's program. It may differ from ours as
// long as both speak the same protocol.
func (c *Client) PeerVersion() string { return c.w.PeerVersion() }

// Done is closed when the connection is over.
func (c *Client) Done() <-chan struct{} { return c.w.Done() }

// Close closes the agent's target, which takes back loads with LifetimeSession,
// and ends the connection.
func (c *Client) Close() error { return c.w.Close() }

// Load implements api.Loader.
func (c *Client) Load(ctx context.Context, req api.LoadRequest) (api.LoadResult, error) {
	return call[api.LoadResult](ctx, c, "Load", req)
}

// Unload implements api.Loader.
func (c *Client) Unload(ctx context.Context, req api.UnloadRequest) (api.UnloadResult, error) {
	return call[api.UnloadResult](ctx, c, "Unload", req)
}

// Detach implements api.Loader.
func (c *Client) Detach(ctx context.Context, req api.DetachRequest) error {
	_, err := call[struct{}](ctx, c, "Detach", req)
	return err
}

// ListPrograms implements api.Inspector.
func (c *Client) ListPrograms(ctx context.Context, req api.ListRequest) ([]api.Program, error) {
	return call[[]api.Program](ctx, c, "ListPrograms", req)
}

// ListMaps implements api.Inspector.
func (c *Client) ListMaps(ctx context.Context, req api.ListRequest) ([]api.Map, error) {
	return call[[]api.Map](ctx, c, "ListMaps", req)
}

// ListLinks implements api.Inspector.
func (c *Client) ListLinks(ctx context.Context, req api.ListRequest) ([]api.Link, error) {
	return call[[]api.Link](ctx, c, "ListLinks", req)
}

// ReadCode implements api.Inspector.
func (c *Client) ReadCode(ctx context.Context, req api.CodeRequest) (api.Code, error) {
	return call[api.Code](ctx, c, "ReadCode", req)
}

// ListProcesses implements api.Inspector.
func (c *Client) ListProcesses(ctx context.Context, req api.ListRequest) ([]api.RunningProcess, error) {
	return call[[]api.RunningProcess](ctx, c, "ListProcesses", req)
}

// ListPlaces implements api.Inspector.
func (c *Client) ListPlaces(ctx context.Context, req api.PlacesRequest) ([]api.Place, error) {
	return call[[]api.Place](ctx, c, "ListPlaces", req)
}

// ListBTF implements api.Types.
func (c *Client) ListBTF(ctx context.Context, req api.BTFRequest) ([]api.BTF, error) {
	return call[[]api.BTF](ctx, c, "ListBTF", req)
}

// ReadBTF implements api.Types.
func (c *Client) ReadBTF(ctx context.Context, req api.BTFRequest) (api.BTFData, error) {
	return call[api.BTFData](ctx, c, "ReadBTF", req)
}

// QueryMap implements api.Maps.
func (c *Client) QueryMap(ctx context.Context, req api.QueryRequest) (api.Page, error) {
	return call[api.Page](ctx, c, "QueryMap", req)
}

// ExportMap implements api.Maps.
func (c *Client) ExportMap(ctx context.Context, req api.ExportRequest, fn func(api.Chunk) error) (api.ExportResult, error) {
	res, err := wire.CallStream[api.ExportResult](ctx, c.w, "ExportMap", req, fn)
	return res, c.explain(err)
}

// LookupMap implements api.Maps.
func (c *Client) LookupMap(ctx context.Context, req api.LookupRequest) ([]api.Entry, error) {
	return call[[]api.Entry](ctx, c, "LookupMap", req)
}

// StatMap implements api.Maps.
func (c *Client) StatMap(ctx context.Context, req api.StatsRequest) (api.MapStats, error) {
	return call[api.MapStats](ctx, c, "StatMap", req)
}

// WatchMap implements api.Maps.
func (c *Client) WatchMap(ctx context.Context, req api.WatchRequest, fn func(api.Page) error) error {
	return stream(ctx, c, "WatchMap", req, fn)
}

// EditMap implements api.Maps.
func (c *Client) EditMap(ctx context.Context, req api.EditRequest) (api.EditResult, error) {
	return call[api.EditResult](ctx, c, "EditMap", req)
}

// StreamEvents implements api.Events.
func (c *Client) StreamEvents(ctx context.Context, req api.EventsRequest, fn func(api.Event) error) error {
	return stream(ctx, c, "StreamEvents", req, fn)
}

// RunProgram implements api.Programs.
func (c *Client) RunProgram(ctx context.Context, req api.ProgramRunRequest) (api.ProgramRunResult, error) {
	return call[api.ProgramRunResult](ctx, c, "RunProgram", req)
}

// MeasurePrograms implements api.Programs.
func (c *Client) MeasurePrograms(ctx context.Context, req api.MeasureRequest, fn func(api.Measurement) error) error {
	return stream(ctx, c, "MeasurePrograms", req, fn)
}

// Verify implements api.Verifier.
func (c *Client) Verify(ctx context.Context, req api.VerifyRequest) (api.VerifyResult, error) {
	return call[api.VerifyResult](ctx, c, "Verify", req)
}

// Probe implements api.Prober.
func (c *Client) Probe(ctx context.Context, req api.ProbeRequest) (api.Kernel, error) {
	return call[api.Kernel](ctx, c, "Probe", req)
}

// Resolve implements api.Prober.
func (c *Client) Resolve(ctx context.Context, req api.ResolveRequest) (api.ResolveResult, error) {
	return call[api.ResolveResult](ctx, c, "Resolve", req)
}

// Build implements api.Builder.
func (c *Client) Build(ctx context.Context, req api.BuildRequest, fn func(api.BuildEvent) error) (api.BuildResult, error) {
	res, err := wire.CallStream[api.BuildResult](ctx, c.w, "Build", req, fn)
	return res, c.explain(err)
}

// RunCommand implements api.Commander.
func (c *Client) RunCommand(ctx context.Context, req api.CommandRequest, fn func(api.CommandOutput) error) (api.CommandResult, error) {
	res, err := wire.CallStream[api.CommandResult](ctx, c.w, "RunCommand", req, fn)
	return res, c.explain(err)
}

func call[Res, Req any](ctx context.Context, c *Client, method string, req Req) (Res, error) {
	res, err := wire.Call[Res](ctx, c.w, method, req)
	return res, c.explain(err)
}

func stream[Req, Item any](ctx context.Context, c *Client, method string, req Req, fn func(Item) error) error {
	_, err := wire.CallStream[struct{}](ctx, c.w, method, req, fn)
	return c.explain(err)
}

// explain turns a lost connection into words for a person, with what the agent
// said last. Other errors stay as they are.
func (c *Client) explain(err error) error {
	var lost *wire.LostError
	if !errors.As(err, &lost) {
		return err
	}
	if c.o.Lost != nil {
		if known := c.o.Lost(lost); known != nil {
			return known
		}
	}
	cause := lost.Error()
	if c.o.Stderr != nil {
		if said := lastLine(c.o.Stderr()); said != "" {
			cause += "; it said: " + said
		}
	}
	hint := cmp.Or(api.HintOf(lost.Err), "ebpfdev status")
	return &api.Error{Op: "agent", Kind: api.ErrUnreachable, Cause: cause, Hint: hint, Err: lost}
}

// lastLine returns the last line that is not empty.
func lastLine(s string) string {
	s = strings.TrimRight(s, "\r\n \t")
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}
