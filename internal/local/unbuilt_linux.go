package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func notYet(op string) error {
	return api.Errorf(op, "", api.ErrNotSupported, "not built yet")
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

// Probe implements api.Prober.
func (t *Target) Probe(context.Context, api.ProbeRequest) (api.Kernel, error) {
	return api.Kernel{}, notYet("probe")
}
