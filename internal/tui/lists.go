package tui

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// programList is the pane of programs.
type programList struct {
	all     []api.Program
	items   []api.Program // those shown
	links   []api.Link
	project bool // only the project's
	name    string
	known   bool
	err     error
	at      cursor
	rows    int
}

func (l *programList) set(programs []api.Program, links []api.Link, project string) {
	l.all, l.links, l.name, l.known, l.err = programs, links, project, true, nil
	l.choose()
}

// choose applies the scope and keeps the selected program selected.
func (l *programList) choose() {
	selected, had := l.selected()
	l.items = l.all
	if l.project {
		l.items = nil
		for _, p := range l.all {
			if p.Project == l.name {
				l.items = append(l.items, p)
			}
		}
	}
	if i := slices.IndexFunc(l.items, func(p api.Program) bool { return had && p.ID == selected.ID }); i >= 0 {
		l.at.at = i
	}
	l.at.clamp(len(l.items), l.rows)
}

func (l *programList) selected() (api.Program, bool) {
	if l.at.at < 0 || l.at.at >= len(l.items) {
		return api.Program{}, false
	}
	return l.items[l.at.at], true
}

// attached returns the links of a program.
func (l *programList) attached(id uint32) []api.Link {
	var out []api.Link
	for _, k := range l.links {
		if k.ProgramID == id {
			out = append(out, k)
		}
	}
	return out
}

// fit tells how many rows can be seen, headings included.
func (l *programList) fit(h int) {
	l.rows = h - 1
	l.at.clamp(len(l.items), l.rows)
}

func (l *programList) view(t draw.Theme, w int, focused bool) []string {
	columns := draw.Layout([]draw.Column{
		{Title: "NAME"},
		{Title: "TYPE", Width: 14},
		{Title: "INSNS", Width: 6, Right: true},
		{Title: "RUNS", Width: 8, Right: true},
		{Title: "ID", Width: 6, Right: true},
	}, w-4)
	lines := []string{"    " + t.Heading(columns)}
	for i := l.at.top; i < min(l.at.top+l.rows, len(l.items)); i++ {
		p := l.items[i]
		mark := t.Dim.Render(t.Glyphs.None)
		if len(l.attached(p.ID)) > 0 {
			mark = t.OK.Render(t.Glyphs.Running)
		}
		row := t.Row(columns, []string{
			draw.Clean(p.Name), t.Dim.Render(draw.Clean(p.Type)),
			count(uint64(p.VerifiedInsns)), count(p.RunCount), strconv.Itoa(int(p.ID)),
		})
		lines = append(lines, t.Cursor(mark+" "+row, w, i == l.at.at, focused))
	}
	return lines
}

// mapList is the pane of maps.
type mapList struct {
	all     []api.Map
	items   []api.Map
	project bool
	name    string
	known   bool
	err     error
	at      cursor
	rows    int
}

func (l *mapList) set(maps []api.Map, project string) {
	selected, had := l.selected()
	l.all, l.name, l.known, l.err = maps, project, true, nil
	l.choose()
	if m, ok := l.selected(); ok && had && m.ID == selected.ID {
		return
	}
	// It is gone: a map of its name is what a new load made in its place.
	at := slices.IndexFunc(l.items, func(m api.Map) bool { return had && m.Name == selected.Name })
	if at < 0 {
		at = slices.IndexFunc(l.items, interesting)
	}
	l.at.at = max(0, at)
	l.at.clamp(len(l.items), l.rows)
}

// interesting reports whether a map is one to look at first: it can be read,
// and it is not a section of global variables.
func interesting(m api.Map) bool { return m.Readable && !strings.Contains(m.Name, ".") }

func (l *mapList) choose() {
	selected, had := l.selected()
	l.items = l.all
	if l.project {
		l.items = nil
		for _, m := range l.all {
			if m.Project == l.name {
				l.items = append(l.items, m)
			}
		}
	}
	if i := slices.IndexFunc(l.items, func(m api.Map) bool { return had && m.ID == selected.ID }); i >= 0 {
		l.at.at = i
	}
	l.at.clamp(len(l.items), l.rows)
}

func (l *mapList) selected() (api.Map, bool) {
	if l.at.at < 0 || l.at.at >= len(l.items) {
		return api.Map{}, false
	}
	return l.items[l.at.at], true
}

// fit tells how many rows can be seen, headings included.
func (l *mapList) fit(h int) {
	l.rows = h - 1
	l.at.clamp(len(l.items), l.rows)
}

func (l *mapList) view(t draw.Theme, w int, focused bool) []string {
	columns := draw.Layout([]draw.Column{
		{Title: "NAME"},
		{Title: "TYPE", Width: 13},
		{Title: "MAX", Width: 7, Right: true},
		{Title: "KEY " + t.Glyphs.Arrow + " VALUE"},
		{Title: "ID", Width: 6, Right: true},
	}, w-4)
	lines := []string{"    " + t.Heading(columns)}
	for i := l.at.top; i < min(l.at.top+l.rows, len(l.items)); i++ {
		m := l.items[i]
		mark := " "
		switch {
		case m.Frozen:
			mark = t.Warn.Render(t.Glyphs.Warn)
		case !m.Readable:
			mark = t.Dim.Render(t.Glyphs.None)
		}
		row := t.Row(columns, []string{
			draw.Clean(m.Name), t.Dim.Render(draw.Clean(m.Type)), most(m),
			t.Dim.Render(types(t, m)), strconv.Itoa(int(m.ID)),
		})
		lines = append(lines, t.Cursor(mark+" "+row, w, i == l.at.at, focused))
	}
	return lines
}

// most is how much a map can hold: entries, or the bytes of a buffer.
func most(m api.Map) string {
	if m.Type == "ringbuf" || m.Type == "user_ringbuf" {
		return size(uint64(m.MaxEntries))
	}
	return count(uint64(m.MaxEntries))
}

// size writes a number of bytes with its unit.
func size(n uint64) string {
	switch {
	case n < 10<<10:
		return strconv.FormatUint(n, 10) + " B"
	case n < 10<<20:
		return strconv.FormatUint(n>>10, 10) + " KiB"
	default:
		return strconv.FormatUint(n>>20, 10) + " MiB"
	}
}

// types names a map's key and value types, or their sizes.
func types(t draw.Theme, m api.Map) string {
	of := func(name string, size uint32) string {
		if name == "" {
			return strconv.Itoa(int(size)) + " B"
		}
		return draw.Clean(name)
	}
	if !m.Readable && m.KeySize == 0 {
		return ""
	}
	return of(m.KeyType, m.KeySize) + " " + t.Glyphs.Arrow + " " + of(m.ValueType, m.ValueSize)
}

// count writes a number in at most five characters.
func count(n uint64) string {
	switch {
	case n < 100_000:
		return strconv.FormatUint(n, 10)
	case n < 10_000_000:
		return strconv.FormatUint(n/1000, 10) + "k"
	case n < 10_000_000_000:
		return strconv.FormatUint(n/1_000_000, 10) + "M"
	default:
		return strconv.FormatUint(n/1_000_000_000, 10) + "G"
	}
}
