package apitest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func (s *suite) loadSession(t *testing.T) {
	ctx, target, res := s.loaded(t)
	checkLoaded(ctx, t, target, res)
	if len(res.Pins) != 0 {
		t.Errorf("a session's load has pins: %q", res.Pins)
	}
	unloaded, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project})
	must(t, "Unload", err)
	if len(unloaded.Removed) == 0 {
		t.Error("Unload says that it removed nothing")
	}
	checkGone(ctx, t, target, res)
}

func (s *suite) loadPinned(t *testing.T) {
	ctx, first := s.target(t)
	project := s.project(t, first)
	res, err := first.Load(ctx, api.LoadRequest{Project: project, Object: CountObject()})
	must(t, "Load", err)
	checkLoaded(ctx, t, first, res)
	if len(res.Pins) < len(res.Programs)+len(res.Maps)+len(res.Links) {
		t.Errorf("%d pins for %d programs, %d maps and %d links", len(res.Pins), len(res.Programs), len(res.Maps), len(res.Links))
	}
	must(t, "Close", first.Close())

	// It outlives who made it, and another target finds it and takes it back.
	_, second := s.target(t)
	checkLoaded(ctx, t, second, res)
	unloaded, err := second.Unload(ctx, api.UnloadRequest{Project: project})
	must(t, "Unload", err)
	if len(unloaded.Removed) != len(res.Pins) || len(unloaded.Kept) != 0 {
		t.Errorf("Unload removed %q and kept %q, want the %d pins removed", unloaded.Removed, unloaded.Kept, len(res.Pins))
	}
	checkGone(ctx, t, second, res)
}

// checkLoaded checks that a load's result is CountObject and that listings
// agree with it.
func checkLoaded(ctx context.Context, t *testing.T, target api.Target, res api.LoadResult) {
	t.Helper()
	if len(res.Programs) != 1 || res.Programs[0].Name != CountProgram || res.Programs[0].ID == 0 {
		t.Fatalf("programs = %+v, want %s", res.Programs, CountProgram)
	}
	if len(res.Links) != 1 || res.Links[0].ProgramID != res.Programs[0].ID {
		t.Fatalf("links = %+v, want one of program %d", res.Links, res.Programs[0].ID)
	}
	for _, name := range []string{CountsMap, ScoresMap, SettingsMap, EventsMap} {
		mapNamed(t, res.Maps, name)
	}
	programs, err := target.ListPrograms(ctx, api.ListRequest{Project: res.Project})
	must(t, "ListPrograms", err)
	if len(programs) != 1 || programs[0].ID != res.Programs[0].ID {
		t.Errorf("ListPrograms of the project = %+v, want program %d", programs, res.Programs[0].ID)
	}
	maps, err := target.ListMaps(ctx, api.ListRequest{Project: res.Project})
	must(t, "ListMaps", err)
	if len(maps) != len(res.Maps) {
		t.Errorf("ListMaps of the project has %d maps, the load had %d", len(maps), len(res.Maps))
	}
	links, err := target.ListLinks(ctx, api.ListRequest{Project: res.Project})
	must(t, "ListLinks", err)
	if len(links) != 1 || links[0].ID != res.Links[0].ID {
		t.Errorf("ListLinks of the project = %+v, want link %d", links, res.Links[0].ID)
	}
}

