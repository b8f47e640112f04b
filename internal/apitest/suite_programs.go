package apitest

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// runProgram runs the counting program with a system call that nobody makes.
func (s *suite) runProgram(t *testing.T) {
	ctx, target, res := s.loaded(t)
	const call, times = 4711, 3
	input := binary.NativeEndian.AppendUint64(make([]byte, 8), call) // raw_tracepoint/sys_enter: the registers, the number
	ran, err := target.RunProgram(ctx, api.ProgramRunRequest{
		ProgramID: res.Programs[0].ID, Inputs: []api.RunInput{{Context: input}}, Repeat: times,
	})
	must(t, "RunProgram", err)
	if len(ran.Runs) != 1 || ran.Runs[0].Return != 0 || ran.Runs[0].Duration <= 0 {
		t.Errorf("runs = %+v", ran.Runs)
	}
	page, err := target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{Name: CountsMap, Project: res.Project}, Where: "4711"})
	must(t, "QueryMap", err)
	if len(page.Entries) != 1 || page.Entries[0].Value.Text != "3" {
		t.Errorf("entries = %+v, want a count of %d", page.Entries, times)
	}
	for _, tt := range []struct {
		name string
		req  api.ProgramRunRequest
		kind api.Kind
	}{
		{"no program", api.ProgramRunRequest{ProgramID: 1 << 30, Inputs: []api.RunInput{{}}}, api.ErrNotExist},
		{"no input", api.ProgramRunRequest{ProgramID: res.Programs[0].ID}, api.ErrUsage},
		{"a packet", api.ProgramRunRequest{ProgramID: res.Programs[0].ID, Inputs: []api.RunInput{{Data: make([]byte, 64)}}}, api.ErrInvalid},
		{"too often", api.ProgramRunRequest{ProgramID: res.Programs[0].ID, Inputs: []api.RunInput{{}}, Repeat: 1 << 40}, api.ErrUsage},
	} {
		_, err := target.RunProgram(ctx, tt.req)
		wantKind(t, "RunProgram with "+tt.name, err, tt.kind)
	}
}

// measurePrograms sees the counting program run.
func (s *suite) measurePrograms(t *testing.T) {
	ctx, target, res := s.loaded(t)
	enough := errors.New("enough")
	var last api.Measurement
	err := target.MeasurePrograms(ctx, api.MeasureRequest{List: api.ListRequest{Project: res.Project}, Interval: 100 * time.Millisecond},
		func(m api.Measurement) error {
			last = m
			if len(m.Programs) == 1 && m.Programs[0].Runs > 0 {
				return enough
			}
			return nil
		})
	if !errors.Is(err, enough) {
		t.Fatalf("MeasurePrograms: %v", err)
	}
	p := last.Programs[0]
	if p.ID != res.Programs[0].ID || p.Name != CountProgram || p.PerSec <= 0 || p.Average <= 0 || p.CPU <= 0 || p.Memory == 0 || last.Interval <= 0 {
		t.Errorf("measurement = %+v", last)
	}
	err = target.MeasurePrograms(ctx, api.MeasureRequest{Interval: time.Millisecond}, func(api.Measurement) error { return nil })
	wantKind(t, "MeasurePrograms every millisecond", err, api.ErrUsage)
	short, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
	defer cancel()
	err = target.MeasurePrograms(short, api.MeasureRequest{}, func(api.Measurement) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("MeasurePrograms: %v, want the context's error", err)
	}
}

// places of cgroups can be listed, whatever is attached there; what is no place is
// refused.
func (s *suite) places(t *testing.T) {
	ctx, target := s.target(t)
	for _, req := range []api.PlacesRequest{{Kind: api.PlaceCgroup}, {Kind: api.PlaceNetwork}, {Kind: api.PlaceNetwork, All: true}} {
		list, err := target.ListPlaces(ctx, req)
		if req.Kind == api.PlaceCgroup && s.opts.NoCgroups {
			wantKind(t, "ListPlaces without a hierarchy", err, api.ErrNotSupported)
			continue
		}
		must(t, "ListPlaces", err)
		for _, p := range list {
			if p.Where == "" || p.Hook == "" || p.ProgramID == 0 {
				t.Errorf("place = %+v", p)
			}
		}
	}
	_, err := target.ListPlaces(ctx, api.PlacesRequest{Kind: "no kind"})
	wantKind(t, "ListPlaces of no kind", err, api.ErrUsage)
	if s.opts.NoKernel {
		return
	}
	_, err = target.ListPlaces(ctx, api.PlacesRequest{Kind: api.PlaceCgroup, Root: "/proc"})
	wantKind(t, "ListPlaces of a folder that is no cgroup", err, api.ErrUsage)
	_, err = target.ListPlaces(ctx, api.PlacesRequest{Kind: api.PlaceCgroup, Root: "/no/such/folder"})
	wantKind(t, "ListPlaces of no folder", err, api.ErrNotExist)
}

// detach: a link of a tracepoint ends with its holder, which the error names.
func (s *suite) detach(t *testing.T) {
	ctx, target, res := s.loaded(t)
	err := target.Detach(ctx, api.DetachRequest{LinkID: res.Links[0].ID})
	wantKind(t, "Detach", err, api.ErrNotSupported)
	if hint := api.HintOf(err); hint != "ebpfdev unload --project "+res.Project {
		t.Errorf("hint = %q", hint)
	}
	wantKind(t, "Detach of no link", target.Detach(ctx, api.DetachRequest{LinkID: 1 << 30}), api.ErrNotExist)
}
