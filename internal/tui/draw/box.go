package draw

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Frame is a pane's border and what is written into it.
type Frame struct {
	Title   string // at the left of the top border
	Note    string // at its right
	Foot    string // at the right of the bottom border
	Focused bool
	Stale   bool // drawn faintly: what is inside may have changed
}

// Box draws lines inside a frame of exactly w by h cells.
func (t Theme) Box(f Frame, lines []string, w, h int) []string {
	if w < 4 || h < 2 {
		return t.Block(lines, w, h)
	}
	border, title := t.Border, t.Title
	if f.Focused {
		border, title = t.BorderFocused, t.TitleFocused
	}
	g := t.Glyphs
	out := make([]string, 0, h)
	out = append(out, t.edge(g.TopLeft, g.TopRight, f.Title, f.Note, w, border, title))
	side := border.Render(g.Vertical)
	for _, line := range t.Block(lines, w-2, h-2) {
		if f.Stale {
			line = t.Dim.Render(Plain(line))
		}
		out = append(out, side+line+side)
	}
	return append(out, t.edge(g.BottomLeft, g.BottomRight, "", f.Foot, w, border, title))
}

// edge draws a horizontal border with a text at each end.
func (t Theme) edge(left, right, title, note string, w int, border, text lipgloss.Style) string {
	room := w - 4 // corners, and one line beside each
	pad := func(s string) string {
		if s == "" {
			return ""
		}
		return " " + s + " "
	}
	title, note = pad(title), pad(note)
	if Width(title) > room {
		title = t.Fit(title, room)
	}
	if Width(title)+Width(note) > room {
		note = ""
	}
	fill := strings.Repeat(t.Glyphs.Horizontal, room-Width(title)-Width(note))
	h := t.Glyphs.Horizontal
	return border.Render(left+h) + text.Render(title) + border.Render(fill) + t.Dim.Render(note) + border.Render(h+right)
}
