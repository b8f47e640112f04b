package tui

import (
	"context"
	"strconv"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// orders are the orders that s goes through.
func orders() []string { return []string{"", "key", "-key", "value", "-value"} }

// entryPane shows a window of one map's entries, live.
type entryPane struct {
	m       api.Map // what is shown
	page    api.Page
	offset  int // of the page's first entry
	known   bool
	err     error
	changed map[string]api.Datum // key bytes to what its value was before the last page
	at      cursor
	moved   bool // by the person, in this map: from then on the cursor stays on its key
	rows    int
	order   int
	where   string
	typing  bool // the filter is being typed
	input   textinput.Model

	serial  int  // goes up when the watch has to begin again
	wanted  want // what should be watched
	running want // what is being watched
	asked   int  // number of the last wish
	watch   int  // number of the running watch
	shown   int  // number of the watch whose page is shown
	feed    *feed[api.Page]
	cancel  context.CancelFunc
	ctx     context.Context
}

// want is what a watch is for.
type want struct {
	id            uint32
	where, order  string
	offset, limit int
	serial        int
}

// reset forgets the map.
func (e *entryPane) reset() {
	if e.cancel != nil {
		e.cancel()
	}
	*e = entryPane{order: e.order, watch: e.watch, asked: e.asked, serial: e.serial + 1, rows: e.rows}
}

// restart makes the next follow begin the watch anew.
func (e *entryPane) restart() {
	e.serial++
}

// show changes to another map.
func (e *entryPane) show(m api.Map) {
	if m.ID != e.m.ID {
		e.reset()
	}
	e.m = m
}

// total is the number of entries that match.
func (e *entryPane) total() int {
	if !e.known {
		return 0
	}
	return e.page.Matched
}

// entry returns the entry of a row, if it has been read.
func (e *entryPane) entry(row int) (api.Entry, bool) {
	i := row - e.offset
	if i < 0 || i >= len(e.page.Entries) {
		return api.Entry{}, false
	}
	return e.page.Entries[i], true
}

func (e *entryPane) selected() (api.Entry, bool) { return e.entry(e.at.at) }

// fit tells how many lines there are: one is the heading, one the filter's.
func (e *entryPane) fit(h int) {
	e.rows = h - 1
	if e.filtered() {
		e.rows--
	}
	e.at.clamp(e.total(), e.rows)
}

func (e *entryPane) filtered() bool { return e.typing || e.where != "" }

// window is what should be watched now: the visible rows and a screen before
// and after, so that moving by one row shows data at once. It stays as it is
// while the visible rows are well inside.
func (e *entryPane) window() want {
	rows := max(e.rows, 1)
	w := e.wanted
	w.id, w.where, w.order, w.serial = e.m.ID, e.where, orders()[e.order], e.serial
	inside := w.limit >= rows && e.at.top >= w.offset && e.at.top+rows <= w.offset+w.limit
	if edge := e.at.top+rows > w.offset+w.limit-rows/2 || e.at.top < w.offset+rows/2 && w.offset > 0; !inside || edge {
		w.offset = max(0, e.at.top-rows)
		w.limit = min(3*rows, 1000)
	}
	return w
}

// take shows a page.
func (e *entryPane) take(page api.Page) {
	old, had := e.selected()
	before := make(map[string]api.Datum, len(e.page.Entries))
	for _, x := range e.page.Entries {
		before[string(x.Key.Raw)] = x.Value
	}
	sameMap := e.known && e.page.Map.ID == page.Map.ID
	e.page, e.offset, e.known, e.err, e.shown = page, e.running.offset, true, nil, e.watch
	e.changed = map[string]api.Datum{}
	for i, x := range page.Entries {
		if was, ok := before[string(x.Key.Raw)]; ok && sameMap && was.Text != x.Value.Text {
			e.changed[string(x.Key.Raw)] = was
		}
		if e.moved && had && sameMap && e.order == 0 && string(x.Key.Raw) == string(old.Key.Raw) {
			e.at.at = e.offset + i
		}
	}
	e.at.clamp(e.total(), e.rows)
}

// key handles the keys that change what is shown. It reports whether it did.
func (e *entryPane) key(do action) bool {
	switch do {
	case actOrder:
		e.order = (e.order + 1) % len(orders())
		e.at = cursor{}
		return true
	case actFilter:
		e.typing = true
		e.input = newInput(e.where)
		return true
	}
	moved := e.at.move(do, e.total(), e.rows)
	e.moved = e.moved || moved
	return moved
}

// typed handles a key while the filter is typed; the filter works as it is typed.
func (e *entryPane) typed(do action, msg tea.KeyPressMsg) {
	switch do {
	case actAccept:
		e.typing = false
	case actCancel:
		e.typing, e.where, e.at = false, "", cursor{}
	default:
		e.input, _ = e.input.Update(msg) // the command only blinks
		e.filter(e.input.Value())
	}
}

func (e *entryPane) paste(text string) {
	e.input, _ = e.input.Update(tea.PasteMsg{Content: text})
	e.filter(e.input.Value())
}

func (e *entryPane) filter(where string) {
	if where != e.where {
		e.where, e.at = where, cursor{}
	}
}

func (e *entryPane) view(t draw.Theme, w, h int, focused bool) []string {
	var lines []string
	if e.filtered() {
		text := draw.Clean(e.where)
		if e.typing {
			text = t.Input(e.input.Value(), e.input.Position(), w-16)
		}
		lines = append(lines, t.Ends(t.Key.Render(" / ")+text, t.Dim.Render(strconv.Itoa(e.total())+" match "), w))
	}
	if s, ok := e.state(); ok {
		return append(lines, t.State(s, w, h-len(lines))...)
	}
	g := e.grid(t, w-2)
	lines = append(lines, "  "+t.Heading(g.columns))
	for i, row := range g.rows {
		line := t.Dim.Render(t.Glyphs.Ellipsis)
		if row != nil {
			line = t.Row(g.columns, row)
		}
		lines = append(lines, t.Cursor(line, w, e.at.top+i == e.at.at, focused))
	}
	return lines
}

// delta says how a value changed: the difference of numbers, or of the first
// field that differs; else only that it did.
func delta(was, is api.Datum) string {
	if d := difference(was.Text, is.Text); d != "" {
		return d
	}
	a, okA := parseTree(was.JSON)
	b, okB := parseTree(is.JSON)
	if okA && okB && len(a.children) == len(b.children) {
		for i, f := range b.children {
			if d := difference(a.children[i].text, f.text); d != "" && a.children[i].text != f.text {
				return draw.Clean(f.name) + " " + d
			}
		}
	}
	return "changed"
}

// difference of two numbers with its sign, or "".
func difference(was, is string) string {
	a, errA := strconv.ParseInt(was, 10, 64)
	b, errB := strconv.ParseInt(is, 10, 64)
	switch {
	case errA != nil || errB != nil:
		return ""
	case b > a:
		return "+" + strconv.FormatInt(b-a, 10)
	default:
		return strconv.FormatInt(b-a, 10)
	}
}

// perCPU sums numbers, and says of how many CPUs; other values are listed in
// the inspector.
func perCPU(values []api.Datum) string {
	var sum uint64
	for _, v := range values {
		n, err := strconv.ParseUint(v.Text, 10, 64)
		if err != nil {
			return draw.Clean(values[0].Text) + "  and " + strconv.Itoa(len(values)-1) + " more CPUs"
		}
		sum += n
	}
	return strconv.FormatUint(sum, 10) + "  sum of " + strconv.Itoa(len(values)) + " CPUs"
}

// state is what is shown instead of entries.
func (e *entryPane) state() (draw.State, bool) {
	switch {
	case e.m.ID == 0:
		return draw.State{Title: "No map is selected.", Hint: "2 goes to the maps"}, true
	case !e.m.Readable:
		return unreadable(e.m), true
	case e.err != nil:
		return problem("The entries cannot be read.", e.err, "ctrl+r tries again"), true
	case !e.known:
		return draw.State{Mood: draw.Loading, Title: "Reading " + e.m.Name}, true
	case e.total() == 0 && e.where != "":
		return draw.State{Title: "No entry holds that text.", Text: strconv.Itoa(e.page.Scanned) + " were read.", Hint: "esc drops the filter"}, true
	case e.total() == 0:
		return draw.State{Title: "The map is empty.", Text: "Entries show up here as they are written.", Hint: "a adds one"}, true
	}
	return draw.State{}, false
}

// unreadable says why a map's entries cannot be shown, and where to look.
func unreadable(m api.Map) draw.State {
	s := draw.State{Mood: draw.Locked, Title: "The entries of a " + m.Type + " map cannot be read."}
	switch m.Type {
	case "ringbuf", "perf_event_array":
		s.Text, s.Hint = "Records are taken from it once, by whoever reads first.", "6 shows this project's events"
	case "queue", "stack":
		s.Text = "Reading takes an entry out, so ebpfdev does not."
	case "bloom_filter":
		s.Text = "It can only be asked whether it holds a value."
	default:
		s.Text = "The kernel gives no way to list them."
	}
	return s
}
