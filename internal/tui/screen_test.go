package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

// scene brings an app to a screen.
type scene struct {
	name string
	fake func() *apitest.Fake
	opt  func(*driver, *Options)
	play func(*driver)
}

func noProject(d *driver, o *Options) {
	o.Folder = "/src"
	d.ws.SetErr("Status", api.Errorf("status", "/src", api.ErrNotExist, "no devcontainer.json"))
}

func hostile() *apitest.Fake {
	f := apitest.NewFake()
	nasty := "日本語\x1b[2J\u202egnp.exe😀👍🏽❤️\t\xff" + strings.Repeat("宽", 50)
	d := api.Datum{Raw: []byte(nasty), Text: nasty, JSON: []byte(`{"` + "名\u202e" + `":"\u001b[31m👩‍👩‍👧","b":[1,{"c":null}]}`)}
	f.AddMap(api.Map{ID: 1, Type: nasty, Name: nasty, KeyType: nasty, ValueType: nasty, Readable: true, Project: "probe", Pinned: []string{nasty}}, api.Entry{Key: d, Value: d}, api.Entry{Key: api.Datum{Raw: []byte{1}, Text: "\x00"}, Value: d})
	f.AddProgram(api.Program{ID: 1, Type: nasty, Name: nasty, Project: "probe", Owners: []api.Owner{{Comm: nasty}}})
	f.AddLink(api.Link{ID: 1, ProgramID: 1, Program: nasty, Target: nasty, Project: "probe"})
	f.SetVerify(api.VerifyResult{Object: nasty, Kernel: nasty, Programs: []api.ProgramReport{{
		Program: nasty, Verdict: api.VerdictRejected, Reason: nasty, Log: strings.Repeat(nasty+"\n", 40), File: nasty, Source: nasty, Why: nasty, Fix: nasty,
	}}})
	f.SetBuild([]api.BuildEvent{{Step: nasty}, {Line: nasty + "\r\n" + nasty}}, api.BuildResult{Objects: []api.Object{apitest.SampleObject()}})
	f.SetInfo(api.SessionInfo{Target: "container", Container: nasty, Project: "probe", Dir: nasty})
	return f
}

