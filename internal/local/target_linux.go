package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Target is the kernel of this machine. Its methods may be called from many
// goroutines at once.
type Target struct {
	opts Options
}

var _ api.Target = (*Target)(nil)

// New returns a target for this kernel. It changes nothing until something is
// loaded; privileges are asked for by the calls that need them.
func New(opts Options) (*Target, error) {
	if opts.BPFFS == "" {
		opts.BPFFS = DefaultBPFFS
	}
	return &Target{opts: opts}, nil
}

func notYet(op string) error {
	return api.Errorf(op, "", api.ErrNotSupported, "not built yet")
}

// Load implements api.Loader.
func (t *Target) Load(context.Context, api.LoadRequest) (api.LoadResult, error) {
	return api.LoadResult{}, notYet("load")
}

// Unload implements api.Loader.
func (t *Target) Unload(context.Context, api.UnloadRequest) (api.UnloadResult, error) {
	return api.UnloadResult{}, notYet("unload")
}

// ListPrograms implements api.Inspector.
func (t *Target) ListPrograms(context.Context, api.ListRequest) ([]api.Program, error) {
	return nil, notYet("list programs")
}

// ListMaps implements api.Inspector.
func (t *Target) ListMaps(context.Context, api.ListRequest) ([]api.Map, error) {
	return nil, notYet("list maps")
}

// ListLinks implements api.Inspector.
func (t *Target) ListLinks(context.Context, api.ListRequest) ([]api.Link, error) {
	return nil, notYet("list links")
}

// QueryMap implements api.Maps.
func (t *Target) QueryMap(context.Context, api.QueryRequest) (api.Page, error) {
	return api.Page{}, notYet("query map")
}

// ExportMap implements api.Maps.
func (t *Target) ExportMap(context.Context, api.ExportRequest, func([]api.Entry) error) error {
	return notYet("export map")
}

// WatchMap implements api.Maps.
func (t *Target) WatchMap(context.Context, api.WatchRequest, func(api.Page) error) error {
	return notYet("watch map")
}

// EditMap implements api.Maps.
func (t *Target) EditMap(context.Context, api.EditRequest) (api.EditResult, error) {
	return api.EditResult{}, notYet("edit map")
}

// StreamEvents implements api.Events.
func (t *Target) StreamEvents(context.Context, api.EventsRequest, func(api.Event) error) error {
	return notYet("stream events")
}

// Verify implements api.Verifier.
func (t *Target) Verify(context.Context, api.VerifyRequest) (api.VerifyResult, error) {
	return api.VerifyResult{}, notYet("verify")
}

// Probe implements api.Prober.
func (t *Target) Probe(context.Context, api.ProbeRequest) (api.Kernel, error) {
	return api.Kernel{}, notYet("probe")
}

// Close implements api.Target.
func (t *Target) Close() error { return nil }