func mapNamed(t *testing.T, maps []api.Map, name string) api.Map {
	t.Helper()
	for _, m := range maps {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no map %q in %+v", name, maps)
	return api.Map{}
}

// checkGone checks that nothing of a load is left, by the kernel's ids.
func checkGone(ctx context.Context, t *testing.T, target api.Target, res api.LoadResult) {
	t.Helper()
	// The kernel frees things a moment after their last user is gone, and
	// whoever lists them is such a user.
	for _, l := range res.Links {
		eventually(ctx, t, "the link to go", func() bool {
			list, err := target.ListLinks(ctx, api.ListRequest{IDs: []uint32{l.ID}})
			must(t, "ListLinks", err)
			return len(list) == 0
		})
	}
	for _, p := range res.Programs {
		eventually(ctx, t, "the program to go", func() bool {
			list, err := target.ListPrograms(ctx, api.ListRequest{IDs: []uint32{p.ID}})
			must(t, "ListPrograms", err)
			return len(list) == 0
		})
	}
	for _, m := range res.Maps {
		eventually(ctx, t, "map "+m.Name+" to go", func() bool {
			list, err := target.ListMaps(ctx, api.ListRequest{IDs: []uint32{m.ID}})
			must(t, "ListMaps", err)
			return len(list) == 0
		})
	}
}

// eventually asks until the answer is yes or the part's time is over.
func eventually(ctx context.Context, t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		if ctx.Err() != nil {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (s *suite) loadConflict(t *testing.T) {
	ctx, target, res := s.loaded(t)
	_, err := target.Load(ctx, api.LoadRequest{
		Project: res.Project, Object: CountObject(), Lifetime: api.LifetimeSession,
	})
	wantKind(t, "second Load", err, api.ErrConflict)
	checkLoaded(ctx, t, target, res)
	if s.opts.NoPins {
		return
	}
	_, err = target.Load(ctx, api.LoadRequest{Project: res.Project, Object: CountObject()})
	wantKind(t, "Load with pins beside a session's", err, api.ErrConflict)
}

func (s *suite) loadReplace(t *testing.T) {
	ctx, target, old := s.loaded(t)
	res, err := target.Load(ctx, api.LoadRequest{
		Project: old.Project, Object: CountObject(), Lifetime: api.LifetimeSession, Replace: true,
	})
	must(t, "Load with Replace", err)
	checkLoaded(ctx, t, target, res)
	if len(res.Replaced) != 1 || res.Replaced[0] != (api.Replacement{Program: CountProgram, How: api.ReplacedOverlap}) {
		t.Errorf("the result says that it replaced %+v", res.Replaced)
	}
	checkGone(ctx, t, target, old)
}

func (s *suite) loadNoAttach(t *testing.T) {
	ctx, target := s.target(t)
	res, err := target.Load(ctx, api.LoadRequest{
		Project: s.project(t, target), Object: CountObject(), Lifetime: api.LifetimeSession, NoAttach: true,
	})
	must(t, "Load", err)
	if len(res.Links) != 0 || len(res.Programs) != 1 {
		t.Errorf("links = %+v, programs = %+v, want no link and one program", res.Links, res.Programs)
	}
}

func (s *suite) loadSet(t *testing.T) {
	ctx, target := s.target(t)
	req := api.LoadRequest{
		Project: s.project(t, target), Object: CountObject(), Lifetime: api.LifetimeSession,
		Set: []api.Global{{Name: CountGlobal, Value: "7"}},
	}
	res, err := target.Load(ctx, req)
	must(t, "Load", err)
	seen := false
	for _, m := range res.Maps {
		if !m.Readable {
			continue
		}
		page, err := target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{ID: m.ID}, Limit: 1})
		must(t, "QueryMap", err)
		for _, e := range page.Entries {
			seen = seen || strings.Contains(e.Value.Text, CountGlobal+": 7")
		}
	}
	if !seen {
		t.Errorf("no map of %+v holds the variable's value", res.Maps)
	}
	_, err = target.Unload(ctx, api.UnloadRequest{Project: req.Project})
	must(t, "Unload", err)
	for value, kind := range map[api.Global]api.Kind{
		{Name: CountGlobal, Value: "many"}: api.ErrInvalid, {Name: "sample_evry", Value: "7"}: api.ErrUsage,
	} {
		req.Set = []api.Global{value}
		_, err := target.Load(ctx, req)
		wantKind(t, "Load with "+value.Name+"="+value.Value, err, kind)
		_, err = target.Verify(ctx, api.VerifyRequest{Object: req.Object, Set: req.Set})
		wantKind(t, "Verify with "+value.Name+"="+value.Value, err, kind)
	}
	checkEmpty(ctx, t, target, req.Project)
}

func (s *suite) loadRejected(t *testing.T) {
	ctx, target := s.target(t)
	project := s.project(t, target)
	for _, lifetime := range []api.Lifetime{api.LifetimeSession, api.LifetimePinned} {
		if lifetime == api.LifetimePinned && s.opts.NoPins {
			continue
		}
		_, err := target.Load(ctx, api.LoadRequest{Project: project, Object: RejectObject(), Lifetime: lifetime})
		wantKind(t, "Load", err, api.ErrRejected)
		var refused *api.VerifierError
		if !errors.As(err, &refused) {
			t.Fatalf("Load: error %T, want *api.VerifierError", err)
		}
		checkRefusal(t, refused)
		checkEmpty(ctx, t, target, project)
	}
}

func checkRefusal(t *testing.T, e *api.VerifierError) {
	t.Helper()
	if e.Program != RejectedProgram || !strings.Contains(e.Summary, "invalid mem access") {
		t.Errorf("program %q, summary %q", e.Program, e.Summary)
	}
	if !strings.Contains(e.Log, e.Summary) || e.Truncated {
		t.Errorf("the log does not hold the summary: %q", e.Log)
	}
	if e.File != RejectedFile || e.Line == 0 || !strings.Contains(e.Source, "*slot += 1") {
		t.Errorf("source is %s:%d %q", e.File, e.Line, e.Source)
	}
	if e.Why == "" || e.Fix == "" {
		t.Errorf("a failure that everybody meets has why %q and fix %q", e.Why, e.Fix)
	}
}

func checkEmpty(ctx context.Context, t *testing.T, target api.Target, project string) {
	t.Helper()
	programs, err := target.ListPrograms(ctx, api.ListRequest{Project: project})
	must(t, "ListPrograms", err)
	maps, err := target.ListMaps(ctx, api.ListRequest{Project: project})
	must(t, "ListMaps", err)
	links, err := target.ListLinks(ctx, api.ListRequest{Project: project})
	must(t, "ListLinks", err)
	if len(programs)+len(maps)+len(links) != 0 {
		t.Errorf("the project still has programs %+v, maps %+v, links %+v", programs, maps, links)
	}
}

func (s *suite) loadInvalid(t *testing.T) {
	ctx, target := s.target(t)
	project, good := s.project(t, target), CountObject()
	foreign := bytes.Clone(good.Data)
	foreign[18] = 62 // x86-64
	for name, data := range map[string][]byte{
		"empty": {}, "text": []byte("#!/bin/sh\n"), "cut": good.Data[:len(good.Data)/2],
		"header": good.Data[:64], "foreign": foreign,
	} {
		_, err := target.Load(ctx, api.LoadRequest{Project: project, Object: api.Object{Name: name, Data: data}})
		wantKind(t, "Load of "+name, err, api.ErrInvalid)
		_, err = target.Verify(ctx, api.VerifyRequest{Object: api.Object{Name: name, Data: data}})
		wantKind(t, "Verify of "+name, err, api.ErrInvalid)
	}
	for _, bad := range []string{"", "../up", "a/b", ".hidden", "a b", strings.Repeat("x", 65)} {
		_, err := target.Load(ctx, api.LoadRequest{Project: bad, Object: good})
		wantKind(t, "Load into project "+bad, err, api.ErrUsage)
	}
	_, err := target.Load(ctx, api.LoadRequest{
		Project: project, Object: good, Lifetime: api.LifetimeSession,
		Attach: []api.AttachOption{{Program: "no_such_program", Target: "lo"}},
	})
	wantKind(t, "Load with an option for nobody", err, api.ErrUsage)
	checkEmpty(ctx, t, target, project)
}

func (s *suite) loadMaps(t *testing.T) {
	ctx, target := s.target(t)
	req := api.LoadRequest{
		Project: s.project(t, target), Object: CountObject(), Lifetime: api.LifetimeSession,
		Maps: []api.MapOption{{Name: ScoresMap, MaxEntries: 77}},
	}
	res, err := target.Load(ctx, req)
	must(t, "Load", err)
	first := mapNamed(t, res.Maps, ScoresMap)
	if first.MaxEntries != 77 {
		t.Errorf("the map has %d entries, want 77", first.MaxEntries)
	}
	_, err = target.EditMap(ctx, api.EditRequest{Map: api.MapRef{ID: first.ID}, Edits: []api.Edit{{Op: api.EditSet, Key: "1", Value: "5"}}})
	must(t, "EditMap", err)

	req.Replace, req.ReuseMaps = true, true
	res, err = target.Load(ctx, req)
	must(t, "Load with ReuseMaps", err)
	again := mapNamed(t, res.Maps, ScoresMap)
	page, err := target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{ID: again.ID}})
	must(t, "QueryMap", err)
	if again.ID != first.ID || len(page.Entries) != 1 || page.Entries[0].Value.Text != "5" {
		t.Errorf("map %d became map %d, with %+v", first.ID, again.ID, page.Entries)
	}

	req.Maps[0].MaxEntries = 78
	_, err = target.Load(ctx, req)
	wantKind(t, "Load with ReuseMaps of another size", err, api.ErrConflict)
	if err == nil || !strings.Contains(err.Error(), "max entries: it has 77, the object 78") {
		t.Errorf("the error does not say what differs: %v", err)
	}
	checkLoaded(ctx, t, target, res)
	req.Replace = false
	_, err = target.Load(ctx, req)
	wantKind(t, "Load with ReuseMaps and without Replace", err, api.ErrUsage)
	req.ReuseMaps, req.Maps = false, []api.MapOption{{Name: "scroes", MaxEntries: 1}}
	_, err = target.Load(ctx, req)
	wantKind(t, "Load with an option for no map", err, api.ErrUsage)
}

