package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// scores fills ScoresMap with n entries: key i has the value 100*i.
func scores(ctx context.Context, t *testing.T, target api.Target, res api.LoadResult, n int) api.MapRef {
	t.Helper()
	ref := api.MapRef{ID: mapNamed(t, res.Maps, ScoresMap).ID}
	edits := make([]api.Edit, 0, n)
	for i := range n {
		edits = append(edits, api.Edit{Op: api.EditSet, Key: fmt.Sprint(i), Value: fmt.Sprint(100 * i)})
	}
	done, err := target.EditMap(ctx, api.EditRequest{Map: ref, Edits: edits})
	must(t, "EditMap", err)
	if done.Applied != n || len(done.Changes) != n {
		t.Fatalf("EditMap applied %d edits and lists %d changes, want %d", done.Applied, len(done.Changes), n)
	}
	return ref
}

func query(ctx context.Context, t *testing.T, target api.Target, req api.QueryRequest) api.Page {
	t.Helper()
	page, err := target.QueryMap(ctx, req)
	must(t, "QueryMap", err)
	return page
}

func keys(entries []api.Entry) []string {
	texts := []string{}
	for _, e := range entries {
		texts = append(texts, e.Key.Text)
	}
	return texts
}

func (s *suite) editAndQuery(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 20)

	page := query(ctx, t, target, api.QueryRequest{Map: ref, Order: "-key", Offset: 2, Limit: 3})
	if got, want := fmt.Sprint(keys(page.Entries)), "[17 16 15]"; got != want {
		t.Errorf("the second page backwards has the keys %s, want %s", got, want)
	}
	if page.Matched != 20 || page.Scanned != 20 || page.Map.Name != ScoresMap {
		t.Errorf("page = %d matched, %d scanned of %q", page.Matched, page.Scanned, page.Map.Name)
	}
	byName := api.MapRef{Name: ScoresMap, Project: res.Project}
	page = query(ctx, t, target, api.QueryRequest{Map: byName, Where: "1900"})
	if len(page.Entries) != 1 || page.Entries[0].Value.Text != "1900" || len(page.Entries[0].Value.Raw) != 8 {
		t.Errorf("entries where 1900 = %+v", page.Entries)
	}

	done, err := target.EditMap(ctx, api.EditRequest{Map: ref, Edits: []api.Edit{
		{Op: api.EditDelete, Key: "3"}, {Op: api.EditSet, Key: "4", Value: "0x10"},
	}})
	must(t, "EditMap", err)
	if c := done.Changes[0]; c.Before == nil || c.Before.Text != "300" || c.After != nil {
		t.Errorf("the change of a delete is %+v", c)
	}
	if c := done.Changes[1]; c.Before == nil || c.After == nil || c.After.Text != "16" {
		t.Errorf("the change of a set is %+v", c)
	}
	if page := query(ctx, t, target, api.QueryRequest{Map: ref}); page.Matched != 19 {
		t.Errorf("%d entries after a delete, want 19", page.Matched)
	}
}

func (s *suite) editExpect(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 3)
	seen := query(ctx, t, target, api.QueryRequest{Map: ref, Where: "200", Limit: 1}).Entries[0].Value.Raw
	edit := func(dry bool, edits ...api.Edit) (api.EditResult, error) {
		return target.EditMap(ctx, api.EditRequest{Map: ref, Edits: edits, DryRun: dry})
	}
	_, err := edit(false, api.Edit{Op: api.EditSet, Key: "2", Value: "201", Expect: &seen})
	must(t, "EditMap of what was seen", err)
	_, err = edit(false, api.Edit{Op: api.EditSet, Key: "2", Value: "202", Expect: &seen})
	wantKind(t, "EditMap of what has changed", err, api.ErrConflict)
	_, err = edit(false, api.Edit{Op: api.EditDelete, Key: "2", Expect: &seen})
	wantKind(t, "delete of what has changed", err, api.ErrConflict)
	_, err = edit(false, api.Edit{Op: api.EditDelete, Key: "77"})
	wantKind(t, "delete of nothing", err, api.ErrNotExist)

	done, err := edit(false,
		api.Edit{Op: api.EditSet, Key: "0", Value: "1"},
		api.Edit{Op: api.EditSet, Key: "1", Value: "no number"},
		api.Edit{Op: api.EditDelete, Key: "2"})
	wantKind(t, "an edit that cannot be encoded", err, api.ErrInvalid)
	_, err = edit(true, api.Edit{Op: api.EditDelete, Key: "2"})
	must(t, "a dry run", err)
	if page := query(ctx, t, target, api.QueryRequest{Map: ref, Where: "201"}); page.Matched != 1 {
		t.Errorf("entry 2 is gone after an edit that failed before it and a dry run (%+v)", done)
	}
}

