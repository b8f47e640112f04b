package tui

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// driver runs an app as Bubble Tea would, without a terminal: commands in
// goroutines, their messages through Update one at a time.
type driver struct {
	t    *testing.T
	app  *app
	fake *apitest.Fake
	ws   *apitest.FakeWorkspace
	sc   *apitest.FakeScaffolder
	msgs chan tea.Msg
	ctx  context.Context
	quit bool
}

// drive starts an app over a session at a size.
func drive(t *testing.T, fake *apitest.Fake, w, h int, change ...func(*driver, *Options)) *driver {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	d := &driver{t: t, fake: fake, ws: apitest.NewFakeWorkspace(fake), sc: apitest.NewFakeScaffolder(), msgs: make(chan tea.Msg, 4096), ctx: ctx}
	opt := Options{
		Workspace: d.ws, Scaffolder: d.sc, Doctor: apitest.NewFakeDoctor(),
		Folder: "/src/probe", Version: "1.2.3", Env: []string{"LANG=C.UTF-8"},
	}
	for _, f := range change {
		f(d, &opt)
	}
	d.app = newApp(ctx, opt)
	d.app.now = func() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }
	d.exec(d.app.Init())
	d.send(tea.WindowSizeMsg{Width: w, Height: h})
	return d
}

// exec runs a command and all that a batch of them holds.
func (d *driver) exec(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		if msg == nil {
			return
		}
		select {
		case d.msgs <- msg:
		case <-d.ctx.Done():
		}
	}()
}

func (d *driver) send(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			d.exec(c)
		}
		return
	case tea.QuitMsg:
		d.quit = true
		return
	}
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[tea.Cmd]() {
		for i := range v.Len() { // a sequence: order does not matter here
			d.exec(v.Index(i).Interface().(tea.Cmd))
		}
		return
	}
	_, cmd := d.app.Update(msg)
	d.exec(cmd)
}

// until handles messages until the condition holds.
func (d *driver) until(what string, holds func() bool) {
	d.t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(5 * time.Millisecond) // some conditions come true without a message
	defer again.Stop()
	for !holds() {
		select {
		case msg := <-d.msgs:
			d.send(msg)
		case <-again.C:
		case <-limit.C:
			d.t.Fatalf("never came: %s\n%s", what, d.screen())
		}
	}
}

// see waits for a text on the screen.
func (d *driver) see(text string) {
	d.t.Helper()
	d.until("text "+text, func() bool { return strings.Contains(d.screen(), text) })
}

// gone waits for a text to leave the screen.
func (d *driver) gone(text string) {
	d.t.Helper()
	d.until("no text "+text, func() bool { return !strings.Contains(d.screen(), text) })
}

// press sends keys: "enter", "ctrl+c", or single characters.
func (d *driver) press(keys ...string) {
	d.t.Helper()
	for _, k := range keys {
		d.send(keyOf(d.t, k))
	}
}

// typeIn sends a text key by key.
func (d *driver) typeIn(text string) {
	for _, r := range text {
		d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func keyOf(t *testing.T, name string) tea.KeyPressMsg {
	t.Helper()
	named := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab},
		"shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
		"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
		"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "backspace": {Code: tea.KeyBackspace},
		"delete": {Code: tea.KeyDelete}, "space": {Code: tea.KeySpace, Text: " "}, "f1": {Code: tea.KeyF1},
	}
	if k, ok := named[name]; ok {
		return k
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	r := []rune(name)
	if len(r) != 1 {
		t.Fatalf("no key %q", name)
	}
	return tea.KeyPressMsg{Code: r[0], Text: name}
}

// screen is what a person sees, without colours.
func (d *driver) screen() string { return draw.Plain(d.app.View().Content) }
