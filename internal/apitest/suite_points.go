package apitest

import (
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// resolve asks for what every kernel and every machine with glibc has, and for
// the same with a slip.
func (s *suite) resolve(t *testing.T) {
	ctx, target := s.target(t)
	type test struct {
		point api.AttachPoint
		state api.PointState
		near  string // part of a near name
	}
	tests := []test{
		{api.AttachPoint{Kind: api.PointTracepoint, Target: "sched/sched_process_exec"}, api.PointThere, ""},
		{api.AttachPoint{Kind: api.PointTracepoint, Target: "sched/sched_process_exce"}, api.PointMissing, "sched/sched_process_exec"},
		{api.AttachPoint{Kind: api.PointUprobe, Target: "libc.so.6:malloc"}, api.PointThere, ""},
		{api.AttachPoint{Kind: api.PointUprobe, Target: "libc.so.6:malolc"}, api.PointMissing, "malloc"},
		{api.AttachPoint{Kind: "no kind", Target: "malloc"}, api.PointUnknown, ""},
	}
	if s.opts.NoLibrary {
		tests = slices.DeleteFunc(tests, func(tt test) bool { return tt.point.Kind == api.PointUprobe })
	}
	var req api.ResolveRequest
	for _, tt := range tests {
		req.Points = append(req.Points, tt.point)
	}
	res, err := target.Resolve(ctx, req)
	must(t, "Resolve", err)
	if len(res.Points) != len(tests) {
		t.Fatalf("Resolve: %d resolutions of %d points", len(res.Points), len(tests))
	}
	for i, tt := range tests {
		got := res.Points[i]
		near := tt.near == "" || slices.ContainsFunc(got.Near, func(name string) bool { return strings.Contains(name, tt.near) })
		if got.State != tt.state || !near || (got.State != api.PointThere) != (got.Reason != "") {
			t.Errorf("%v: %+v, want %s with %q near and a reason", tt.point, got, tt.state, tt.near)
		}
	}
	none, err := target.Resolve(ctx, api.ResolveRequest{})
	must(t, "Resolve nothing", err)
	if len(none.Points) != 0 {
		t.Errorf("Resolve nothing: %+v", none.Points)
	}
}
