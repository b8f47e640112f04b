package output

import (
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Fields is one thing shown as "name: value" lines.
type Fields struct {
	names  []string
	values []cell
}

// Add adds a line. Values are treated as in a table; an empty string leaves the
// line out.
func (f *Fields) Add(name string, value any) {
	c := makeCell(value)
	if c.text == "" {
		return
	}
	f.names = append(f.names, name)
	f.values = append(f.values, c)
}

// Write writes the lines with their values aligned.
func (f *Fields) Write(w io.Writer, p Palette) error {
	width := 0
	for _, n := range f.names {
		width = max(width, ansi.StringWidth(n))
	}
	var b strings.Builder
	for i, n := range f.names {
		pad := strings.Repeat(" ", width-ansi.StringWidth(n))
		b.WriteString(p.Paint(Dim, n+":") + pad + "  " + p.Paint(f.values[i].style, f.values[i].text) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
