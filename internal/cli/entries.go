package cli

import (
	"fmt"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

// entryWriter writes map entries as they come; only a table waits for the last.
type entryWriter struct {
	f      *factory
	format output.Format
	table  *output.Table
	csv    *output.CSV
	n      int
}

func newEntryWriter(f *factory, format output.Format, m api.Map) (*entryWriter, error) {
	w := &entryWriter{f: f, format: format}
	var err error
	switch format {
	case output.FormatCSV:
		w.csv, err = output.NewCSV(f.io.Out, "key", "cpu", "value")
	case output.FormatTable:
		cols := []output.Column{{Title: titled("KEY", m.KeyType), Flex: true}}
		if m.PerCPU {
			cols = append(cols, output.Column{Title: "CPU", Right: true})
		}
		w.table = output.NewTable(append(cols, output.Column{Title: titled("VALUE", m.ValueType), Flex: true})...)
	}
	return w, err
}

func titled(title, typ string) string {
	if typ == "" {
		return title
	}
	return title + " " + typ
}

// entries writes a chunk; it fits ExportMap's callback.
func (w *entryWriter) entries(chunk []api.Entry) error {
	for _, e := range chunk {
		if err := w.entry(e); err != nil {
			return err
		}
		w.n++
	}
	return nil
}

func (w *entryWriter) entry(e api.Entry) error {
	out := w.f.io.Out
	switch w.format {
	case output.FormatNDJSON:
		return output.JSONLine(out, e)
	case output.FormatJSON:
		return w.element(e)
	case output.FormatCSV:
		return eachValue(e, func(cpu, value string) error { return w.csv.Write(e.Key.Text, cpu, value) })
	default:
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
}

// element writes one element of a JSON array, one a line.
func (w *entryWriter) element(e api.Entry) error {
	before := ",\n"
	if w.n == 0 {
		before = "[\n"
	}
	if _, err := io.WriteString(w.f.io.Out, before); err != nil {
		return err
	}
	return output.JSONElement(w.f.io.Out, e)
}

func eachValue(e api.Entry, fn func(cpu, value string) error) error {
	if len(e.PerCPU) == 0 {
		return fn("", e.Value.Text)
	}
	for cpu, v := range e.PerCPU {
		if err := fn(fmt.Sprint(cpu), v.Text); err != nil {
			return err
		}
	}
	return nil
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
