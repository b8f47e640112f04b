package apitest

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// queue pushes to or pops from a queue or a stack, whose first entry comes next.
func (m *fakeMap) queue(edit api.Edit, dry bool) (api.Change, error) {
	if m.info.Type != "queue" && m.info.Type != "stack" {
		return api.Change{}, api.Errorf("edit map", m.info.Name, api.ErrNotSupported, "only queues and stacks are pushed to and popped")
	}
	if edit.Op == api.EditPop {
		if len(m.entries) == 0 {
			return api.Change{}, api.Errorf("edit map", m.info.Name, api.ErrNotExist, "the "+m.info.Type+" is empty")
		}
		before := m.entries[0].Value
		if !dry {
			m.entries = slices.Clone(m.entries[1:])
		}
		return api.Change{Before: &before}, nil
	}
	value, err := Datum(m.info.ValueType, m.info.ValueSize, edit.Value)
	if err != nil {
		return api.Change{}, err
	}
	at := len(m.entries)
	if m.info.Type == "stack" {
		at = 0
	}
	if !dry {
		m.entries = slices.Insert(slices.Clone(m.entries), at, api.Entry{Value: value})
	}
	return api.Change{After: &value}, nil
}

// LookupMap implements api.Maps.
func (f *Fake) LookupMap(ctx context.Context, req api.LookupRequest) ([]api.Entry, error) {
	if err := f.enter(ctx, "LookupMap"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.find(req.Map)
	if err != nil {
		return nil, err
	}
	if method, err := m.method(); err != nil {
		return nil, err
	} else if method == "peek" {
		if len(m.entries) == 0 {
			return nil, api.Errorf("look up in map", m.info.Name, api.ErrNotExist, "the "+m.info.Type+" is empty")
		}
		return m.entries[:1], nil
	}
	if len(req.Keys) == 0 {
		return nil, api.Errorf("look up in map", m.info.Name, api.ErrUsage, "which key?")
	}
	var found []api.Entry
	for _, text := range req.Keys {
		key, err := Datum(m.info.KeyType, m.info.KeySize, text)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(m.entries, func(e api.Entry) bool { return bytes.Equal(e.Key.Raw, key.Raw) })
		if at < 0 {
			return nil, api.Errorf("look up in map", m.info.Name, api.ErrNotExist, "no entry has the key "+text)
		}
		found = append(found, m.entries[at])
	}
	return found, nil
}

// StatMap implements api.Maps. It has figures for values that are numbers.
func (f *Fake) StatMap(ctx context.Context, req api.StatsRequest) (api.MapStats, error) {
	if err := f.enter(ctx, "StatMap"); err != nil {
		return api.MapStats{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	page, err := f.query(api.QueryRequest{Map: req.Map, Where: req.Where, Limit: 1})
	if err != nil {
		return api.MapStats{}, err
	}
	m, _ := f.find(req.Map) // query has found it
	rows, err := m.selected(req.Where, "")
	stats := api.MapStats{Map: m.info, Entries: len(rows), Scanned: page.Scanned, Method: page.Method, Fields: []api.FieldStats{}}
	if m.info.ValueType != "__u64" && m.info.ValueType != "__u32" || len(rows) == 0 {
		return stats, err
	}
	s := api.FieldStats{Name: "value"}
	for i, e := range rows {
		n, _ := strconv.ParseFloat(e.Value.Text, 64)
		if i == 0 {
			s.Min, s.Max = n, n
		}
		s.Min, s.Max, s.Sum = min(s.Min, n), max(s.Max, n), s.Sum+n
	}
	s.Mean = s.Sum / float64(len(rows))
	stats.Fields = append(stats.Fields, s)
	return stats, err
}
