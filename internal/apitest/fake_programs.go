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
