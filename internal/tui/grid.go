package tui

import (
	"strconv"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// grid is the visible entries as a table. A key or a value that is a struct
// has a column for each field; anything else is one column of text.
type grid struct {
	columns []draw.Column
	value   int        // the first column of the value
	rows    [][]string // of the visible rows; nil for one that has not been read
}

// Columns of text from outside are at most longestField wide; a change has a
// column of its own, of changeWidth, in a pane that is at least wideEntries wide.
const (
	longestField = 24
	changeWidth  = 14
	wideEntries  = 60
)

// span is the columns of all keys or all values.
type span struct {
	columns []draw.Column
	rows    [][]string
	fields  bool
}

// grid lays the visible entries out in w cells.
func (e *entryPane) grid(t draw.Theme, w int) grid {
	var visible []*api.Entry
	for row := e.at.top; row < min(e.at.top+e.rows, e.total()); row++ {
		var entry *api.Entry
		if x, ok := e.entry(row); ok {
			entry = &x
		}
		visible = append(visible, entry)
	}
	change := draw.Column{Title: "CHANGE", Width: changeWidth, Right: true}
	keys := spanOf(visible, func(x *api.Entry) (api.Datum, string) { return x.Key, draw.Clean(x.Key.Text) })
	values := spanOf(visible, func(x *api.Entry) (api.Datum, string) {
		if len(x.PerCPU) > 0 {
			return api.Datum{}, perCPU(x.PerCPU)
		}
		return x.Value, draw.Clean(x.Value.Text)
	})
	g, ok := e.joinFields(t, keys, values, w, change)
	if !ok {
		g = e.joinTexts(visible, w, change)
	}
	e.withChanges(t, g, visible)
	return g
}

// spanOf makes the columns of one side. They are those of a text when any entry
// is no struct with the same fields as the first.
func spanOf(visible []*api.Entry, side func(*api.Entry) (api.Datum, string)) span {
	var s span
	for _, x := range visible {
		if x == nil {
			s.rows = append(s.rows, nil)
			continue
		}
		d, text := side(x)
		names, texts := fieldsOf(d)
		if s.columns == nil {
			s.fields = names != nil
			for _, n := range names {
				s.columns = append(s.columns, draw.Column{Title: n, Width: draw.Width(n), Right: true})
			}
			if !s.fields {
				s.columns = []draw.Column{{Right: true}}
			}
		}
		if !s.fields {
			texts = []string{text}
		}
		if len(texts) != len(s.columns) {
			return span{}
		}
		for i, text := range texts {
			c := &s.columns[i]
			c.Width = max(c.Width, min(draw.Width(text), longestField))
			if _, err := strconv.ParseFloat(text, 64); err != nil {
				c.Right = false
			}
		}
		s.rows = append(s.rows, texts)
	}
	return s
}

// fieldsOf returns a struct's field names and texts; nil when it is no struct.
func fieldsOf(d api.Datum) (names, texts []string) {
	if len(d.JSON) == 0 || d.JSON[0] != '{' {
		return nil, nil
	}
	n, ok := parseTree(d.JSON)
	if !ok {
		return nil, nil
	}
	for _, c := range n.children {
		text := c.line()
		if s, err := strconv.Unquote(text); err == nil && s != "" {
			text = s
		}
		names, texts = append(names, draw.Clean(c.name)), append(texts, draw.Clean(text))
	}
	return names, texts
}

// joinFields puts keys and values side by side, an arrow between them. Values
// that do not fit are left out from the right. It reports whether there is
// anything to gain: fields, and room for the key and a value.
func (e *entryPane) joinFields(t draw.Theme, keys, values span, w int, change draw.Column) (grid, bool) {
	if !keys.fields && !values.fields || keys.columns == nil || values.columns == nil {
		return grid{}, false
	}
	keySign, valueSign := e.signs()
	headed(keys.columns, "KEY", keySign)
	headed(values.columns, "VALUE", valueSign)
	arrow := draw.Column{Title: t.Glyphs.Arrow, Width: draw.Width(t.Glyphs.Arrow)}
	room := w - breadth(keys.columns) - arrow.Width - 2
	shown := len(values.columns)
	for shown > 1 && breadth(values.columns[:shown]) > room {
		shown--
	}
	more := shown < len(values.columns)
	if more {
		for shown > 1 && breadth(values.columns[:shown])+2 > room {
			shown--
		}
	}
	if breadth(values.columns[:shown]) > room {
		return grid{}, false
	}
	g := grid{columns: append(append(keys.columns, arrow), values.columns[:shown]...), value: len(keys.columns) + 1}
	if more {
		g.columns = append(g.columns, draw.Column{Title: t.Glyphs.Ellipsis, Width: 1})
	}
	for i, k := range keys.rows {
		if k == nil {
			g.rows = append(g.rows, nil)
			continue
		}
		row := append(append([]string(nil), k...), t.Dim.Render(t.Glyphs.Arrow))
		row = append(row, values.rows[i][:shown]...)
		if more {
			row = append(row, t.Dim.Render(t.Glyphs.Ellipsis))
		}
		g.rows = append(g.rows, row)
	}
	if !more && breadth(g.columns)+1+change.Width <= w {
		g.columns = append(g.columns, change)
	}
	return g, true
}

func breadth(columns []draw.Column) int {
	n := max(len(columns)-1, 0)
	for _, c := range columns {
		n += c.Width
	}
	return n
}

// joinTexts is a column for the whole key and one for the whole value.
func (e *entryPane) joinTexts(visible []*api.Entry, w int, change draw.Column) grid {
	keySign, valueSign := e.signs()
	g := grid{columns: []draw.Column{{Title: "KEY" + keySign}, {Title: "VALUE" + valueSign}}, value: 1}
	if w >= wideEntries {
		g.columns = append(g.columns, change)
	}
	longest := max(4, draw.Width(g.columns[0].Title))
	for _, x := range visible {
		if x == nil {
			g.rows = append(g.rows, nil)
			continue
		}
		key, value := draw.Clean(x.Key.Text), draw.Clean(x.Value.Text)
		if len(x.PerCPU) > 0 {
			value = perCPU(x.PerCPU)
		}
		longest = max(longest, draw.Width(key))
		g.rows = append(g.rows, []string{key, value})
	}
	g.columns[0].Width = max(min(longest+1, w/2), 4)
	g.columns = draw.Layout(g.columns, w)
	return g
}

// headed gives a side's columns their titles, and the first one the mark of the
// order that the entries are in.
func headed(columns []draw.Column, title, sign string) {
	if columns[0].Title == "" {
		columns[0].Title = title
	}
	columns[0].Title += sign
	for i := range columns {
		columns[i].Width = max(columns[i].Width, draw.Width(columns[i].Title))
	}
}

// signs are the marks of the order for the keys' and the values' heading.
func (e *entryPane) signs() (key, value string) {
	switch orders()[e.order] {
	case "key":
		return " ^", ""
	case "-key":
		return " v", ""
	case "value":
		return "", " ^"
	case "-value":
		return "", " v"
	}
	return "", ""
}

// withChanges adds how much the visible values changed, and colours the fields
// that did. Without a column for it the change of a text stands before it.
func (e *entryPane) withChanges(t draw.Theme, g grid, visible []*api.Entry) {
	for i, x := range visible {
		if x == nil {
			continue
		}
		was, ok := e.changed[string(x.Key.Raw)]
		if !ok {
			continue
		}
		text := t.Warn.Render(delta(was, x.Value))
		row := g.rows[i]
		switch {
		case len(row) < len(g.columns):
			g.rows[i] = append(row, text)
		case g.value == 1 && len(row) == 2:
			row[1] = text + " " + row[1]
		default:
			_, before := fieldsOf(was)
			_, after := fieldsOf(x.Value)
			for j := range min(len(before), len(after), len(row)-g.value) {
				if before[j] != after[j] {
					row[g.value+j] = t.Warn.Render(after[j])
				}
			}
		}
	}
}
