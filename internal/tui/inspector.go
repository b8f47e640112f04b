package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// inspector shows everything about the selected program, map or entry.
type inspector struct {
	at   scroll
	what string // of which the scroll position is
}

// look goes back to the top when something else is selected.
func (i *inspector) look(what string) {
	if what != i.what {
		i.what, i.at = what, scroll{}
	}
	i.at.start = true
}

// inspect returns the inspector's title and lines.
func (a *app) inspect(w int) (title string, lines []string) {
	t := a.theme
	switch a.about {
	case panePrograms:
		if p, ok := a.programs.selected(); ok {
			return "program " + draw.Clean(p.Name), programLines(t, p, a.programs.attached(p.ID), a.mapNames(p.MapIDs))
		}
	case paneEntries:
		if e, ok := a.entries.selected(); ok && a.entries.m.Readable {
			return "entry", entryLines(t, a.entries.page.Map, e, w)
		}
	default:
		if m, ok := a.maps.selected(); ok {
			return "map " + draw.Clean(m.Name), mapLines(t, m)
		}
	}
	return "inspector", nil
}

func (a *app) inspected() string {
	switch a.about {
	case panePrograms:
		p, _ := a.programs.selected()
		return fmt.Sprint("program ", p.ID)
	case paneEntries:
		e, _ := a.entries.selected()
		return fmt.Sprint("entry ", a.entries.m.ID, e.Key.Raw)
	default:
		m, _ := a.maps.selected()
		return fmt.Sprint("map ", m.ID)
	}
}

func (a *app) mapNames(ids []uint32) []string {
	var out []string
	for _, id := range ids {
		name := strconv.Itoa(int(id))
		for _, m := range a.maps.all {
			if m.ID == id {
				name = m.Name
			}
		}
		out = append(out, name)
	}
	return out
}

// facts collects "name value" lines and leaves out empty values.
type facts struct {
	t     draw.Theme
	lines []string
}

func (f *facts) add(name, value string) {
	if value != "" {
		f.lines = append(f.lines, f.t.Dim.Render(f.t.Fit(name, 9))+" "+draw.Clean(value))
	}
}

func programLines(t draw.Theme, p api.Program, links []api.Link, maps []string) []string {
	f := facts{t: t}
	f.add("type", p.Type)
	for _, l := range links {
		f.add("attached", l.Target)
	}
	if len(links) == 0 {
		f.add("attached", "not by a link")
	}
	if p.RunCount > 0 {
		f.add("runs", fmt.Sprintf("%d, %s each", p.RunCount, p.RunTime/time.Duration(p.RunCount)))
	}
	if p.VerifiedInsns > 0 {
		f.add("verified", fmt.Sprintf("%d instructions", p.VerifiedInsns))
	}
	f.add("size", fmt.Sprintf("%d B, %d B jited", p.BytesXlated, p.BytesJited))
	for _, m := range maps {
		f.add("map", m)
	}
	f.add("project", p.Project)
	if !p.LoadedAt.IsZero() {
		f.add("loaded", p.LoadedAt.Format(time.DateTime))
	}
	for _, o := range p.Owners {
		f.add("held by", fmt.Sprintf("%s (%d)", o.Comm, o.PID))
	}
	for _, path := range p.Pinned {
		f.add("pinned", path)
	}
	f.add("tag", p.Tag)
	f.add("id", strconv.Itoa(int(p.ID)))
	return f.lines
}

func mapLines(t draw.Theme, m api.Map) []string {
	f := facts{t: t}
	f.add("type", m.Type)
	f.add("key", typeAndSize(m.KeyType, m.KeySize))
	f.add("value", typeAndSize(m.ValueType, m.ValueSize))
	if most := most(m); strings.HasSuffix(most, "B") {
		f.add("holds", most)
	} else {
		f.add("holds", strconv.Itoa(int(m.MaxEntries))+" entries")
	}
	if m.BytesMem > 0 {
		f.add("memory", size(m.BytesMem))
	}
	if m.PerCPU {
		f.add("per CPU", "one value for each")
	}
	if m.Frozen {
		f.add("frozen", "user space cannot change it")
	}
	if m.Flags != 0 {
		f.add("flags", fmt.Sprintf("0x%x", m.Flags))
	}
	f.add("project", m.Project)
	for _, path := range m.Pinned {
		f.add("pinned", path)
	}
	f.add("id", strconv.Itoa(int(m.ID)))
	return f.lines
}

func typeAndSize(name string, size uint32) string {
	switch {
	case size == 0:
		return ""
	case name == "":
		return strconv.Itoa(int(size)) + " B"
	default:
		return name + ", " + strconv.Itoa(int(size)) + " B"
	}
}

func entryLines(t draw.Theme, m api.Map, e api.Entry, w int) []string {
	lines := datumLines(t, "key", m.KeyType, e.Key)
	if len(e.PerCPU) == 0 {
		lines = append(lines, datumLines(t, "value", m.ValueType, e.Value)...)
	}
	for cpu, v := range e.PerCPU {
		lines = append(lines, datumLines(t, "cpu "+strconv.Itoa(cpu), m.ValueType, v)...)
	}
	lines = append(lines, t.Dim.Render("key bytes"))
	lines = append(lines, hexLines(t, e.Key.Raw, w)...)
	lines = append(lines, t.Dim.Render("value bytes"))
	return append(lines, hexLines(t, e.Value.Raw, w)...)
}

// datumLines draws a key or a value: its type, then its text or its fields.
func datumLines(t draw.Theme, name, typ string, d api.Datum) []string {
	head := t.Bold.Render(name)
	if typ != "" {
		head += " " + t.Dim.Render(draw.Clean(typ))
	}
	n, ok := parseTree(d.JSON)
	if !ok || len(n.children) == 0 {
		return []string{head + "  " + draw.Clean(d.Text)}
	}
	return append([]string{head}, n.lines(t, " ")...)
}

// hexLines writes bytes as offset, pairs of digits and, with room, characters.
func hexLines(t draw.Theme, raw []byte, w int) []string {
	per := 4
	for per < 16 && 6+per*2*3+per*2 <= w {
		per *= 2
	}
	var lines []string
	for i := 0; i < min(len(raw), 4096); i += per {
		part := raw[i:min(i+per, len(raw))]
		text := make([]byte, len(part))
		for j, b := range part {
			text[j] = '.'
			if b >= ' ' && b <= '~' {
				text[j] = b
			}
		}
		lines = append(lines, fmt.Sprintf(" %s %-*s %s", t.Dim.Render(fmt.Sprintf("%04x", i)), per*3, api.Hex(part), t.Dim.Render(string(text))))
	}
	return lines
}
