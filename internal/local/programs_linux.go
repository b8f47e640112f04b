package local

import (
	"context"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/stats"
	"github.com/ebpfdev/ebpfdev/internal/bpf/testrun"
)

// RunProgram implements api.Programs.
func (t *Target) RunProgram(ctx context.Context, req api.ProgramRunRequest) (api.ProgramRunResult, error) {
	ctx, done := t.call(ctx, "run program")
	res, err := testrun.Run(ctx, req)
	return res, done(err)
}

// MeasurePrograms implements api.Programs.
func (t *Target) MeasurePrograms(ctx context.Context, req api.MeasureRequest, fn func(api.Measurement) error) error {
	ctx, done := t.call(ctx, "measure programs")
	return done(stats.Measure(ctx, req, t.describe, fn))
}

// describe tells what a measurement says of programs that does not change.
func (t *Target) describe(ctx context.Context, ids []uint32) ([]api.ProgramRate, error) {
	progs, err := t.view().Programs(ctx, api.ListRequest{IDs: ids})
	if err != nil {
		return nil, err
	}
	maps, err := t.view().Maps(ctx, api.ListRequest{})
	if err != nil {
		return nil, err
	}
	memory := make(map[uint32]uint64, len(maps))
	for _, m := range maps {
		memory[m.ID] = m.BytesMem
	}
	list := make([]api.ProgramRate, 0, len(progs))
	for _, p := range progs {
		r := api.ProgramRate{ID: p.ID, Type: p.Type, Name: p.Name, Project: p.Project, Memory: p.BytesMem, MapIDs: p.MapIDs}
		for _, id := range p.MapIDs {
			r.Memory += memory[id]
		}
		list = append(list, r)
	}
	return list, nil
}
