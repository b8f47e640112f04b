package draw

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
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

// Cursor draws one row of a list: marked when it is the selected one, and
// strongly so in the focused pane. The mark is a character too, so that colour
// alone says nothing.
func (t Theme) Cursor(line string, w int, selected, focused bool) string {
	if !selected {
		return t.Fit("  "+line, w)
	}
	line = t.Fit(t.Glyphs.Selected+" "+line, w)
	if focused {
		return t.Selected.Render(Plain(line))
	}
	return t.Marked.Render(Plain(line))
}

// Over puts a smaller block into the middle of a screen of w cells.
func (t Theme) Over(screen, block []string, w int) []string {
	if len(block) == 0 {
		return screen
	}
	bw := Width(block[0])
	x, y := max(0, (w-bw)/2), max(0, (len(screen)-len(block))/2)
	out := append([]string(nil), screen...)
	for i, line := range block {
		if y+i >= len(out) {
			break
		}
		under := out[y+i]
		left := t.Fit(ansi.Truncate(under, x, ""), x)
		right := ansi.TruncateLeft(under, x+bw, "")
		out[y+i] = left + line + t.Fit(right, w-x-bw)
	}
	return out
}

// Hints draws keys and what they do, as many as fit into w cells.
func (t Theme) Hints(pairs [][2]string, w int) string {
	var b strings.Builder
	used := 0
	for i, p := range pairs {
		need := Width(p[0]) + 1 + Width(p[1])
		if i > 0 {
			need += 2
		}
		if used+need > w {
			break
		}
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(t.Key.Render(p[0]) + " " + t.Dim.Render(p[1]))
		used += need
	}
	return b.String()
}
