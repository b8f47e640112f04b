package local

import (
	"context"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/events"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/shell"
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
	programs, err := t.eventPrograms(ctx, req.Programs)
	defer func() {
		for _, p := range programs {
			_ = p.Prog.Close()
		}
	}()
	if err != nil {
		return err
	}
	return events.Stream(ctx, events.Wanted{
		Sources: sources, Programs: programs, Logs: req.Logs, Output: t.output(req.Project),
	}, fn)
}

// eventPrograms opens the programs whose streams a request asks for.
func (t *Target) eventPrograms(ctx context.Context, ids []uint32) ([]events.Program, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := t.view().Programs(ctx, api.ListRequest{IDs: ids})
	if err != nil {
		return nil, err
	}
	if len(list) != len(ids) {
		return nil, api.Errorf("stream events", fmt.Sprint(ids), api.ErrNotExist, "not all of the programs are there").WithHint("ebpfdev prog list")
	}
	var programs []events.Program
	for _, p := range list {
		prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(p.ID))
		if err != nil {
			return programs, api.E("stream events", p.Name, "", err)
		}
		programs = append(programs, events.Program{Name: p.Name, Prog: prog})
	}
	return programs, nil
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
		refs    []api.MapRef
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
	own := len(refs)
	for i, which := range append(refs, req.Maps...) {
		src, err := t.openMap(ctx, op, which)
		if err != nil {
			return sources, err
		}
		if seen[src.Info.ID] {
			_ = src.Map.Close()
			continue
		}
		seen[src.Info.ID] = true
		sources = append(sources, events.Source{Name: src.Info.Name, Map: src.Map, Consume: i < own || req.Consume})
		last := &sources[len(sources)-1]
		if !inspect.CarriesRecords(src.Map.Type()) {
			return sources, api.Errorf(op, src.Info.Name, api.ErrUsage, "a "+src.Info.Type+" map carries no events").
				WithHint("ebpfdev map dump " + shell.Quote(src.Info.Name))
		}
		if last.Type, err = t.recordType(ctx, src.Info, spec, req.Type); err != nil {
			return sources, err
		}
	}
	return sources, nil
}

// recordType returns the C type of a map's records: what its declaration said
// when this target loaded it, or what the given object or the programs that use the
// map say. The kernel keeps no types of such maps.
func (t *Target) recordType(ctx context.Context, info api.Map, spec *ebpf.CollectionSpec, name string) (btf.Type, error) {
	if typ := t.declaredType(info.ID); typ != nil && name == "" {
		return typ, nil
	}
	var all []*btf.Spec
	if spec != nil {
		all = append(all, spec.Types)
		if m := spec.Maps[info.Name]; m != nil && m.Value != nil && name == "" {
			return m.Value, nil
		}
		if typ := typeOf(all, info.Name, name); typ != nil {
			return typ, nil
		}
	}
	used, err := inspect.TypesUsing(ctx, info.ID)
	if err != nil {
		return nil, err
	}
	all = append(all, used...)
	if typ := typeOf(all, info.Name, name); typ != nil || name == "" {
		return typ, nil
	}
	return nil, noType(all, name)
}

// typeOf finds a type by its name in C or, without one, by its map's; nil when
// nothing tells.
func typeOf(all []*btf.Spec, mapName, name string) btf.Type {
	for _, types := range all {
		if name == "" {
			if typ := btfview.RecordType(types, mapName, nil); typ != nil {
				return typ
			}
		} else if found, err := types.AnyTypesByName(bare(name)); err == nil {
			return found[0]
		}
	}
	return nil
}

// bare is a type's name without "struct ".
func bare(name string) string { return name[strings.LastIndexByte(name, ' ')+1:] }

func (t *Target) declaredType(id uint32) btf.Type {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.loads {
		if typ := h.types[id]; typ != nil {
			return typ
		}
	}
	return nil
}

// noType says which names are near one that no BTF has.
func noType(all []*btf.Spec, name string) error {
	var names []string
	for _, types := range all {
		for typ, err := range types.All() {
			if err == nil && typ.TypeName() != "" {
				names = append(names, typ.TypeName())
			}
		}
	}
	cause := "the BTF of the programs that use the map has none of that name"
	if close := near.Names(bare(name), names, 3); len(close) > 0 {
		cause += "; near: " + strings.Join(close, ", ")
	}
	return api.Errorf("find the type", name, api.ErrNotExist, cause).
		WithHint("ebpfdev events MAP --object FILE.bpf.o --type " + shell.Quote(name))
}