func scenes() []scene {
	steady := func(d *driver) { d.see("1003") }
	keys := func(text string, keys ...string) func(*driver) {
		return func(d *driver) { steady(d); d.press(keys...); d.see(text) }
	}
	return []scene{
		{name: "main", play: steady},
		{name: "struct", play: keys("日本語", "down", "3", "j", "j")},
		{name: "ringbuf", play: keys("cannot be read", "j", "j")},
		{name: "percpu", play: keys("sum of 2 CPUs", "j", "j", "j", "enter")},
		{name: "program", play: keys("attached", "1")},
		{name: "kernel", play: keys("sd_devices", "p", "1")},
		{name: "zoom", play: keys("1019", "3", "+")},
		{name: "filter", play: keys("match", "3", "/", "9")},
		{name: "help", play: keys("search", "?")},
		{name: "review", play: func(d *driver) {
			keys("edit counts", "3", "e")(d)
			d.press("5", "enter")
			d.see("before 1")
		}},
		{name: "form", play: keys("add to counts", "3", "a")},
		{name: "unload", play: keys("This leaves the kernel", "u")},
		{name: "down", play: keys("This is removed", "D")},
		{name: "attach", play: keys("XDP and TC", "A")},
		{name: "build", play: keys("build done", "b")},
		{name: "toolfailed", play: func(d *driver) {
			d.fake.Fail("Build", &api.ToolError{Tool: "clang", ExitCode: 1, Stderr: "bpf/probe.bpf.c:3:1: error: expected ';'"})
			keys("exit status 1", "b")(d)
		}},
		{name: "report", play: func(d *driver) { d.fake.SetVerify(rejection()); keys("handle_exec rejected", "v")(d) }},
		{name: "commands", play: func(d *driver) { keys("build done", "b")(d); d.press("@"); d.see("ebpfdev build") }},
		{name: "events", play: func(d *driver) {
			keys("No events yet", "6")(d)
			d.fake.Emit(api.Event{Kind: api.EventRecord, Map: "events", Time: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Data: api.Datum{Text: `{pid: 7, comm: "sh"}`}})
			d.see("pid: 7")
		}},
		{name: "empty", fake: apitest.NewEmptyFake, play: func(d *driver) { d.see("no map loaded"); d.see("6.18.0") }},
		{name: "error", play: func(d *driver) {
			steady(d)
			d.fake.Fail("WatchMap", api.Errorf("read map", "counts", api.ErrPermission, "operation not permitted").WithHint("ebpfdev doctor"))
			d.see("operation not permitted")
		}},
		{name: "disconnected", play: func(d *driver) {
			steady(d)
			gone := api.Errorf("watch", "counts", api.ErrUnreachable, "the agent went away")
			d.ws.SetErr("Open", gone)
			d.fake.Fail("", gone)
			d.see("lost")
		}},
		{name: "nocontainer", opt: func(d *driver, _ *Options) {
			d.ws.SetStatus(api.Status{Project: "probe", State: "none", Config: "/src/probe/.devcontainer/devcontainer.json"})
		}, play: func(d *driver) { d.see("No container yet") }},
		{name: "noengine", opt: func(d *driver, _ *Options) {
			err := api.Errorf("connect", "engine", api.ErrEnvironment, "no Docker engine answers").WithHint("ebpfdev doctor --fix")
			d.ws.SetErr("Status", err)
			d.ws.SetErr("Open", err)
		}, play: func(d *driver) { d.see("no Docker engine answers") }},
		{name: "welcome", opt: noProject, play: func(d *driver) { d.see("No eBPF project here") }},
		{name: "doctor", opt: noProject, play: func(d *driver) { d.see("No eBPF project"); d.press("d"); d.see("3 checks") }},
		{name: "wizard", opt: noProject, play: func(d *driver) {
			d.see("No eBPF project")
			d.press("n")
			d.see("called?")
			d.until("a preview", func() bool { return d.app.wizard.Ready() })
			d.press("enter", "enter", "enter")
			d.see("privileged")
		}},
		{name: "hostile", fake: hostile, play: func(d *driver) {
			d.see("gnp.exe")
			d.press("3")
			d.until("the entries", func() bool { return d.app.entries.known })
		}},
		{name: "hostilereport", fake: hostile, play: func(d *driver) {
			d.see("gnp.exe")
			d.press("v")
			d.until("the report", func() bool { return d.app.dialog != nil })
		}},
	}
}

func (s scene) start(t *testing.T, w, h int) *driver {
	t.Helper()
	fake := apitest.NewFake()
	if s.fake != nil {
		fake = s.fake()
	}
	d := drive(t, fake, w, h, func(d *driver, o *Options) {
		if s.opt != nil {
			s.opt(d, o)
		}
	})
	s.play(d)
	d.app.conn.latency = 600 * time.Microsecond
	return d
}

func TestScreens(t *testing.T) {
	for _, s := range scenes() {
		for _, size := range [][2]int{{80, 24}, {160, 50}} {
			t.Run(fmt.Sprintf("%s-%dx%d", s.name, size[0], size[1]), func(t *testing.T) {
				d := s.start(t, 120, 40) // every text can be seen there
				d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				d.settle()
				d.app.conn.latency = 600 * time.Microsecond
				golden.RequireEqual(t, d.screen()+"\n")
			})
		}
	}
	t.Run("small-50x12", func(t *testing.T) {
		d := scenes()[0].start(t, 120, 40)
		d.send(tea.WindowSizeMsg{Width: 50, Height: 12})
		d.settle()
		d.app.conn.latency = 600 * time.Microsecond
		golden.RequireEqual(t, d.screen()+"\n")
	})
	t.Run("toosmall-30x8", func(t *testing.T) {
		d := scenes()[0].start(t, 120, 40)
		d.send(tea.WindowSizeMsg{Width: 30, Height: 8})
		golden.RequireEqual(t, d.screen()+"\n")
	})
}

