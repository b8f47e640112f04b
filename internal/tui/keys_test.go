package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// together are the places that are active at the same time.
func together() [][]place {
	return [][]place{
		{placeMain, placeMove, placeEntries},
		{placeFilter},
		{placeForm},
		{placeAttach},
		{placeReview},
		{placeConfirm},
		{placeHelp},
		{placeFailure, placeMove},
		{placeWelcome, placeMove},
		{placeDoctor, placeMove},
	}
}

func TestEveryKeyHasHelpAndOneMeaning(t *testing.T) {
	covered := map[place]bool{}
	for _, places := range together() {
		seen := map[string]string{}
		for _, p := range places {
			covered[p] = true
			for _, b := range keyTable() {
				if b.where != p {
					continue
				}
				if b.Help().Key == "" || b.Help().Desc == "" {
					t.Errorf("%s in %s has no help", b.do, p)
				}
				for _, k := range b.Keys() {
					if other, ok := seen[k]; ok {
						t.Errorf("%s is both %s and %s in %v", k, other, b.do, places)
					}
					seen[k] = string(b.do)
				}
			}
		}
	}
	for _, b := range keyTable() {
		if !covered[b.where] {
			t.Errorf("no test covers the keys of %s", b.where)
		}
	}
}

func TestHelpShowsEveryKey(t *testing.T) {
	d := drive(t, apitest.NewFake(), 100, 120)
	d.see("1003")
	d.press("?")
	for _, b := range keyTable() {
		if !strings.Contains(d.screen(), b.Help().Desc) {
			t.Errorf("help lacks %q", b.Help().Desc)
		}
	}
	d.typeIn("unload")
	d.see("unload what the project has loaded")
	if strings.Contains(d.screen(), "zoom the pane") {
		t.Error("searching the help leaves other keys")
	}
	d.press("esc")
	d.gone("search")
}

// TestUpdateAndViewDoNoIO presses every key in every place, with services whose
// calls are counted, and lets no command run.
func TestUpdateAndViewDoNoIO(t *testing.T) {
	for _, focus := range []string{"1", "2", "3", "4", "5", "6", "@"} {
		fake := apitest.NewFake()
		ws, sc := apitest.NewFakeWorkspace(fake), apitest.NewFakeScaffolder()
		a := newApp(t.Context(), Options{Workspace: ws, Scaffolder: sc, Doctor: apitest.NewFakeDoctor(), Folder: "/src/probe"})
		update := func(msg tea.Msg) {
			a.Update(msg) // and its command is dropped
			_ = a.View()
		}
		programs, _ := fake.ListPrograms(t.Context(), api.ListRequest{})
		maps, _ := fake.ListMaps(t.Context(), api.ListRequest{})
		page, _ := fake.QueryMap(t.Context(), api.QueryRequest{Map: api.MapRef{Name: "counts"}})
		calls := func() int { return fake.Calls("") + ws.Calls("") + sc.Calls() }
		before := calls()
		a.Init()
		update(tea.WindowSizeMsg{Width: 120, Height: 40})
		update(statusMsg{status: api.Status{State: "running", Project: "probe"}})
		update(openMsg{gen: a.conn.gen, session: fake})
		update(listsMsg{gen: a.conn.gen, programs: programs, maps: maps})
		update(wantMsg{a.entries.asked})
		update(watchMsg{a.entries.watch, batch[api.Page]{items: []api.Page{page}}})
		if !strings.Contains(draw.Plain(a.View().Content), "1003") {
			t.Fatal("the entries are not shown")
		}
		update(pressed(focus))
		for _, b := range keyTable() {
			for _, k := range b.Keys() {
				update(pressed(k))
			}
		}
		update(editMsg{err: api.ErrConflict})
		update(notesMsg{a.task.id, batch[note]{items: []note{{end: &finishedMsg{err: api.ErrUnreachable}}}}})
		if n := calls() - before; n != 0 {
			t.Errorf("with the focus on %s, Update or View made %d calls", focus, n)
		}
	}
}

// pressed makes a key from any name of the key table.
func pressed(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft,
		"right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"delete": tea.KeyDelete, "f1": tea.KeyF1,
	}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	if name == "shift+tab" {
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}
