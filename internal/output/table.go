package output

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// minFlex is how narrow a flexible column may become.
const minFlex = 12

// Column is a column of a table.
type Column struct {
	Title string
	Right bool // numbers
	Flex  bool // may be cut when the terminal is too narrow
}

// Table collects rows and writes them aligned.
type Table struct {
	columns []Column
	rows    [][]cell
}

type cell struct {
	text  string // safe to print
	style Style
}

// Styled is a cell that is set off.
type Styled struct {
	Style Style
	Value any
}

// NewTable begins a table.
func NewTable(columns ...Column) *Table { return &Table{columns: columns} }

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Row adds a row. Strings are escaped; a safe.Text is taken as it is; a Styled
// value is set off; anything else is printed with fmt.
func (t *Table) Row(values ...any) {
	row := make([]cell, len(t.columns))
	for i, v := range values[:min(len(values), len(row))] {
		row[i] = makeCell(v)
	}
	t.rows = append(t.rows, row)
}

func makeCell(v any) cell {
	switch v := v.(type) {
	case Styled:
		c := makeCell(v.Value)
		c.style = v.Style
		return c
	case safe.Text:
		return cell{text: v.String()}
	case string:
		return cell{text: safe.Line(v).String()}
	default:
		return cell{text: safe.Line(fmt.Sprint(v)).String()}
	}
}

// Write writes the table. A width above 0 is a terminal's: flexible columns are
// cut to fit into it. A table without rows writes nothing.
func (t *Table) Write(w io.Writer, p Palette, width int) error {
	if len(t.rows) == 0 {
		return nil
	}
	widths := t.widths(width)
	var b strings.Builder
	header := make([]cell, len(t.columns))
	for i, c := range t.columns {
		header[i] = cell{text: c.Title, style: Bold}
	}
	t.line(&b, p, widths, header)
	for _, row := range t.rows {
		t.line(&b, p, widths, row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// widths returns the columns' widths, shrunk to fit where that is possible.
func (t *Table) widths(limit int) []int {
	widths := make([]int, len(t.columns))
	total := 2 * (len(t.columns) - 1)
	for i, c := range t.columns {
		widths[i] = ansi.StringWidth(c.Title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i].text))
		}
		total += widths[i]
	}
	for over := total - limit; limit > 0 && over > 0; over-- {
		widest := -1
		for i, c := range t.columns {
			if c.Flex && widths[i] > minFlex && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

// line writes one row, without the spaces that would end it.
func (t *Table) line(b *strings.Builder, p Palette, widths []int, row []cell) {
	pending := 0 // spaces that are written only when something follows
	for i, c := range row {
		text := ansi.Truncate(c.text, widths[i], "…")
		pad := max(0, widths[i]-ansi.StringWidth(text))
		if t.columns[i].Right {
			pending, pad = pending+pad, 0
		}
		if text != "" {
			b.WriteString(strings.Repeat(" ", pending))
			b.WriteString(p.Paint(c.style, text))
			pending = 0
		}
		pending += pad + 2
	}
	b.WriteByte('\n')
}
