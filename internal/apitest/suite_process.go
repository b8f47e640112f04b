package apitest

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// What the process of Options.Loader loads.
const (
	LoaderProgram = "loader_filter"
	LoaderMap     = "AT_loader_count"
	loaderMapAt   = "@loader_counts" // what bpftrace would call it
)

// loader is the request for the process that loads by itself.
func (s *suite) loader(words ...string) *api.Process {
	args := s.opts.Loader
	if len(args) == 0 {
		args = []string{"loader"}
	}
	return &api.Process{Args: append(slices.Clone(args), words...), Dir: "/", Env: []string{"LOADER_SAYS=hello"}}
}

// ran loads a process.
func (s *suite) ran(t *testing.T, lifetime api.Lifetime, words ...string) (context.Context, api.Target, api.LoadResult) {
	t.Helper()
	ctx, target := s.target(t)
	res, err := target.Load(ctx, api.LoadRequest{Project: s.project(t, target), Process: s.loader(words...), Lifetime: lifetime})
	must(t, "Load of a process", err)
	return ctx, target, res
}

// checkRan checks a load's result and that listings agree with it.
func (s *suite) checkRan(ctx context.Context, t *testing.T, target api.Target, res api.LoadResult, lifetime api.Lifetime) {
	t.Helper()
	if res.Process == nil || res.Process.PID == 0 || res.Process.Lifetime != lifetime || len(res.Process.Args) == 0 || res.Process.Ended != nil {
		t.Fatalf("process = %+v", res.Process)
	}
	if len(res.Programs) != 1 || len(res.Maps) == 0 || len(res.Pins) != 0 {
		t.Fatalf("result = %+v, want one program and maps, without pins", res)
	}
	programs, err := target.ListPrograms(ctx, api.ListRequest{Project: res.Project})
	must(t, "ListPrograms", err)
	if len(programs) != 1 || programs[0].ID != res.Programs[0].ID || programs[0].Project != res.Project {
		t.Errorf("ListPrograms of the project = %+v, want program %d", programs, res.Programs[0].ID)
	}
	runs, err := target.ListProcesses(ctx, api.ListRequest{Project: res.Project})
	must(t, "ListProcesses", err)
	if len(runs) != 1 || runs[0].PID != res.Process.PID || runs[0].Ended != nil {
		t.Errorf("ListProcesses of the project = %+v, want %d", runs, res.Process.PID)
	}
	if s.opts.NoKernel {
		return
	}
	if res.Programs[0].Name != LoaderProgram || res.Maps[0].Name != LoaderMap {
		t.Errorf("programs = %+v, maps = %+v", res.Programs, res.Maps)
	}
	for _, name := range []string{LoaderMap, loaderMapAt} {
		maps, err := target.ListMaps(ctx, api.ListRequest{Name: name, Project: res.Project})
		must(t, "ListMaps", err)
		if len(maps) != 1 || maps[0].Name != LoaderMap {
			t.Errorf("ListMaps by the name %s = %+v", name, maps)
		}
		page, err := target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{Name: name, Project: res.Project}})
		must(t, "QueryMap", err)
		if len(page.Entries) != 2 || !strings.Contains(page.Entries[0].Value.Text, `"bash"`) {
			t.Errorf("entries = %+v, want text in the first", page.Entries)
		}
	}
}

func (s *suite) processSession(t *testing.T) {
	ctx, target, res := s.ran(t, api.LifetimeSession)
	s.checkRan(ctx, t, target, res, api.LifetimeSession)
	unloaded, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload", err)
	if len(unloaded.Removed) == 0 || !strings.HasPrefix(unloaded.Removed[0], "process ") {
		t.Errorf("Unload removed %q", unloaded.Removed)
	}
	if !s.opts.NoKernel && (len(unloaded.Output) != 1 || unloaded.Output[0].Text != "bye") {
		t.Errorf("the last words are %+v", unloaded.Output)
	}
	s.checkOver(ctx, t, target, res)
	again, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload again", err)
	if len(again.Removed) != 0 {
		t.Errorf("the second Unload removed %q", again.Removed)
	}
	if s.opts.NoKernel {
		return
	}

	// It ends with its target, too.
	other, err := target.Load(ctx, api.LoadRequest{Project: res.Project, Process: s.loader(), Lifetime: api.LifetimeSession})
	must(t, "Load", err)
	must(t, "Close", target.Close())
	ctx, next := s.target(t)
	s.checkOver(ctx, t, next, other)
}

// checkOver checks that nothing of a process is left.
func (s *suite) checkOver(ctx context.Context, t *testing.T, target api.Target, res api.LoadResult) {
	t.Helper()
	checkGone(ctx, t, target, res)
	eventually(ctx, t, "the process to go", func() bool {
		runs, err := target.ListProcesses(ctx, api.ListRequest{Project: res.Project})
		must(t, "ListProcesses", err)
		return len(runs) == 0
	})
}

