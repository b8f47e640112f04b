package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// stream collects events until enough says so.
func stream(ctx context.Context, t *testing.T, target api.Target, req api.EventsRequest, enough func(api.Event) bool) []api.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { provoke(ctx, target) })
	var events []api.Event
	err := target.StreamEvents(ctx, req, func(e api.Event) error {
		events = append(events, e)
		if enough(e) {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("StreamEvents: error %v after %d events, want the context's", err, len(events))
	}
	return events
}

// provoke has the target make system calls until the context ends: a machine that
// has nothing else to do makes few.
func provoke(ctx context.Context, target api.Target) {
	for ctx.Err() == nil {
		_, _ = target.Probe(ctx, api.ProbeRequest{}) // what comes of it does not matter
	}
}

func (s *suite) events(t *testing.T) {
	ctx, target, res := s.loaded(t)
	var record api.Event
	events := stream(ctx, t, target, api.EventsRequest{Project: res.Project}, func(e api.Event) bool {
		if e.Kind == api.EventRecord {
			record = e
		}
		return e.Kind == api.EventRecord
	})
	if len(events) == 0 || events[0].Kind != api.EventReady {
		t.Fatalf("events begin with %+v, want ready", events)
	}
	if record.Map != EventsMap || record.Type != "struct event" || len(record.Data.Raw) != 32 {
		t.Errorf("record of map %q, type %q, %d bytes", record.Map, record.Type, len(record.Data.Raw))
	}
	var fields struct {
		PID, NR *uint32
		Count   uint64
		Comm    string
	}
	if err := json.Unmarshal(record.Data.JSON, &fields); err != nil || fields.NR == nil || fields.Count == 0 || fields.Comm == "" {
		t.Errorf("the record's JSON is %q (%v)", record.Data.JSON, err)
	}
}

// eventsTap reads a buffer beside its reader, by its name and with a type of the
// programs that use it.
func (s *suite) eventsTap(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := api.MapRef{Name: EventsMap, Project: res.Project}
	consumed := make(chan error, 1)
	reading, stop := context.WithCancel(ctx)
	go func() {
		consumed <- target.StreamEvents(reading, api.EventsRequest{Project: res.Project}, func(api.Event) error { return nil })
	}()
	events := stream(ctx, t, target, api.EventsRequest{Maps: []api.MapRef{ref}, Type: "struct limits", Object: CountObject()}, func(e api.Event) bool {
		return e.Kind == api.EventRecord
	})
	stop()
	if err := <-consumed; !errors.Is(err, context.Canceled) {
		t.Errorf("the reader ended with %v", err)
	}
	last := events[len(events)-1]
	if events[0].Kind != api.EventReady || last.Map != EventsMap || last.Type != "struct limits" || len(last.Data.Raw) != 32 {
		t.Errorf("events = %+v", events)
	}
	for _, tt := range []struct {
		req  api.EventsRequest
		kind api.Kind
	}{
		{api.EventsRequest{Maps: []api.MapRef{ref}, Type: "struct evnt"}, api.ErrNotExist},
		{api.EventsRequest{Maps: []api.MapRef{{Name: "no_such_map"}}}, api.ErrNotExist},
		{api.EventsRequest{Maps: []api.MapRef{{Name: CountsMap, Project: res.Project}}}, api.ErrUsage},
	} {
		wantKind(t, "StreamEvents", target.StreamEvents(ctx, tt.req, func(api.Event) error { return nil }), tt.kind)
	}
}

func (s *suite) logs(t *testing.T) {
	ctx, target, res := s.loaded(t)
	// A line may lack the process's name: the kernel remembers only some of them.
	events := stream(ctx, t, target, api.EventsRequest{Project: res.Project, Logs: true}, func(e api.Event) bool {
		return e.Kind == api.EventLog && strings.Contains(e.Text, "apitest call") && e.Comm != ""
	})
	last := events[len(events)-1]
	if !strings.HasPrefix(last.Text, "apitest call ") || strings.HasSuffix(last.Text, "\n") || last.PID == 0 {
		t.Errorf("log event = %+v", last)
	}
}

func (s *suite) eventsCallbackError(t *testing.T) {
	ctx, target, res := s.loaded(t)
	enough, calls := errors.New("enough"), 0
	err := target.StreamEvents(ctx, api.EventsRequest{Project: res.Project}, func(api.Event) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("StreamEvents: error %v after %d calls, want the callback's after one", err, calls)
	}
}

func (s *suite) verify(t *testing.T) {
	ctx, target := s.target(t)
	res, err := target.Verify(ctx, api.VerifyRequest{Object: RejectObject()})
	must(t, "Verify", err)
	if len(res.Programs) != 2 || res.Kernel == "" || res.Object != RejectObject().Name {
		t.Fatalf("result = %+v, want two programs", res)
	}
	good, bad := res.Programs[0], res.Programs[1]
	if good.Verdict != api.VerdictAccepted || good.Insns == 0 || good.BytesXlated == 0 || good.ProgramSize == 0 {
		t.Errorf("the good program's report is %+v", good)
	}
	if good.Log != "" || good.Type != "raw_tracepoint" || good.Section != "raw_tracepoint/sys_enter" {
		t.Errorf("the good program's report is %+v", good)
	}
	if bad.Program != RejectedProgram || bad.Verdict != api.VerdictRejected {
		t.Errorf("the bad program's report is %+v", bad)
	}
	checkRefusal(t, &api.VerifierError{
		Program: bad.Program, Summary: bad.Reason, File: bad.File, Line: bad.Line, Source: bad.Source,
		Log: bad.Log, Why: bad.Why, Fix: bad.Fix,
	})
	one, err := target.Verify(ctx, api.VerifyRequest{Object: RejectObject(), Programs: []string{RejectedProgram}})
	must(t, "Verify of one program", err)
	if len(one.Programs) != 1 || one.Programs[0].Program != RejectedProgram {
		t.Errorf("programs = %+v, want one", one.Programs)
	}
	_, err = target.Verify(ctx, api.VerifyRequest{Object: RejectObject(), Programs: []string{"no_such_program"}})
	wantKind(t, "Verify of a program that the object lacks", err, api.ErrUsage)
}

func (s *suite) verifyFullLog(t *testing.T) {
	ctx, target := s.target(t)
	res, err := target.Verify(ctx, api.VerifyRequest{Object: CountObject(), FullLog: true})
	must(t, "Verify", err)
	if len(res.Programs) != 1 || !strings.Contains(res.Programs[0].Log, "processed ") ||
		strings.Count(res.Programs[0].Log, "\n") < 20 {
		t.Errorf("the full log is missing: %+v", res.Programs)
	}
	if r := res.Programs[0]; r.Insns == 0 || r.States == 0 || r.BytesJited == 0 || r.StackDepth == 0 {
		t.Errorf("figures are missing: %+v", r)
	}
}

func (s *suite) probe(t *testing.T) {
	ctx, target := s.target(t)
	k, err := target.Probe(ctx, api.ProbeRequest{})
	must(t, "Probe", err)
	if k.Release == "" || k.Machine == "" || k.CPUs < 1 {
		t.Errorf("kernel = %+v", k)
	}
}

// everything calls each method once and returns the errors by method.
func everything(ctx context.Context, target api.Target, project string) map[string]error {
	errs := map[string]error{}
	ref := api.MapRef{Name: CountsMap, Project: project}
	_, errs["Load"] = target.Load(ctx, api.LoadRequest{Project: project, Object: CountObject(), Lifetime: api.LifetimeSession})
	_, errs["Unload"] = target.Unload(ctx, api.UnloadRequest{Project: project})
	_, errs["ListPrograms"] = target.ListPrograms(ctx, api.ListRequest{})
	_, errs["ListMaps"] = target.ListMaps(ctx, api.ListRequest{})
	_, errs["ListLinks"] = target.ListLinks(ctx, api.ListRequest{})
	_, errs["ListProcesses"] = target.ListProcesses(ctx, api.ListRequest{})
	_, errs["ReadCode"] = target.ReadCode(ctx, api.CodeRequest{ID: 1, Xlated: true})
	_, errs["ListBTF"] = target.ListBTF(ctx, api.BTFRequest{})
	_, errs["ReadBTF"] = target.ReadBTF(ctx, api.BTFRequest{Name: api.KernelBTF})
	_, errs["QueryMap"] = target.QueryMap(ctx, api.QueryRequest{Map: ref})
	_, errs["LookupMap"] = target.LookupMap(ctx, api.LookupRequest{Map: ref, Keys: []string{"1"}})
	_, errs["StatMap"] = target.StatMap(ctx, api.StatsRequest{Map: ref})
	_, errs["ExportMap"] = target.ExportMap(ctx, api.ExportRequest{Map: ref}, func(api.Chunk) error { return nil })
	errs["WatchMap"] = target.WatchMap(ctx, api.WatchRequest{Query: api.QueryRequest{Map: ref}}, func(api.Page) error { return nil })
	_, errs["EditMap"] = target.EditMap(ctx, api.EditRequest{Map: ref})
	errs["StreamEvents"] = target.StreamEvents(ctx, api.EventsRequest{Project: project}, func(api.Event) error { return nil })
	errs["Detach"] = target.Detach(ctx, api.DetachRequest{LinkID: 1 << 30})
	_, errs["ListPlaces"] = target.ListPlaces(ctx, api.PlacesRequest{Kind: api.PlaceCgroup})
	_, errs["RunProgram"] = target.RunProgram(ctx, api.ProgramRunRequest{ProgramID: 1, Inputs: []api.RunInput{{}}})
	errs["MeasurePrograms"] = target.MeasurePrograms(ctx, api.MeasureRequest{}, func(api.Measurement) error { return nil })
	_, errs["Verify"] = target.Verify(ctx, api.VerifyRequest{Object: CountObject()})
	_, errs["Probe"] = target.Probe(ctx, api.ProbeRequest{})
	_, errs["Resolve"] = target.Resolve(ctx, api.ResolveRequest{})
	return errs
}

func (s *suite) cancelled(t *testing.T) {
	ctx, target := s.target(t)
	project := s.project(t, target)
	over, cancel := context.WithCancel(ctx)
	cancel()
	for method, err := range everything(over, target, project) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: error %v", method, err)
		}
	}
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	if _, err := target.ListMaps(late, api.ListRequest{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ListMaps after its deadline: error %v", err)
	}
	checkEmpty(ctx, t, target, project)
}

func (s *suite) close(t *testing.T) {
	ctx, target, res := s.loaded(t)
	waiting := make(chan error, 1)
	ready := make(chan struct{})
	if !s.opts.NoKernel {
		go func() {
			waiting <- target.StreamEvents(ctx, api.EventsRequest{Project: res.Project}, func(e api.Event) error {
				if e.Kind == api.EventReady {
					close(ready)
				}
				return nil
			})
		}()
		select {
		case <-ready:
		case err := <-waiting:
			t.Fatalf("StreamEvents: %v", err)
		}
	}
	must(t, "Close", target.Close())
	if !s.opts.NoKernel {
		wantKind(t, "the stream that was open", <-waiting, api.ErrUnreachable)
	}
	for method, err := range everything(ctx, target, res.Project) {
		wantKind(t, method+" after Close", err, api.ErrUnreachable)
	}
	must(t, "Close again", target.Close())
	if !s.opts.NoKernel {
		_, other := s.target(t)
		checkGone(ctx, t, other, res)
	}
}