// settle waits until what is watched is what can be seen.
func (d *driver) settle() {
	d.t.Helper()
	d.until("a settled screen", func() bool {
		e := &d.app.entries
		if d.app.conn.state == connected && d.app.conn.kernel.Release == "" {
			return false
		}
		if d.app.service() == nil || !e.m.Readable || e.err != nil {
			return true
		}
		return e.known && e.running == e.wanted && e.shown == e.watch && len(e.changed) == 0
	})
}

func TestEveryLineHasTheTerminalsWidth(t *testing.T) {
	sizes := [][2]int{{200, 60}, {1, 1}, {39, 9}}
	for i := range 24 { // every width and height class, wide and flat, narrow and tall
		sizes = append(sizes, [2]int{40 + i*7, 10 + (i*23)%51})
	}
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			d := s.start(t, 120, 40)
			for _, size := range sizes {
				d.app.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				checkLines(t, d.app.View().Content, size[0], size[1])
				for _, key := range []string{"+", "+"} {
					d.app.Update(pressed(key))
					checkLines(t, d.app.View().Content, size[0], size[1])
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

func checkLines(t *testing.T, content string, w, h int) {
	t.Helper()
	lines := strings.Split(content, "\n")
	if len(lines) != h {
		t.Errorf("%dx%d: %d lines", w, h, len(lines))
	}
	for i, l := range lines {
		if a, b := ansi.StringWidth(l), ansi.StringWidthWc(l); a != w || b != w {
			t.Errorf("%dx%d: line %d takes %d or %d cells: %q", w, h, i, a, b, ansi.Strip(l))
		}
		for _, r := range ansi.Strip(l) {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e {
				t.Errorf("%dx%d: line %d holds %U", w, h, i, r)
			}
		}
	}
}

func TestThemes(t *testing.T) {
	plain := func(vars ...string) *driver {
		d := drive(t, apitest.NewFake(), 80, 24, func(_ *driver, o *Options) { o.Env = vars })
		d.see("1003")
		return d
	}
	d := plain("LANG=C", "NO_COLOR=yes")
	for _, r := range d.screen() {
		if r > '~' {
			t.Fatalf("%q in a terminal without UTF-8:\n%s", r, d.screen())
		}
	}
	d.press("?")
	for _, r := range d.screen() {
		if r > '~' {
			t.Fatalf("%q in the help of a terminal without UTF-8:\n%s", r, d.screen())
		}
	}
	d.press("esc")
	d.app.Update(tea.BackgroundColorMsg{})
	if c := d.app.View().Content; strings.Contains(c, "38;5") || strings.Contains(c, "48;5") {
		t.Error("NO_COLOR=yes has colours")
	}
	light, dark := plain("LANG=C.UTF-8"), plain("LANG=C.UTF-8")
	light.app.background(false)
	dark.app.background(true)
	if light.app.View().Content == dark.app.View().Content {
		t.Error("dark and light look the same")
	}
}

func BenchmarkView(b *testing.B) {
	a := newApp(b.Context(), Options{Folder: "/src"})
	a.screen = screenMain
	fake := apitest.NewFake()
	maps, _ := fake.ListMaps(b.Context(), api.ListRequest{})
	a.maps.set(maps, "probe")
	a.Update(tea.WindowSizeMsg{Width: 160, Height: 50})
	page, _ := fake.QueryMap(b.Context(), api.QueryRequest{Map: api.MapRef{Name: "counts"}})
	a.entries.show(maps[0])
	a.entries.take(page)
	for b.Loop() {
		_ = a.View()
	}
}
