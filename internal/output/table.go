package output

import (
	"fmt"
	"io"
	"slices"
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
	Spare bool // may be left out when cutting is not enough
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

// Write writes the table. A width above 0 is a terminal's: to fit into it empty
// columns are left out, flexible ones cut, and then spare ones left out, the
// leftmost first. A table without rows writes nothing.
func (t *Table) Write(w io.Writer, p Palette, width int) error {
	if len(t.rows) == 0 {
		return nil
	}
	t = t.fitting(width)
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

// fitting returns the table with the columns that a width has room for.
func (t *Table) fitting(limit int) *Table {
	if limit <= 0 || t.natural() <= limit {
		return t
	}
	for i := len(t.columns) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(t.rows, func(row []cell) bool { return row[i].text != "" }) {
			t = t.without(i)
		}
	}
	for sum(t.widths(limit)) > limit {
		i := slices.IndexFunc(t.columns, func(c Column) bool { return c.Spare })
		if i < 0 {
			break
		}
		t = t.without(i)
	}
	return t
}

// without returns the table without a column.
func (t *Table) without(i int) *Table {
	less := &Table{columns: slices.Delete(slices.Clone(t.columns), i, i+1)}
	for _, row := range t.rows {
		less.rows = append(less.rows, slices.Delete(slices.Clone(row), i, i+1))
	}
	return less
}

// natural returns how wide the table is with nothing cut.
func (t *Table) natural() int { return sum(t.widths(0)) }

// sum returns the width of a table whose columns have the given widths.
func sum(widths []int) int {
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	return total
}

// widths returns the columns' widths, shrunk to fit where that is possible.
func (t *Table) widths(limit int) []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = ansi.StringWidth(c.Title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i].text))
		}
	}
	for over := sum(widths) - limit; limit > 0 && over > 0; over-- {
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
