package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/maps"
)

// QueryMap implements api.Maps.
func (t *Target) QueryMap(ctx context.Context, req api.QueryRequest) (page api.Page, err error) {
	err = t.withMap(ctx, "query map", req.Map, func(ctx context.Context, src maps.Source) error {
		page, err = maps.Query(ctx, src, req)
		return err
	})
	return page, err
}

// ExportMap implements api.Maps.
func (t *Target) ExportMap(ctx context.Context, req api.ExportRequest, fn func(api.Chunk) error) (res api.ExportResult, err error) {
	err = t.withMap(ctx, "export map", req.Map, func(ctx context.Context, src maps.Source) error {
		res, err = maps.Export(ctx, src, req, fn)
		return err
	})
	return res, err
}

// LookupMap implements api.Maps.
func (t *Target) LookupMap(ctx context.Context, req api.LookupRequest) (entries []api.Entry, err error) {
	err = t.withMap(ctx, "look up in map", req.Map, func(ctx context.Context, src maps.Source) error {
		entries, err = maps.Lookup(ctx, src, req)
		return err
	})
	return entries, err
}

// StatMap implements api.Maps.
func (t *Target) StatMap(ctx context.Context, req api.StatsRequest) (stats api.MapStats, err error) {
	err = t.withMap(ctx, "count map", req.Map, func(ctx context.Context, src maps.Source) error {
		stats, err = maps.Stats(ctx, src, req)
		return err
	})
	return stats, err
}

// WatchMap implements api.Maps.
func (t *Target) WatchMap(ctx context.Context, req api.WatchRequest, fn func(api.Page) error) error {
	return t.withMap(ctx, "watch map", req.Query.Map, func(ctx context.Context, src maps.Source) error {
		return maps.Watch(ctx, src, req, fn)
	})
}

// EditMap implements api.Maps.
func (t *Target) EditMap(ctx context.Context, req api.EditRequest) (res api.EditResult, err error) {
	err = t.withMap(ctx, "edit map", req.Map, func(ctx context.Context, src maps.Source) error {
		res, err = maps.Edit(ctx, src, req)
		return err
	})
	return res, err
}

// withMap opens the map that a reference names and calls fn with it.
func (t *Target) withMap(ctx context.Context, op string, ref api.MapRef, fn func(context.Context, maps.Source) error) error {
	ctx, done := t.call(ctx, op)
	src, err := t.openMap(ctx, op, ref)
	if err != nil {
		return done(err)
	}
	defer src.Map.Close()
	return done(fn(ctx, src))
}

// openMap finds a map by id or name and what its entries are.
// Errors: ErrNotExist, ErrUsage (the name is not unique).
func (t *Target) openMap(ctx context.Context, op string, ref api.MapRef) (maps.Source, error) {
	info, err := t.findMap(ctx, op, ref)
	if err != nil {
		return maps.Source{}, err
	}
	src, err := openSource(op, ref, info)
	if err == nil && src.Value == nil && (info.Type == "ringbuf" || info.Type == "user_ringbuf") {
		if src.Value, err = t.recordType(ctx, info, nil, ""); err != nil {
			src.Value, err = nil, nil // shown as bytes
		}
	}
	return src, err
}

// openSource opens a map and finds the types of its entries.
func openSource(op string, ref api.MapRef, info api.Map) (maps.Source, error) {
	m, err := ebpf.NewMapFromID(ebpf.MapID(info.ID))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return maps.Source{}, noMap(op, ref)
	case errors.Is(err, os.ErrPermission):
		return maps.Source{}, api.E(op, mapName(ref), api.ErrPermission, err).WithHint("ebpfdev doctor")
	case err != nil:
		return maps.Source{}, api.E(op, mapName(ref), api.ErrFailed, err)
	}
	if info.Type == "" {
		info.Type = inspect.MapType(m.Type())
	}
	key, value, err := inspect.MapTypes(m)
	if err != nil {
		key, value = nil, nil // shown as bytes
	}
	return maps.Source{Map: m, Info: info, Key: key, Value: value, Open: func(id uint32) (maps.Source, error) {
		return openSource(op, api.MapRef{ID: id}, api.Map{ID: id})
	}}, nil
}

// findMap returns the one map that a reference names.
func (t *Target) findMap(ctx context.Context, op string, ref api.MapRef) (api.Map, error) {
	req := api.ListRequest{Name: ref.Name, Project: ref.Project}
	if ref.ID != 0 {
		req = api.ListRequest{IDs: []uint32{ref.ID}}
	} else if ref.Name == "" {
		return api.Map{}, api.Errorf(op, "", api.ErrUsage, "which map? It has neither an id nor a name")
	}
	list, err := t.view().Maps(ctx, req)
	switch {
	case err != nil:
		return api.Map{}, err
	case len(list) == 0:
		return api.Map{}, noMap(op, ref)
	case len(list) > 1:
		return api.Map{}, api.Errorf(op, ref.Name, api.ErrUsage,
			fmt.Sprintf("%d maps have that name", len(list))).WithHint("ebpfdev map list")
	}
	return list[0], nil
}

func noMap(op string, ref api.MapRef) error {
	return api.Errorf(op, mapName(ref), api.ErrNotExist, "no such map").WithHint("ebpfdev map list")
}

func mapName(ref api.MapRef) string {
	if ref.ID != 0 {
		return strconv.FormatUint(uint64(ref.ID), 10)
	}
	return ref.Name
}