func (s *suite) editStruct(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := api.MapRef{Name: SettingsMap, Project: res.Project}
	_, err := target.EditMap(ctx, api.EditRequest{Map: ref, Edits: []api.Edit{
		{Op: api.EditSet, Key: "5", Value: `{"sample": 7, "burst": 9, "balance": -2}`},
	}})
	must(t, "EditMap", err)
	page := query(ctx, t, target, api.QueryRequest{Map: ref})
	if len(page.Entries) != 1 {
		t.Fatalf("entries = %+v", page.Entries)
	}
	var got struct {
		Sample, Burst uint32
		Balance       int64
	}
	if err := json.Unmarshal(page.Entries[0].Value.JSON, &got); err != nil {
		t.Fatalf("the value's JSON %q: %v", page.Entries[0].Value.JSON, err)
	}
	if got.Sample != 7 || got.Burst != 9 || got.Balance != -2 {
		t.Errorf("struct limits = %+v", got)
	}
	if m := page.Map; m.KeyType != "__u32" || m.ValueType != "struct limits" {
		t.Errorf("types are %q and %q, want __u32 and struct limits", m.KeyType, m.ValueType)
	}
}

func (s *suite) queryErrors(t *testing.T) {
	ctx, target, res := s.loaded(t)
	_, err := target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{Name: "no_such_map", Project: res.Project}})
	wantKind(t, "QueryMap of a name that nothing has", err, api.ErrNotExist)
	_, err = target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{ID: 1<<32 - 2}})
	wantKind(t, "QueryMap of an id that nothing has", err, api.ErrNotExist)
	_, err = target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{Name: ScoresMap, Project: res.Project}, Descend: true})
	wantKind(t, "a descent into a map that holds no maps", err, api.ErrUsage)
	page, err := target.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{Name: EventsMap, Project: res.Project}})
	if err != nil || page.Method != "records" {
		t.Errorf("QueryMap of a ring buffer: by %q, %v; want what waits in it", page.Method, err)
	}
}

func (s *suite) export(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 300)
	seen := map[string]bool{}
	done, err := target.ExportMap(ctx, api.ExportRequest{Map: ref}, func(c api.Chunk) error {
		for _, key := range keys(c.Entries) {
			seen[key] = true
		}
		return nil
	})
	must(t, "ExportMap", err)
	if len(seen) != 300 || done.Matched != 300 || done.Scanned != 300 || done.More {
		t.Errorf("ExportMap gave %d keys of %+v, want 300", len(seen), done)
	}
	enough := errors.New("enough")
	_, err = target.ExportMap(ctx, api.ExportRequest{Map: ref}, func(api.Chunk) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("ExportMap: error %v, want the callback's", err)
	}
}

