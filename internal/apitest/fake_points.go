package apitest

import (
	"context"
	"slices"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
)

// SetPoints replaces the attach points that the kernel has.
func (f *Fake) SetPoints(points ...api.AttachPoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.points = slices.Clone(points)
}

// Resolve implements api.Prober. A kind of which the kernel has no point at all
// is one that cannot be told.
func (f *Fake) Resolve(ctx context.Context, req api.ResolveRequest) (api.ResolveResult, error) {
	if err := f.enter(ctx, "Resolve"); err != nil {
		return api.ResolveResult{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	res := api.ResolveResult{Points: make([]api.Resolution, 0, len(req.Points))}
	for _, p := range req.Points {
		res.Points = append(res.Points, f.resolve(p))
	}
	return res, nil
}

func (f *Fake) resolve(p api.AttachPoint) api.Resolution {
	var names []string
	for _, have := range f.points {
		if have == p {
			return api.Resolution{State: api.PointThere}
		}
		if have.Kind == p.Kind {
			names = append(names, have.Target)
		}
	}
	if names == nil {
		return api.Resolution{State: api.PointUnknown, Reason: "the fake has no " + string(p.Kind)}
	}
	return api.Resolution{
		State: api.PointMissing, Reason: "this kernel has no " + string(p.Kind) + " " + p.Target,
		Near: near.Names(p.Target, names, 3),
	}
}

func samplePoints() []api.AttachPoint {
	return []api.AttachPoint{
		{Kind: api.PointTracepoint, Target: "sched/sched_process_exec"},
		{Kind: api.PointTracepoint, Target: "sched/sched_switch"},
		{Kind: api.PointKprobe, Target: "vfs_read"},
		{Kind: api.PointUprobe, Target: "libc.so.6:malloc"},
	}
}
