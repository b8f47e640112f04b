// Package agent serves a target and a builder to one client: it is what runs
// next to the kernel as `ebpfdev agent`. Package remote is its other half; a
// method of package api is one line in each.
package agent

import (
	"context"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/wire"
)

// Options are what an agent serves.
type Options struct {
	Target  api.Target
	Builder api.Builder // nil: Build gives ErrNotSupported
	// Commander is for agents that are the only way in; nil: there is another one,
	// and RunCommand gives ErrNotSupported.
	Commander api.Commander
	Version   string // of this program
	// Panic is told of a method that panicked. May be nil.
	Panic func(method string, value any, stack []byte)
}

// Serve answers one client on r and w, which it owns, until the input ends, the
// client closes its end or the context ends. Then it cancels the calls that are
// open, closes the target and returns. The error is nil for an input that ended
// between frames.
func Serve(ctx context.Context, r io.Reader, w io.Writer, o Options) error {
	return wire.Serve(ctx, r, w, wire.ServeOptions{
		Version:  o.Version,
		Handlers: methods(o),
		Close:    o.Target.Close,
		Panic:    o.Panic,
	})
}

// methods is the table of what can be called; remote.Client has the same names.
func methods(o Options) wire.Handlers {
	h, t, b, c := wire.Handlers{}, o.Target, o.Builder, o.Commander
	if b == nil {
		b = noBuilder{}
	}
	if c == nil {
		c = noCommander{}
	}
	wire.Unary(h, "Load", t.Load)
	wire.Unary(h, "Unload", t.Unload)
	wire.Unary(h, "Detach", func(ctx context.Context, req api.DetachRequest) (struct{}, error) {
		return struct{}{}, t.Detach(ctx, req)
	})
	wire.Unary(h, "ListPrograms", t.ListPrograms)
	wire.Unary(h, "ListMaps", t.ListMaps)
	wire.Unary(h, "ListLinks", t.ListLinks)
	wire.Unary(h, "ReadCode", t.ReadCode)
	wire.Unary(h, "ListProcesses", t.ListProcesses)
	wire.Unary(h, "ListPlaces", t.ListPlaces)
	wire.Unary(h, "ListBTF", t.ListBTF)
	wire.Unary(h, "ReadBTF", t.ReadBTF)
	wire.Unary(h, "QueryMap", t.QueryMap)
	wire.StreamResult(h, "ExportMap", t.ExportMap)
	wire.Unary(h, "LookupMap", t.LookupMap)
	wire.Unary(h, "StatMap", t.StatMap)
	wire.Stream(h, "WatchMap", t.WatchMap)
	wire.Unary(h, "EditMap", t.EditMap)
	wire.Stream(h, "StreamEvents", t.StreamEvents)
	wire.Unary(h, "RunProgram", t.RunProgram)
	wire.Stream(h, "MeasurePrograms", t.MeasurePrograms)
	wire.Unary(h, "Verify", t.Verify)
	wire.Unary(h, "Probe", t.Probe)
	wire.Unary(h, "Resolve", t.Resolve)
	wire.StreamResult(h, "Build", b.Build)
	wire.StreamResult(h, "RunCommand", c.RunCommand)
	return h
}

// noBuilder stands for a place where nothing can be built, such as a guest kernel.
type noBuilder struct{}

// Build always fails with ErrNotSupported.
func (noBuilder) Build(context.Context, api.BuildRequest, func(api.BuildEvent) error) (api.BuildResult, error) {
	return api.BuildResult{}, api.Errorf("build", "", api.ErrNotSupported, "this target cannot build")
}

// noCommander stands for a place where commands are run by other means.
type noCommander struct{}

// RunCommand always fails with ErrNotSupported.
func (noCommander) RunCommand(context.Context, api.CommandRequest, func(api.CommandOutput) error) (api.CommandResult, error) {
	return api.CommandResult{}, api.Errorf("run command", "", api.ErrNotSupported, "this target runs no commands")
}
