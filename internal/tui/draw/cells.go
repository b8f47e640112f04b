package draw

import (
	"strconv"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// Clean makes outside text fit for one line: control characters are escaped,
// and so are characters that terminals do not agree on the width of (emoji with
// modifiers), because one of them would shift everything to its right.
func Clean(s string) string {
	s = safe.Line(s).String()
	if ansi.StringWidth(s) == ansi.StringWidthWc(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII || unicode.IsLetter(r) && ansi.StringWidth(string(r)) == ansi.StringWidthWc(string(r)) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	if out := b.String(); ansi.StringWidth(out) == ansi.StringWidthWc(out) {
		return out
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

// CleanLines is Clean for text of several lines.
func CleanLines(s string) []string {
	s = strings.TrimRight(safe.Lines(s).String(), "\n")
	if s == "" {
		return nil
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Clean(l)
	}
	return lines
}

// Width returns how many cells a line takes.
func Width(s string) int { return ansi.StringWidth(s) }

// Fit cuts or pads a line to exactly w cells. The line may hold colours.
func (t Theme) Fit(line string, w int) string {
	if w <= 0 {
		return ""
	}
	have := Width(line)
	if have > w {
		line = ansi.Truncate(line, w, t.Glyphs.Ellipsis)
		have = Width(line)
	}
	return line + strings.Repeat(" ", max(0, w-have))
}

// FitLeft is Fit that cuts on the left, for paths whose end matters.
func (t Theme) FitLeft(line string, w int) string {
	if have := Width(line); have > w && w > 0 {
		line = ansi.TruncateLeft(line, have-w+Width(t.Glyphs.Ellipsis), t.Glyphs.Ellipsis)
	}
	return t.Fit(line, w)
}

// Ends puts one text at the left end and one at the right end of a line of w
// cells. The right one is cut first only when the left one would vanish.
func (t Theme) Ends(left, right string, w int) string {
	if w <= 0 {
		return ""
	}
	room := w - Width(right)
	if right == "" || room < w/3 {
		return t.Fit(left, w)
	}
	return t.Fit(left, room-1) + " " + right
}

// Paragraph cleans outside text and wraps it to w cells.
func Paragraph(s string, w int) []string {
	var out []string
	for _, line := range CleanLines(s) {
		out = append(out, Wrap(line, w)...)
	}
	return out
}

// Marked cleans outside text, wraps it to w cells and puts a mark before its
// first line.
func Marked(mark string, style lipgloss.Style, s string, w int) []string {
	var out []string
	for i, l := range Paragraph(s, w-2) {
		if i > 0 {
			mark = " "
		}
		out = append(out, style.Render(mark+" "+l))
	}
	return out
}

// Wrap wraps a clean line without colours to w cells, at spaces where that is
// possible: flags and paths stay whole.
func Wrap(line string, w int) []string {
	if w <= 0 {
		return nil
	}
	var out []string
	rest := line
	for Width(rest) > w {
		head := ansi.Truncate(rest, w, "")
		if head == "" { // a character that is wider than the line
			return append(out, strings.Repeat("?", w))
		}
		tail := rest[len(head):]
		if at := strings.LastIndexByte(head, ' '); at > 0 && !strings.HasPrefix(tail, " ") {
			head, tail = head[:at], rest[at+1:]
		}
		out = append(out, head)
		rest = strings.TrimPrefix(tail, " ")
	}
	return append(out, rest)
}

// Fold breaks a line, which may have colours, into lines of at most w cells.
func Fold(line string, w int) []string {
	if w <= 0 || Width(line) <= w {
		return []string{line}
	}
	return strings.Split(ansi.Hardwrap(line, w, true), "\n")
}

// Block cuts or pads lines to exactly w by h cells.
func (t Theme) Block(lines []string, w, h int) []string {
	out := make([]string, 0, max(h, 0))
	for i := range max(h, 0) {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out = append(out, t.Fit(line, w))
	}
	return out
}

// Beside joins blocks of the same height from left to right.
func Beside(blocks ...[]string) []string {
	if len(blocks) == 0 {
		return nil
	}
	out := make([]string, len(blocks[0]))
	for i := range out {
		for _, b := range blocks {
			if i < len(b) {
				out[i] += b[i]
			}
		}
	}
	return out
}
