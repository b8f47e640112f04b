package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/places"
)

// ListPlaces implements api.Inspector.
func (t *Target) ListPlaces(ctx context.Context, req api.PlacesRequest) (list []api.Place, err error) {
	ctx, done := t.call(ctx, "list places")
	defer func() { err = done(err) }()
	switch req.Kind {
	case api.PlaceCgroup:
		list, err = places.Cgroups(ctx, req.Root, req.Inherited)
	case api.PlaceNetwork:
		list, err = places.Network(ctx, req.All)
	default:
		err = api.Errorf("list places", string(req.Kind), api.ErrUsage, "no such kind of place; there are cgroup and net")
	}
	if err != nil || len(list) == 0 {
		return list, err
	}
	var ids []uint32
	for _, p := range list {
		ids = append(ids, p.ProgramID)
	}
	progs, err := t.view().Programs(ctx, api.ListRequest{IDs: ids})
	if err != nil {
		return nil, err
	}
	known := make(map[uint32]api.Program, len(progs))
	for _, p := range progs {
		known[p.ID] = p
	}
	for i := range list {
		p := known[list[i].ProgramID]
		list[i].Program, list[i].Type, list[i].Project = p.Name, p.Type, p.Project
	}
	return list, nil
}
