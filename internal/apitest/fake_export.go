package apitest

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/mapexpr"
)

// schema is what expressions may name: keys and values as a whole, where they are
// numbers.
func (m *fakeMap) schema() mapexpr.Schema {
	number := func(name string, size uint32) btf.Type {
		if name != "__u32" && name != "__u64" {
			return nil
		}
		return &btf.Int{Name: name, Size: size}
	}
	return mapexpr.Schema{
		Key: number(m.info.KeyType, m.info.KeySize), KeySize: int(m.info.KeySize),
		Value: number(m.info.ValueType, m.info.ValueSize), ValueSize: int(m.info.ValueSize),
	}
}

// selected returns the entries that match, in order.
func (m *fakeMap) selected(where, order string) ([]api.Entry, error) {
	match, err := m.schema().Filter(where)
	if err != nil {
		return nil, api.Errorf("query map", m.info.Name, api.ErrUsage, "where, "+err.Error())
	}
	want, isText := mapexpr.Text(where)
	want = strings.ToLower(want)
	var rows []api.Entry
	for _, e := range m.entries {
		if isText || match == nil {
			if strings.Contains(strings.ToLower(e.Key.Text+"\n"+e.Value.Text), want) {
				rows = append(rows, e)
			}
		} else if match(e.Key.Raw, e.Value.Raw) {
			rows = append(rows, e)
		}
	}
	compare, err := m.schema().Order(order)
	if err != nil {
		return nil, api.Errorf("query map", m.info.Name, api.ErrUsage, "order, "+err.Error())
	}
	if compare != nil {
		slices.SortStableFunc(rows, func(a, b api.Entry) int {
			if len(a.Key.Raw) != len(b.Key.Raw) || len(a.Value.Raw) != len(b.Value.Raw) {
				return cmp.Compare(a.Key.Text, b.Key.Text) // not of the map's types
			}
			return compare(mapexpr.Row{Key: a.Key.Raw, Value: a.Value.Raw}, mapexpr.Row{Key: b.Key.Raw, Value: b.Value.Raw})
		})
	}
	return rows, nil
}

// cells gives entries the columns that were asked for.
func (m *fakeMap) cells(entries []api.Entry, columns []string) ([]api.Entry, error) {
	for _, name := range columns {
		field, err := m.schema().Field(name)
		if err != nil {
			return nil, api.Errorf("query map", m.info.Name, api.ErrUsage, "columns, "+err.Error())
		}
		for i := range entries {
			e := &entries[i]
			text := string(field.Append(nil, e.Key.Raw, e.Value.Raw, false))
			e.Cells = append(e.Cells, api.Datum{
				Raw: field.Raw(e.Key.Raw, e.Value.Raw), Text: text, JSON: field.Append(nil, e.Key.Raw, e.Value.Raw, true),
			})
		}
	}
	return entries, nil
}

// ExportMap implements api.Maps.
func (f *Fake) ExportMap(ctx context.Context, req api.ExportRequest, fn func(api.Chunk) error) (api.ExportResult, error) {
	if err := f.enter(ctx, "ExportMap"); err != nil {
		return api.ExportResult{}, err
	}
	f.mu.Lock()
	page, err := f.query(api.QueryRequest{Map: req.Map, Where: req.Where, Order: req.Order, Limit: 1, Descend: req.Descend})
	var rows []api.Entry
	if err == nil {
		m, _ := f.find(req.Map) // query has found it
		if rows, err = m.selected(req.Where, req.Order); err == nil {
			if req.Limit > 0 {
				rows = rows[:min(req.Limit, len(rows))]
			}
			rows, err = m.cells(slices.Clone(rows), req.Columns)
		}
	}
	f.mu.Unlock()
	if err != nil {
		return api.ExportResult{}, err
	}
	res := api.ExportResult{
		Matched: page.Matched, Scanned: page.Scanned, Method: page.Method, More: len(rows) < page.Matched,
	}
	some := false
	for part := range slices.Chunk(rows, 4096) {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		c := api.Chunk{Entries: part, Count: len(part)}
		if req.Format != api.ExportEntries {
			c.Text, err = lines(part, req, &some)
			c.Entries = nil
		}
		if err == nil {
			err = fn(c)
		}
		if err != nil {
			return res, err
		}
	}
	return res, nil
}

// lines writes entries as a target does.
func lines(entries []api.Entry, req api.ExportRequest, some *bool) ([]byte, error) {
	var b strings.Builder
	for _, e := range entries {
		if *some && req.Format == api.ExportJSON {
			b.WriteString(",\n")
		}
		*some = true
		if len(req.Columns) > 0 {
			b.WriteString("{")
			for i, name := range req.Columns {
				b.WriteString([]string{"", ","}[min(i, 1)] + `"` + name + `":` + string(e.Cells[i].JSON))
			}
			b.WriteString("}")
			if req.Format == api.ExportNDJSON {
				b.WriteByte('\n')
			}
			continue
		}
		var line strings.Builder
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
		if req.Format == api.ExportJSON {
			b.WriteString(strings.TrimSuffix(line.String(), "\n"))
		} else {
			b.WriteString(line.String())
		}
	}
	return []byte(b.String()), nil
}
