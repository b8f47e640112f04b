package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// Below fullW by fullH one pane is shown at a time; below leastW by leastH
// nothing but a word.
const (
	fullW, fullH   = 60, 15
	leastW, leastH = 40, 10
	gridRows       = 4 // a frame, a heading and one row
)

// rect is a pane's size, its frame included.
type rect struct{ w, h int }

// rects are the sizes of the panes on the screen as it is now.
type rects struct {
	programs, maps, entries, inspector, bottom rect
}

// arrange gives each pane its size. The views only read it.
func (a *app) arrange() {
	w, h := a.w, a.h-2
	all := rect{w, h}
	if a.single() {
		a.rects = rects{all, all, all, all, all}
	} else {
		rows := max(len(a.programs.items), len(a.maps.items), 3)
		top := max(gridRows, min(rows+3, h*3/10))
		bottom := max(gridRows, h*2/8)
		if a.tall() {
			bottom = max(bottom, h/2)
		}
		middle := h - top - bottom
		left := w / 2
		entries := w * 3 / 5
		a.rects = rects{
			programs: rect{left, top}, maps: rect{w - left, top},
			entries: rect{entries, middle}, inspector: rect{w - entries, middle},
			bottom: rect{w, bottom},
		}
	}
	a.programs.fit(a.rects.programs.h - 2)
	a.maps.fit(a.rects.maps.h - 2)
	a.entries.fit(a.rects.entries.h - 2)
	a.commands.at.clamp(len(a.commands.items), a.rects.bottom.h-2)
	a.inspector.look(a.inspected())
}

// tall reports whether the bottom pane gets half of the screen: when somebody
// reads in it, and while a task has more to show than the maps.
func (a *app) tall() bool {
	return a.focus >= paneTask || len(a.maps.items) == 0 && a.task.state != taskNone
}

// single reports whether only the focused pane is shown.
func (a *app) single() bool { return a.zoom || a.w < fullW || a.h < fullH }

func (a *app) render() string {
	w, h := a.w, a.h
	if w <= 0 || h <= 0 {
		return ""
	}
	if w < leastW || h < leastH {
		return strings.Join(a.theme.State(draw.State{Title: "The terminal is too small.", Text: "ebpfdev needs 40 by 10."}, w, h), "\n")
	}
	var body []string
	switch a.screen {
	case screenStart:
		body = a.theme.Box(draw.Frame{}, a.theme.State(draw.State{Mood: draw.Loading, Title: "Looking at " + a.conn.folder}, w-2, h-4), w, h-2)
	case screenWelcome:
		body = a.viewWelcome(w, h-2)
	case screenDoctor:
		body = a.viewDoctor(w, h-2)
	case screenWizard:
		body = a.wizard.View(a.theme, w, h-2)
	default:
		body = a.viewMain()
	}
	if a.dialog != nil {
		body = a.theme.Over(body, a.dialog.view(a, w, h-2), w)
	}
	lines := append([]string{a.header()}, a.theme.Block(body, w, h-2)...)
	return strings.Join(append(lines, a.footer()), "\n")
}

func (a *app) viewMain() []string {
	if a.single() {
		return a.viewPane(a.focus)
	}
	top := draw.Beside(a.viewPane(panePrograms), a.viewPane(paneMaps))
	middle := draw.Beside(a.viewPane(paneEntries), a.viewPane(paneInspector))
	return append(append(top, middle...), a.viewPane(a.bottom)...)
}

// viewPane draws one pane with its frame.
func (a *app) viewPane(p pane) []string {
	t := a.theme
	f := draw.Frame{Focused: a.focus == p && a.dialog == nil, Stale: a.conn.state == lost && p <= paneInspector}
	var lines []string
	size := a.rects.bottom
	switch p {
	case panePrograms:
		size = a.rects.programs
		f.Title, f.Note = "1 programs", scope(a.programs.project, len(a.programs.items))
		lines = a.viewList(p, size.w-2, size.h-2, f.Focused)
	case paneMaps:
		size = a.rects.maps
		f.Title, f.Note = "2 maps", scope(a.maps.project, len(a.maps.items))
		lines = a.viewList(p, size.w-2, size.h-2, f.Focused)
	case paneEntries:
		size = a.rects.entries
		f.Title, f.Note = a.entriesTitle()
		lines = a.entries.view(t, size.w-2, size.h-2, f.Focused)
		if a.conn.state == failed { // here is the room to say why
			lines = t.State(problem("The target cannot be reached.", a.conn.err, "ctrl+r tries again"), size.w-2, size.h-2)
		}
	case paneInspector:
		size = a.rects.inspector
		var title string
		title, lines = a.inspect(size.w - 2)
		f.Title = "4 " + title
		if lines == nil {
			lines = t.State(draw.State{Title: "Nothing is selected.", Hint: "1 goes to the programs, 2 to the maps"}, size.w-2, size.h-2)
			break
		}
		lines = indent(a.inspector.at.window(lines, size.h-2))
	case paneTask:
		f.Title, f.Note = a.tabs(p), a.taskNote()
		lines = a.task.view(t, size.w-2, size.h-2)
	case paneEvents:
		f.Title, f.Note = a.tabs(p), a.events.note()
		lines = a.events.view(t, size.w-2, size.h-2, f.Focused)
	case paneCommands:
		f.Title, f.Note = a.tabs(p), "the same in a shell; y copies"
		lines = a.commands.view(t, size.w-2, size.h-2, f.Focused)
	}
	return t.Box(f, lines, size.w, size.h)
}

