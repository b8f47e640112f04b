package cli

import (
	"io"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

// entryWriter writes map entries as they come; only a table waits for the last.
type entryWriter struct {
	f       *factory
	format  output.Format
	columns bool
	table   *output.Table
	csv     *output.CSV
	n       int
}

func newEntryWriter(f *factory, format output.Format, m api.Map, columns []string) (*entryWriter, error) {
	w := &entryWriter{f: f, format: format, columns: len(columns) > 0}
	var err error
	switch format {
	case output.FormatCSV:
		header := columnTitles(columns)
		if !w.columns {
			header = []string{"key", "cpu", "value"}
		}
		w.csv, err = output.NewCSV(f.io.Out, header...)
	case output.FormatTable:
		w.table = output.NewTable(entryColumns(m, columns)...)
	}
	return w, err
}

// entryColumns are the columns of a table of entries.
func entryColumns(m api.Map, columns []string) []output.Column {
	var cols []output.Column
	if len(columns) > 0 {
		for _, title := range columnTitles(columns) {
			cols = append(cols, output.Column{Title: strings.ToUpper(title), Flex: true})
		}
		return cols
	}
	cols = append(cols, output.Column{Title: titled("KEY", m.KeyType), Flex: true})
	if m.PerCPU {
		cols = append(cols, output.Column{Title: "CPU", Right: true})
	}
	return append(cols, output.Column{Title: titled("VALUE", m.ValueType), Flex: true})
}

// wants is the form in which the writer takes entries.
func (w *entryWriter) wants() api.ExportFormat {
	switch w.format {
	case output.FormatJSON:
		return api.ExportJSON
	case output.FormatNDJSON:
		return api.ExportNDJSON
	default:
		return api.ExportEntries
	}
}

func titled(title, typ string) string {
	if typ == "" {
		return title
	}
	return title + " " + typ
}

// chunk writes a chunk; it fits ExportMap's callback.
func (w *entryWriter) chunk(c api.Chunk) error {
	for _, e := range c.Entries {
		if err := w.entry(e); err != nil {
			return err
		}
	}
	if w.n == 0 && c.Count > 0 && w.format == output.FormatJSON {
		if _, err := io.WriteString(w.f.io.Out, "[\n"); err != nil {
			return err
		}
	}
	w.n += c.Count
	return output.JSONText(w.f.io.Out, c.Text)
}

func (w *entryWriter) entry(e api.Entry) error {
	if w.columns {
		return w.cells(e)
	}
	if w.format == output.FormatCSV {
		return eachValue(e, func(cpu, value string) error { return w.csv.Write(e.Key.Text, cpu, value) })
	}
	return eachValue(e, func(cpu, value string) error {
		switch cpu {
		case "":
			w.table.Row(e.Key.Text, value)
		case "0":
			w.table.Row(e.Key.Text, cpu, value)
		default:
			w.table.Row("", cpu, value)
		}
		return nil
	})
}

func (w *entryWriter) cells(e api.Entry) error {
	texts := make([]string, len(e.Cells))
	cells := make([]any, len(e.Cells))
	for i, c := range e.Cells {
		texts[i], cells[i] = c.Text, c.Text
	}
	if w.format == output.FormatCSV {
		return w.csv.Write(texts...)
	}
	w.table.Row(cells...)
	return nil
}

// eachValue gives an entry's value, or those of all CPUs and their sum.
func eachValue(e api.Entry, fn func(cpu, value string) error) error {
	if len(e.PerCPU) == 0 {
		return fn("", e.Value.Text)
	}
	for cpu, v := range e.PerCPU {
		if err := fn(strconv.Itoa(cpu), v.Text); err != nil {
			return err
		}
	}
	if e.Sum == nil {
		return nil
	}
	return fn("sum", e.Sum.Text)
}

// end writes what is due after the last entry.
func (w *entryWriter) end() error {
	switch w.format {
	case output.FormatCSV:
		return w.csv.Flush()
	case output.FormatTable:
		return w.f.table(w.table, "No entry matches.")
	case output.FormatJSON:
		text := "\n]\n"
		if w.n == 0 {
			text = "[]\n"
		}
		_, err := io.WriteString(w.f.io.Out, text)
		return err
	default:
		return nil
	}
}