func (s *suite) processPinned(t *testing.T) {
	ctx, first, res := s.ran(t, api.LifetimePinned)
	s.checkRan(ctx, t, first, res, api.LifetimePinned)
	must(t, "Close", first.Close())

	// It outlives who started it; another target sees what it has printed since
	// then, and ends it.
	ctx, second := s.target(t)
	s.checkRan(ctx, t, second, res, api.LifetimePinned)
	events := stream(ctx, t, second, api.EventsRequest{Project: res.Project}, func(e api.Event) bool { return e.Kind == api.EventOutput })
	if last := events[len(events)-1]; events[0].Kind != api.EventReady || last.Text != "loaded hello" || last.Stderr || last.Time.IsZero() {
		t.Errorf("events = %+v", events)
	}
	unloaded, err := second.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload", err)
	if len(unloaded.Removed) != 1 || len(unloaded.Output) != 1 {
		t.Errorf("Unload = %+v", unloaded)
	}
	s.checkOver(ctx, t, second, res)
}

func (s *suite) processConflict(t *testing.T) {
	ctx, target, res := s.ran(t, api.LifetimeSession)
	process := api.LoadRequest{Project: res.Project, Process: s.loader(), Lifetime: api.LifetimeSession}
	object := api.LoadRequest{Project: res.Project, Object: CountObject(), Lifetime: api.LifetimeSession}
	_, err := target.Load(ctx, process)
	wantKind(t, "second Load", err, api.ErrConflict)
	_, err = target.Load(ctx, object)
	wantKind(t, "Load of an object beside a process", err, api.ErrConflict)
	s.checkRan(ctx, t, target, res, api.LifetimeSession)

	object.Replace, process.Replace = true, true
	loaded, err := target.Load(ctx, object)
	must(t, "Load that replaces the process", err)
	s.checkOver(ctx, t, target, res)
	checkLoaded(ctx, t, target, loaded)
	process.Replace = false
	_, err = target.Load(ctx, process)
	wantKind(t, "Load of a process beside an object", err, api.ErrConflict)
	process.Replace = true
	res, err = target.Load(ctx, process)
	must(t, "Load that replaces the object", err)
	s.checkRan(ctx, t, target, res, api.LifetimeSession)
	checkGone(ctx, t, target, loaded)
	next, err := target.Load(ctx, process)
	must(t, "Load that replaces a process", err)
	s.checkRan(ctx, t, target, next, api.LifetimeSession)
	if next.Process.PID == res.Process.PID && !s.opts.NoKernel {
		t.Error("it is the same process")
	}
}

func (s *suite) processUsage(t *testing.T) {
	ctx, target := s.target(t)
	project := s.project(t, target)
	for name, req := range map[string]api.LoadRequest{
		"both":         {Process: s.loader(), Object: CountObject()},
		"attach":       {Process: s.loader(), Attach: []api.AttachOption{{Program: "*", Target: "lo"}}},
		"no attach":    {Process: s.loader(), NoAttach: true},
		"no arguments": {Process: &api.Process{Dir: "/"}},
	} {
		req.Project, req.Lifetime = project, api.LifetimeSession
		_, err := target.Load(ctx, req)
		wantKind(t, name, err, api.ErrUsage)
	}
	checkEmpty(ctx, t, target, project)
}

func (s *suite) processFails(t *testing.T) {
	ctx, target := s.target(t)
	project := s.project(t, target)
	for _, lifetime := range []api.Lifetime{api.LifetimeSession, api.LifetimePinned} {
		_, err := target.Load(ctx, api.LoadRequest{Project: project, Process: s.loader("fail"), Lifetime: lifetime})
		var tool *api.ToolError
		if !errors.As(err, &tool) || tool.ExitCode != 7 || tool.Stderr != "no such luck\n" {
			t.Errorf("Load: %v, want the process's own words", err)
		}
		_, err = target.Load(ctx, api.LoadRequest{Project: project, Process: &api.Process{Args: []string{"no-such-program"}, Dir: "/"}, Lifetime: lifetime})
		wantKind(t, "Load of no program", err, api.ErrEnvironment)
		_, err = target.Load(ctx, api.LoadRequest{Project: project, Process: &api.Process{Args: []string{"true"}, Dir: "/no/such/folder"}, Lifetime: lifetime})
		wantKind(t, "Load in no folder", err, api.ErrNotExist)
		_, err = target.Load(ctx, api.LoadRequest{Project: project, Process: &api.Process{Args: []string{"true"}, Dir: "relative"}, Lifetime: lifetime})
		wantKind(t, "Load in a relative folder", err, api.ErrUsage)
		runs, err := target.ListProcesses(ctx, api.ListRequest{Project: project})
		must(t, "ListProcesses", err)
		if len(runs) != 0 {
			t.Errorf("left: %+v", runs)
		}
	}
	checkEmpty(ctx, t, target, project)
}

