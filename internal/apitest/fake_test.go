package apitest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

func TestFakeEditCompares(t *testing.T) {
	f := apitest.NewFake()
	ctx := t.Context()
	page, err := f.QueryMap(ctx, api.QueryRequest{Map: api.MapRef{Name: "counts"}, Where: "1003"})
	if err != nil || page.Matched != 1 {
		t.Fatalf("page %+v, %v", page, err)
	}
	e := page.Entries[0]
	f.SetEntry("counts", "1003", "999")
	edit := api.Edit{Op: api.EditSet, Key: e.Key.Text, Value: "5", Expect: &e.Value.Raw}
	req := api.EditRequest{Map: api.MapRef{ID: page.Map.ID}, Edits: []api.Edit{edit}}
	if _, err := f.EditMap(ctx, req); !errors.Is(err, api.ErrConflict) {
		t.Errorf("an edit of a changed entry gave %v", err)
	}
	req.Edits[0].Expect = nil
	res, err := f.EditMap(ctx, req)
	if err != nil || res.Changes[0].Before.Text != "999" || res.Changes[0].After.Text != "5" {
		t.Errorf("edit gave %+v, %v", res, err)
	}
}

func TestFakeStreamsEndWithTheirContextAndWithErrors(t *testing.T) {
	f := apitest.NewFake()
	ctx, cancel := context.WithCancel(t.Context())
	var got []api.EventKind
	err := f.StreamEvents(ctx, api.EventsRequest{}, func(e api.Event) error {
		got = append(got, e.Kind)
		switch e.Kind {
		case api.EventReady:
			f.Emit(api.Event{Kind: api.EventRecord, Map: "events"})
		case api.EventRecord:
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(got) != 2 {
		t.Errorf("stream gave %v, %v", got, err)
	}
	pages := 0
	err = f.WatchMap(t.Context(), api.WatchRequest{Query: api.QueryRequest{Map: api.MapRef{Name: "tasks"}}}, func(api.Page) error {
		pages++
		f.Fail("", api.Errorf("watch", "tasks", api.ErrUnreachable, "gone"))
		return nil
	})
	if !errors.Is(err, api.ErrUnreachable) || pages != 1 {
		t.Errorf("watch gave %d pages, %v", pages, err)
	}
}

func TestFakeTextOfStructs(t *testing.T) {
	d, err := apitest.Datum("struct x", 8, `{"a": 1, "b": {"c": ["x", 2], "d": true}, "e": null}`)
	if want := `{a: 1, b: {c: ["x", 2], d: true}, e: null}`; err != nil || d.Text != want {
		t.Errorf("text %q, %v; want %q", d.Text, err, want)
	}
}

func TestFakeLoadIsExclusive(t *testing.T) {
	f := apitest.NewEmptyFake()
	req := api.LoadRequest{Project: "p", Object: apitest.SampleObject()}
	if _, err := f.Load(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(t.Context(), req); !errors.Is(err, api.ErrConflict) {
		t.Errorf("second load gave %v", err)
	}
	req.Replace = true
	if _, err := f.Load(t.Context(), req); err != nil {
		t.Error(err)
	}
	if _, err := f.Unload(t.Context(), api.UnloadRequest{Project: "p"}); err != nil {
		t.Error(err)
	}
	if left, _ := f.ListPrograms(t.Context(), api.ListRequest{Project: "p"}); len(left) != 0 {
		t.Errorf("unload left %v", left)
	}
}
