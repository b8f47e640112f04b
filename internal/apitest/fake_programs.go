package apitest

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// RunProgram implements api.Programs: a program returns what it gets, and 2.
func (f *Fake) RunProgram(ctx context.Context, req api.ProgramRunRequest) (api.ProgramRunResult, error) {
	if err := f.enter(ctx, "RunProgram"); err != nil {
		return api.ProgramRunResult{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(f.programs, func(p api.Program) bool { return p.ID == req.ProgramID }) {
		return api.ProgramRunResult{}, api.Errorf("run program", strconv.Itoa(int(req.ProgramID)), api.ErrNotExist, "no such program")
	}
	if len(req.Inputs) == 0 {
		return api.ProgramRunResult{}, api.Errorf("run program", strconv.Itoa(int(req.ProgramID)), api.ErrUsage, "it needs an input")
	}
	var res api.ProgramRunResult
	for _, in := range req.Inputs {
		res.Runs = append(res.Runs, api.ProgramRun{Return: 2, Data: in.Data, Context: in.Context, Duration: 40})
	}
	return res, nil
}

// ListPlaces implements api.Inspector: every link of a cgroup's is at its target.
func (f *Fake) ListPlaces(ctx context.Context, req api.PlacesRequest) ([]api.Place, error) {
	if err := f.enter(ctx, "ListPlaces"); err != nil {
		return nil, err
	}
	if req.Kind != api.PlaceCgroup && req.Kind != api.PlaceNetwork {
		return nil, api.Errorf("list places", string(req.Kind), api.ErrUsage, "no such kind of place")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []api.Place{}
	for _, l := range f.links {
		if l.Type == "cgroup" && req.Kind == api.PlaceCgroup {
			list = append(list, api.Place{Where: l.Target, Hook: "cgroup_inet_ingress", ProgramID: l.ProgramID, Program: l.Program, Project: l.Project, LinkID: l.ID})
		}
	}
	return list, nil
}

// MeasurePrograms implements api.Programs: every program runs as often in a second
// as its id says, 100 ns each.
func (f *Fake) MeasurePrograms(ctx context.Context, req api.MeasureRequest, fn func(api.Measurement) error) error {
	if err := f.enter(ctx, "MeasurePrograms"); err != nil {
		return err
	}
	interval := req.Interval
	if interval == 0 {
		interval = time.Second
	}
	if interval < 100*time.Millisecond {
		return api.Errorf("measure programs", interval.String(), api.ErrUsage, "an interval is at least 100ms")
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if err := fn(f.measured(req, interval)); err != nil {
			return err
		}
	}
}

func (f *Fake) measured(req api.MeasureRequest, interval time.Duration) api.Measurement {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := api.Measurement{Interval: interval, Programs: []api.ProgramRate{}}
	for _, p := range f.programs {
		if !selects(req.List, p.ID, p.Name, p.Project) {
			continue
		}
		m.Programs = append(m.Programs, api.ProgramRate{
			ID: p.ID, Type: p.Type, Name: p.Name, Project: p.Project, MapIDs: p.MapIDs, Memory: 4096,
			Runs: max(uint64(float64(p.ID)*interval.Seconds()), 1), PerSec: float64(p.ID), Average: 100, CPU: float64(p.ID) * 100e-9,
		})
	}
	return m
}

// Detach implements api.Loader.
func (f *Fake) Detach(ctx context.Context, req api.DetachRequest) error {
	if err := f.enter(ctx, "Detach"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.links)
	f.links = slices.DeleteFunc(f.links, func(l api.Link) bool { return l.ID == req.LinkID })
	if len(f.links) == n {
		return api.Errorf("detach", strconv.Itoa(int(req.LinkID)), api.ErrNotExist, "no such link")
	}
	f.touch()
	return nil
}