// tabs names the panes that share the bottom, the shown one first.
func (a *app) tabs(shown pane) string {
	title, rest := "", ""
	for _, tab := range []struct {
		pane
		name string
	}{{paneTask, "5 task"}, {paneEvents, "6 events"}, {paneCommands, "@ commands"}} {
		if tab.pane == shown {
			title = tab.name
		} else {
			rest += "  " + tab.name
		}
	}
	return title + a.theme.Dim.Render(rest)
}

func indent(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = " " + l
	}
	return out
}

func scope(project bool, n int) string {
	if project {
		return strconv.Itoa(n) + " of this project"
	}
	return strconv.Itoa(n) + " in the kernel"
}

// viewList draws the programs or the maps, or why there are none.
func (a *app) viewList(p pane, w, h int, focused bool) []string {
	t := a.theme
	if s, ok := a.listState(p); ok {
		return t.State(s, w, h)
	}
	if p == panePrograms {
		return a.programs.view(t, w, focused)
	}
	return a.maps.view(t, w, focused)
}

func (a *app) listState(p pane) (draw.State, bool) {
	n, known, err, project, what := len(a.programs.items), a.programs.known, a.programs.err, a.programs.project, "program"
	if p == paneMaps {
		n, known, err, project, what = len(a.maps.items), a.maps.known, a.maps.err, a.maps.project, "map"
	}
	switch {
	case n > 0:
		return draw.State{}, false
	case a.conn.state == unconnected:
		return a.containerState(), true
	case a.conn.state == failed && !a.single():
		return draw.State{Mood: draw.Failed, Title: "No target: see entries."}, true
	case a.conn.state == failed:
		return problem("The target cannot be reached.", a.conn.err, "ctrl+r tries again"), true
	case err != nil:
		return problem("The "+what+"s cannot be listed.", err, "ctrl+r tries again"), true
	case !known:
		return draw.State{Mood: draw.Loading, Title: "Connecting to " + a.targetName()}, true
	case project:
		return draw.State{Title: "This project has no " + what + " loaded.", Text: "p shows those of the whole kernel.", Hint: "l builds and loads, r runs"}, true
	default:
		return draw.State{Title: "The kernel holds no " + what + "."}, true
	}
}

// containerState says why there is no target yet.
func (a *app) containerState() draw.State {
	st := a.conn.status
	s := draw.State{Title: "No container yet.", Text: "It is made from " + strings.TrimPrefix(st.Config, a.conn.folder+"/"), Hint: "U starts it"}
	switch {
	case a.task.running():
		return draw.State{Mood: draw.Loading, Title: a.task.job.title + " is running", Text: "5 shows its log."}
	case st.State != "" && st.State != "none":
		s.Title, s.Text = "The container is "+st.State+".", st.Container
	}
	return s
}

// next says what would give a target.
func (c *connection) next() string {
	switch c.state {
	case unconnected:
		return "U starts the container"
	case connecting:
		return "it is being opened"
	case lost:
		return "it is being opened again"
	default:
		return "ctrl+r tries again"
	}
}

func (a *app) entriesTitle() (title, note string) {
	e := &a.entries
	title = "3 entries"
	if e.m.ID == 0 {
		return title, ""
	}
	title += " of " + draw.Clean(e.m.Name)
	if !e.known {
		return title, ""
	}
	note = count(uint64(e.page.Scanned))
	if e.m.MaxEntries > 0 {
		note += " of " + count(uint64(e.m.MaxEntries))
	}
	if o := orders()[e.order]; o != "" {
		note += ", by " + strings.TrimPrefix(o, "-")
	}
	if e.page.Incomplete {
		note += ", not all"
	}
	return title, note
}

func (a *app) taskNote() string {
	p := &a.task
	switch {
	case p.running():
		return p.step
	case p.failures != nil:
		return "enter shows the verifier's report"
	case p.state != taskNone:
		return p.job.title + " took " + p.took.Round(100*time.Millisecond).String()
	}
	return ""
}

func (a *app) targetName() string {
	if version, ok := a.conn.guest(); ok {
		return "a guest with kernel " + version
	}
	if a.conn.target == api.TargetLocal {
		return "this kernel"
	}
	return "the container"
}