// exportSelects: expressions, orders and columns are the target's work.
func (s *suite) exportSelects(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 50)
	var text strings.Builder
	req := api.ExportRequest{
		Map: ref, Where: "value >= 1KB && key != 49", Order: "-value", Limit: 2, Columns: []string{"key", "value"}, Format: api.ExportNDJSON,
	}
	done, err := target.ExportMap(ctx, req, func(c api.Chunk) error {
		text.Write(c.Text)
		return nil
	})
	must(t, "ExportMap", err)
	want := "{\"key\":48,\"value\":4800}\n{\"key\":47,\"value\":4700}\n"
	if text.String() != want || done.Matched != 39 || !done.More {
		t.Errorf("ExportMap wrote %q of %+v, want %q of 39", text.String(), done, want)
	}
	req.Format, req.Columns, req.Limit = api.ExportJSON, nil, 0
	text.Reset()
	_, err = target.ExportMap(ctx, req, func(c api.Chunk) error {
		text.Write(c.Text)
		return nil
	})
	must(t, "ExportMap", err)
	var entries []api.Entry
	if err := json.Unmarshal([]byte("["+text.String()+"]"), &entries); err != nil || len(entries) != 39 || entries[38].Key.Text != "10" {
		t.Errorf("ExportMap as JSON: %d entries, %v", len(entries), err)
	}
	_, err = target.ExportMap(ctx, api.ExportRequest{Map: ref, Where: "vale > 5"}, func(api.Chunk) error { return nil })
	wantKind(t, "an expression with a wrong name", err, api.ErrUsage)
	if err != nil && !strings.Contains(err.Error(), "column 1") {
		t.Errorf("the error does not say where: %v", err)
	}
	page := query(ctx, t, target, api.QueryRequest{Map: ref, Where: "key in (3, 5)", Order: "-key", Columns: []string{"value"}})
	if len(page.Entries) != 2 || len(page.Entries[0].Cells) != 1 || page.Entries[0].Cells[0].Text != "500" {
		t.Errorf("entries with a column = %+v", page.Entries)
	}
}

func (s *suite) watch(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := 0
	req := api.WatchRequest{Query: api.QueryRequest{Map: ref}, Interval: 100 * time.Millisecond}
	err := target.WatchMap(ctx, req, func(p api.Page) error {
		if pages++; pages == 1 {
			_, err := target.EditMap(ctx, api.EditRequest{Map: ref, Edits: []api.Edit{{Op: api.EditSet, Key: "0", Value: "7"}}})
			return err
		}
		if len(p.Entries) == 1 && p.Entries[0].Value.Text == "7" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("WatchMap: error %v, want the context's", err)
	}
	if pages < 2 {
		t.Errorf("WatchMap sent %d pages, want at least 2", pages)
	}
}

// counts waits until the attached program has counted: this test makes system
// calls, and so does everybody else.
func (s *suite) counts(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := api.MapRef{ID: mapNamed(t, res.Maps, CountsMap).ID}
	eventually(ctx, t, "entries that the program makes", func() bool {
		return query(ctx, t, target, api.QueryRequest{Map: ref}).Matched > 0
	})
}

func (s *suite) lookup(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 10)
	entries, err := target.LookupMap(ctx, api.LookupRequest{Map: ref, Keys: []string{"7", "0x3"}})
	must(t, "LookupMap", err)
	if got := fmt.Sprint(keys(entries)); got != "[7 3]" || entries[0].Value.Text != "700" {
		t.Errorf("LookupMap of 7 and 3 gave %+v", entries)
	}
	_, err = target.LookupMap(ctx, api.LookupRequest{Map: ref, Keys: []string{"77"}})
	wantKind(t, "LookupMap of a key that is not there", err, api.ErrNotExist)
	_, err = target.LookupMap(ctx, api.LookupRequest{Map: ref})
	wantKind(t, "LookupMap of no key", err, api.ErrUsage)
	_, err = target.EditMap(ctx, api.EditRequest{Map: ref, Edits: []api.Edit{{Op: api.EditPush, Value: "1"}}})
	wantKind(t, "a push to a hash", err, api.ErrNotSupported)
	_, err = target.EditMap(ctx, api.EditRequest{Map: ref, Edits: []api.Edit{{Op: api.EditPop}}})
	wantKind(t, "a pop of a hash", err, api.ErrNotSupported)
}

func (s *suite) stats(t *testing.T) {
	ctx, target, res := s.loaded(t)
	ref := scores(ctx, t, target, res, 11)
	stats, err := target.StatMap(ctx, api.StatsRequest{Map: ref, Where: "key >= 1"})
	must(t, "StatMap", err)
	if stats.Entries != 10 || stats.Scanned != 11 || stats.Map.Name != ScoresMap || len(stats.Fields) != 1 {
		t.Fatalf("StatMap = %+v", stats)
	}
	if f := stats.Fields[0]; f.Name != "value" || f.Min != 100 || f.Max != 1000 || f.Sum != 5500 || f.Mean != 550 {
		t.Errorf("figures = %+v", f)
	}
}
