package draw

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Plain returns a line without its colours.
func Plain(line string) string { return ansi.Strip(line) }

// Mood is what a state is about.
type Mood int

// The moods.
const (
	Empty   Mood = iota // nothing is there; Hint has the next key
	Loading             // something is on its way
	Failed              // it did not work; Text says why, Hint what to do
	Locked              // it can be seen, not done; Text says why
)

// State is what a pane shows when it has no data. All its texts may come from
// outside.
type State struct {
	Mood  Mood
	Title string
	Text  string
	Hint  string
}

// State draws a state into a block of w by h cells, a little above the middle.
func (t Theme) State(s State, w, h int) []string {
	mark, style := t.Glyphs.None, t.Dim
	switch s.Mood {
	case Loading:
		mark, style = t.Glyphs.Ellipsis, t.Accent
	case Failed:
		mark, style = t.Glyphs.Fail, t.Fail
	case Locked:
		mark, style = t.Glyphs.Warn, t.Warn
	}
	room := max(w-4, 1)
	var lines []string
	for i, l := range Paragraph(s.Title, room-2) {
		prefix := "  "
		if i == 0 {
			prefix = mark + " "
		}
		lines = append(lines, style.Render(prefix+l))
	}
	for _, l := range Paragraph(s.Text, room-2) {
		lines = append(lines, "  "+l)
	}
	for _, l := range Paragraph(s.Hint, room-2) {
		lines = append(lines, "  "+t.Key.Render(l))
	}
	if len(lines) > h && h > 0 && s.Hint != "" { // the hint matters more than the middle of the cause
		lines = append(lines[:h-1], lines[len(lines)-1])
	}
	top := max(0, (h-len(lines))/3)
	out := make([]string, 0, top+len(lines))
	for range top {
		out = append(out, "")
	}
	for _, l := range lines {
		out = append(out, "  "+l)
	}
	return t.Block(out, w, h)
}

// Column is one column of a table.
type Column struct {
	Title string
	Width int // cells; 0 takes what is left, shared between all such columns
	Right bool
}

// Layout gives every column its width in w cells, one space between them.
// Columns from the right are dropped when there is no room.
func Layout(columns []Column, w int) []Column {
	for len(columns) > 1 {
		if need := minimum(columns); need <= w {
			break
		}
		columns = columns[:len(columns)-1]
	}
	out := append([]Column(nil), columns...)
	fixed, open := len(out)-1, 0
	for _, c := range out {
		fixed += c.Width
		if c.Width == 0 {
			open++
		}
	}
	left := max(w-fixed, 0)
	for i := range out {
		if out[i].Width == 0 {
			out[i].Width = left / open
			left -= out[i].Width
			open--
		}
	}
	return out
}

func minimum(columns []Column) int {
	n := len(columns) - 1
	for _, c := range columns {
		n += max(c.Width, 6)
	}
	return n
}

// Row draws cells into the columns of a layout. Cells may be coloured.
func (t Theme) Row(columns []Column, cells []string) string {
	var b strings.Builder
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(' ')
		}
		cell := ""
		if i < len(cells) {
			cell = cells[i]
		}
		if pad := c.Width - Width(cell); c.Right && pad > 0 {
			cell = strings.Repeat(" ", pad) + cell
		}
		b.WriteString(t.Fit(cell, c.Width))
	}
	return b.String()
}

// Heading draws the titles of a layout.
func (t Theme) Heading(columns []Column) string {
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	return t.Dim.Render(t.Row(columns, titles))
}
