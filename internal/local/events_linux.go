package local

import (
	"context"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/events"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// StreamEvents implements api.Events.
func (t *Target) StreamEvents(ctx context.Context, req api.EventsRequest, fn func(api.Event) error) (err error) {
	ctx, done := t.call(ctx, "stream events")
	defer func() { err = done(err) }()
	var spec *ebpf.CollectionSpec
	if len(req.Object.Data) > 0 {
		if spec, err = t.parse(ctx, req.Object); err != nil {
			return err
		}
	}
	sources, err := t.eventSources(ctx, req, spec)
	defer func() {
		for _, s := range sources {
			_ = s.Map.Close()
		}
	}()
	if err != nil {
		return err
	}
	return events.Stream(ctx, sources, req.Logs, t.output(req.Project), fn)
}

// output is what a project's process prints, nil without one.
func (t *Target) output(project string) events.Output {
	r := t.runs.Find(project)
	if r == nil {
		return nil
	}
	return func(ctx context.Context, send func(api.Event) bool) error { return t.runs.Follow(ctx, *r, send) }
}

// eventSources opens the maps that a request asks for, each once.
func (t *Target) eventSources(ctx context.Context, req api.EventsRequest, spec *ebpf.CollectionSpec) ([]events.Source, error) {
	const op = "stream events"
	var (
		sources []events.Source
		seen    = map[uint32]bool{}
		refs    = req.Maps
		taken   = t.heldByProcesses()
	)
	if req.Project != "" {
		list, err := t.view().Maps(ctx, api.ListRequest{Project: req.Project})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if _, process := taken[ref{pin.Maps, m.ID}]; process {
				continue
			}
			if m.Type == "ringbuf" || m.Type == "perf_event_array" {
				refs = append(refs, api.MapRef{ID: m.ID})
			}
		}
	}
	for _, which := range refs {
		src, err := t.openMap(ctx, op, which)
		if err != nil {
			return sources, err
		}
		if project, process := taken[ref{pin.Maps, src.Info.ID}]; process && inspect.CarriesRecords(src.Map.Type()) {
			_ = src.Map.Close()
			return sources, api.Errorf(op, src.Info.Name, api.ErrConflict, "the process of project "+project+" reads it, and would miss what is read here")
		}
		if seen[src.Info.ID] {
			_ = src.Map.Close()
			continue
		}
		seen[src.Info.ID] = true
		sources = append(sources, events.Source{
			Name: src.Info.Name, Map: src.Map, Type: t.recordType(src.Info, spec),
		})
		if !inspect.CarriesRecords(src.Map.Type()) {
			return sources, api.Errorf(op, src.Info.Name, api.ErrUsage, "a "+src.Info.Type+" map carries no events")
		}
	}
	return sources, nil
}

// recordType returns the C type of a map's records: what its declaration said
// when this target loaded it, or what the given object says. The kernel keeps
// no types of such maps.
func (t *Target) recordType(info api.Map, spec *ebpf.CollectionSpec) btf.Type {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.loads {
		if typ := h.types[info.ID]; typ != nil {
			return typ
		}
	}
	if spec == nil {
		return nil
	}
	var declared btf.Type
	if m := spec.Maps[info.Name]; m != nil {
		declared = m.Value
	}
	return btfview.RecordType(spec.Types, info.Name, declared)
}