func (s *suite) unloadNames(t *testing.T) {
	ctx, target, res := s.loaded(t)
	_, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project, Names: []string{"no_such_name"}})
	wantKind(t, "Unload of a name that is not there", err, api.ErrNotExist)
	checkLoaded(ctx, t, target, res)
	unloaded, err := target.Unload(ctx, api.UnloadRequest{Project: res.Project, Names: []string{CountProgram, ScoresMap}})
	must(t, "Unload", err)
	if len(unloaded.Removed) != 3 {
		t.Errorf("removed %q, want the program, its link and the map", unloaded.Removed)
	}
	gone := api.LoadResult{Programs: res.Programs, Links: res.Links}
	checkGone(ctx, t, target, gone)
	maps, err := target.ListMaps(ctx, api.ListRequest{Project: res.Project})
	must(t, "ListMaps", err)
	if len(maps) != len(res.Maps)-1 {
		t.Errorf("%d maps are left of %d, want all but one", len(maps), len(res.Maps))
	}
}

func (s *suite) unloadNothing(t *testing.T) {
	ctx, target := s.target(t)
	res, err := target.Unload(ctx, api.UnloadRequest{Project: s.project(t, target)})
	must(t, "Unload", err)
	if len(res.Removed)+len(res.Kept) != 0 {
		t.Errorf("Unload of nothing says %+v", res)
	}
}

func (s *suite) listFilters(t *testing.T) {
	ctx, target, res := s.loaded(t)
	id := res.Programs[0].ID
	for name, req := range map[string]api.ListRequest{
		"id": {IDs: []uint32{id}}, "name and project": {Name: CountProgram, Project: res.Project},
	} {
		list, err := target.ListPrograms(ctx, req)
		must(t, "ListPrograms by "+name, err)
		if len(list) != 1 || list[0].ID != id {
			t.Errorf("ListPrograms by %s = %+v, want program %d", name, list, id)
		}
	}
	all, err := target.ListMaps(ctx, api.ListRequest{})
	must(t, "ListMaps", err)
	for i := 1; i < len(all); i++ {
		if all[i-1].ID >= all[i].ID {
			t.Fatalf("maps are not sorted by id: %d before %d", all[i-1].ID, all[i].ID)
		}
	}
	none, err := target.ListMaps(ctx, api.ListRequest{IDs: []uint32{1<<32 - 2}})
	must(t, "ListMaps of an id that nothing has", err)
	if len(none) != 0 {
		t.Errorf("an id that nothing has gives %+v", none)
	}
}
