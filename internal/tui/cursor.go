package tui

import "github.com/ebpfdev/ebpfdev/internal/tui/draw"

// cursor is a position in a list of which a window can be seen.
type cursor struct {
	at  int // the selected row
	top int // the first visible row
}

// move applies a movement in a list of n rows of which rows can be seen. It
// reports whether the action was a movement.
func (c *cursor) move(do action, n, rows int) bool {
	rows = max(rows, 1)
	switch do {
	case moveUp:
		c.at--
	case moveDown:
		c.at++
	case moveTop:
		c.at = 0
	case moveBottom:
		c.at = n - 1
	case moveHalfUp:
		c.at -= max(rows/2, 1)
	case moveHalfDown:
		c.at += max(rows/2, 1)
	case movePageUp:
		c.at -= rows
	case movePageDown:
		c.at += rows
	default:
		return false
	}
	c.clamp(n, rows)
	return true
}

// clamp brings the cursor into the list and the window around the cursor.
func (c *cursor) clamp(n, rows int) {
	rows = max(rows, 1)
	c.at = max(0, min(c.at, n-1))
	c.top = max(0, min(c.top, n-rows))
	if c.at < c.top {
		c.top = c.at
	}
	if c.at >= c.top+rows {
		c.top = c.at - rows + 1
	}
}

// scroll is a window on lines of text, without a selected line. It stays at the
// end while new lines come, unless it was moved away from there.
type scroll struct {
	top    int
	pinned bool // moved away from the end
	start  bool // rests at the beginning instead of the end
}

func (s *scroll) move(do action, n, rows int) bool {
	top := s.first(n, rows)
	switch do {
	case moveUp:
		top--
	case moveDown:
		top++
	case moveTop:
		top = 0
	case moveBottom:
		top = n
	case moveHalfUp:
		top -= max(rows/2, 1)
	case moveHalfDown:
		top += max(rows/2, 1)
	case movePageUp:
		top -= max(rows, 1)
	case movePageDown:
		top += max(rows, 1)
	default:
		return false
	}
	last := max(0, n-rows)
	s.top = max(0, min(top, last))
	s.pinned = s.start || s.top < last
	return true
}

// first returns the first visible line.
func (s *scroll) first(n, rows int) int {
	last := max(0, n-max(rows, 1))
	if s.start || s.pinned {
		return max(0, min(s.top, last))
	}
	return last
}

// window returns the visible lines.
func (s *scroll) window(lines []string, rows int) []string {
	from := s.first(len(lines), rows)
	return lines[from:min(from+max(rows, 0), len(lines))]
}

// wrapped is window for lines that may be longer than w cells: the visible ones
// are wrapped, and what is most worth seeing stays in view, which is the end
// while new lines are followed.
func (s *scroll) wrapped(lines []string, w, rows int) []string {
	var out []string
	for _, l := range s.window(lines, rows) {
		out = append(out, draw.Fold(l, w)...)
	}
	if over := len(out) - rows; over > 0 && !s.start && !s.pinned {
		return out[over:]
	}
	return out[:min(len(out), max(rows, 0))]
}