// processDies kills the process, as the kernel may when memory is short: the
// project has nothing loaded then, and says why until it is unloaded.
func (s *suite) processDies(t *testing.T) {
	for _, lifetime := range []api.Lifetime{api.LifetimeSession, api.LifetimePinned} {
		ctx, target, res := s.ran(t, lifetime)
		var ended error
		streamed := make(chan struct{})
		go func() {
			defer close(streamed)
			ended = target.StreamEvents(ctx, api.EventsRequest{Project: res.Project}, func(e api.Event) error {
				if e.Kind == api.EventOutput {
					return s.kill(ctx, target, res.Process.PID)
				}
				return nil
			})
		}()
		<-streamed
		var tool *api.ToolError
		if !errors.As(ended, &tool) || tool.ExitCode != 137 {
			t.Errorf("the stream ended with %v, want exit code 137", ended)
		}
		checkGone(ctx, t, target, res)
		runs, err := target.ListProcesses(ctx, api.ListRequest{Project: res.Project})
		must(t, "ListProcesses", err)
		if len(runs) != 1 || runs[0].Ended == nil || runs[0].Ended.ExitCode != 137 || runs[0].Ended.Signal != 9 || len(runs[0].Ended.Output) != 1 {
			t.Errorf("processes = %+v, want one that signal 9 has killed", runs)
		}
		checkEmpty(ctx, t, target, res.Project)
		unloaded, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
		must(t, "Unload", err)
		if len(unloaded.Removed) != 1 || !strings.HasSuffix(unloaded.Removed[0], "which had been killed by signal 9") {
			t.Errorf("Unload removed %q", unloaded.Removed)
		}

		// Nothing is in the way of the next load, unloaded or not.
		for range 2 {
			again, err := target.Load(ctx, api.LoadRequest{Project: res.Project, Process: s.loader(), Lifetime: lifetime})
			must(t, "Load again", err)
			must(t, "kill it", s.kill(ctx, target, again.Process.PID))
			eventually(ctx, t, "the end to be seen", func() bool {
				runs, err := target.ListProcesses(ctx, api.ListRequest{Project: res.Project})
				must(t, "ListProcesses", err)
				return len(runs) == 1 && runs[0].Ended != nil
			})
		}
		_, err = target.Unload(ctx, api.UnloadRequest{Project: res.Project})
		must(t, "Unload", err)
	}
}

// kill kills a process where the target is.
func (s *suite) kill(ctx context.Context, target api.Target, pid int) error {
	if s.opts.Kill != nil {
		return s.opts.Kill(ctx, target, pid)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

func (s *suite) processCancelled(t *testing.T) {
	for _, lifetime := range []api.Lifetime{api.LifetimeSession, api.LifetimePinned} {
		ctx, target := s.target(t)
		project := s.project(t, target)
		short, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			_, err := target.Load(short, api.LoadRequest{Project: project, Process: s.loader("idle"), Lifetime: lifetime})
			ended <- err
		}()
		eventually(ctx, t, "the process to start", func() bool {
			runs, err := target.ListProcesses(ctx, api.ListRequest{Project: project})
			must(t, "ListProcesses", err)
			return len(runs) == 1
		})
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Load: %v, want the context's error", err)
		}
		s.checkOver(ctx, t, target, api.LoadResult{Project: project})
	}
}

// processChildren: what a child loads is the process's, and ends with it; what
// comes a moment later is waited for.
func (s *suite) processChildren(t *testing.T) {
	ctx, target, res := s.ran(t, api.LifetimeSession, "fork")
	s.checkRan(ctx, t, target, res, api.LifetimeSession)
	_, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload", err)
	s.checkOver(ctx, t, target, res)
	res, err = target.Load(ctx, api.LoadRequest{Project: res.Project, Process: s.loader("late"), Lifetime: api.LifetimeSession})
	must(t, "Load", err)
	if len(res.Programs) != 2 {
		t.Errorf("programs = %+v, want two", res.Programs)
	}
}

func (s *suite) processDeaf(t *testing.T) {
	ctx, target, res := s.ran(t, api.LifetimePinned, "deaf")
	_, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload", err)
	s.checkOver(ctx, t, target, res)
}

// processFloods: a process that prints without end stays what it is, and its
// lines come in order, each once, those that were lost counted.
func (s *suite) processFloods(t *testing.T) {
	ctx, target, res := s.ran(t, api.LifetimeSession, "flood")
	const many = 20_000
	lines, lost := 0, uint64(0)
	enough := errors.New("enough")
	err := target.StreamEvents(ctx, api.EventsRequest{Project: res.Project}, func(e api.Event) error {
		switch e.Kind {
		case api.EventOutput:
			lines++
		case api.EventLost:
			lost += e.Lost
		}
		if lines+int(lost) >= many {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("the stream ended with %v after %d lines and %d lost ones", err, lines, lost)
	}
	unloaded, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload", err)
	if len(unloaded.Output) > 1000 {
		t.Errorf("%d last words", len(unloaded.Output))
	}
	s.checkOver(ctx, t, target, res)
}
