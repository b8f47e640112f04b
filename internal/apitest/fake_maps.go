package apitest

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// fakeMap is a map with its entries in the order in which they were made.
type fakeMap struct {
	info    api.Map
	entries []api.Entry
}

// AddMap puts a map into the kernel and returns it with its id.
func (f *Fake) AddMap(m api.Map, entries ...api.Entry) api.Map {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.ID == 0 {
		m.ID = f.id()
	}
	f.maps = append(f.maps, &fakeMap{info: m, entries: entries})
	f.touch()
	return m
}

// SetEntry sets an entry as a program would. Key and value are text as in
// api.Edit; it reports whether there is such a map and they can be encoded.
func (f *Fake) SetEntry(mapName, key, value string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.find(api.MapRef{Name: mapName})
	if err != nil {
		return false
	}
	edit := api.Edit{Op: api.EditSet, Key: key, Value: value}
	_, err = m.apply(edit, false)
	f.touch()
	return err == nil
}

// find returns the map that a reference names. f.mu is held.
func (f *Fake) find(ref api.MapRef) (*fakeMap, error) {
	var found []*fakeMap
	for _, m := range f.maps {
		if ref.ID != 0 && m.info.ID == ref.ID ||
			ref.ID == 0 && m.info.Name == ref.Name && (ref.Project == "" || ref.Project == m.info.Project) {
			found = append(found, m)
		}
	}
	name := ref.Name
	if ref.ID != 0 {
		name = strconv.Itoa(int(ref.ID))
	}
	switch len(found) {
	case 0:
		return nil, api.Errorf("map", name, api.ErrNotExist, "no such map")
	case 1:
		return found[0], nil
	default:
		return nil, api.Errorf("map", name, api.ErrUsage, "more than one map has that name")
	}
}

// QueryMap implements api.Maps.
func (f *Fake) QueryMap(ctx context.Context, req api.QueryRequest) (api.Page, error) {
	if err := f.enter(ctx, "QueryMap"); err != nil {
		return api.Page{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.query(req)
}

// query reads a page. f.mu is held.
func (f *Fake) query(req api.QueryRequest) (api.Page, error) {
	m, err := f.find(req.Map)
	if err != nil {
		return api.Page{}, err
	}
	method, err := m.method()
	if err != nil {
		return api.Page{}, err
	}
	if req.Descend {
		return api.Page{}, api.Errorf("query map", m.info.Name, api.ErrUsage, "the fake has no maps of maps")
	}
	rows, err := m.selected(req.Where, req.Order)
	if err != nil {
		return api.Page{}, err
	}
	limit := req.Limit
	if limit == 0 {
		limit = 100
	}
	page := api.Page{Map: m.info, Matched: len(rows), Scanned: len(m.entries), Method: method}
	from := min(max(req.Offset, 0), len(rows))
	page.Entries = slices.Clone(rows[from:min(from+min(limit, 1000), len(rows))])
	page.Entries, err = m.cells(page.Entries, req.Columns)
	return page, err
}

// method is how a kernel would read the map.
func (m *fakeMap) method() (string, error) {
	switch {
	case m.info.Readable:
		return "batch", nil
	case m.info.Type == "ringbuf" || m.info.Type == "user_ringbuf":
		return "records", nil
	case m.info.Type == "queue" || m.info.Type == "stack":
		return "peek", nil
	default:
		return "", api.Errorf("read map", m.info.Name, api.ErrNotSupported, "the entries of a "+m.info.Type+" map cannot be read")
	}
}

// WatchMap implements api.Maps. It also sends a page as soon as something has
// changed, so that tests need not wait for the interval.
func (f *Fake) WatchMap(ctx context.Context, req api.WatchRequest, fn func(api.Page) error) error {
	if err := f.enter(ctx, "WatchMap"); err != nil {
		return err
	}
	interval := req.Interval
	if interval == 0 {
		interval = time.Second
	}
	ticker := time.NewTicker(max(interval, 100*time.Millisecond))
	defer ticker.Stop()
	for {
		f.mu.Lock()
		page, err := f.query(req.Query)
		if failure := f.failure("WatchMap"); failure != nil {
			err = failure
		}
		changed := f.changed
		f.mu.Unlock()
		if err != nil {
			return err
		}
		if err := fn(page); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case <-changed:
		}
	}
}

// EditMap implements api.Maps.
func (f *Fake) EditMap(ctx context.Context, req api.EditRequest) (api.EditResult, error) {
	if err := f.enter(ctx, "EditMap"); err != nil {
		return api.EditResult{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.find(req.Map)
	if err != nil {
		return api.EditResult{}, err
	}
	var res api.EditResult
	for _, edit := range req.Edits {
		change, err := m.apply(edit, req.DryRun)
		if err != nil {
			return res, err
		}
		res.Applied++
		res.Changes = append(res.Changes, change)
	}
	f.touch()
	return res, nil
}

// apply makes one edit, or only compares.
func (m *fakeMap) apply(edit api.Edit, dry bool) (api.Change, error) {
	if edit.Op == api.EditPush || edit.Op == api.EditPop {
		return m.queue(edit, dry)
	}
	key, err := Datum(m.info.KeyType, m.info.KeySize, edit.Key)
	if err != nil {
		return api.Change{}, err
	}
	change := api.Change{Key: key}
	at := slices.IndexFunc(m.entries, func(e api.Entry) bool { return bytes.Equal(e.Key.Raw, key.Raw) })
	if at >= 0 {
		before := m.entries[at].Value
		change.Key, change.Before = m.entries[at].Key, &before
	}
	if edit.Expect != nil && (at < 0 || !bytes.Equal(*edit.Expect, change.Before.Raw)) {
		return api.Change{}, api.Errorf("edit map", m.info.Name, api.ErrConflict, "the entry is no longer what it was")
	}
	if edit.Op == api.EditDelete {
		if at < 0 {
			return api.Change{}, api.Errorf("edit map", m.info.Name, api.ErrNotExist, "no entry has the key "+edit.Key)
		}
		if !dry {
			m.entries = slices.Delete(slices.Clone(m.entries), at, at+1)
		}
		return change, nil
	}
	for _, field := range edit.Fields { // values of the fake are numbers
		edit.Value = strings.TrimPrefix(field, "value=")
	}
	value, err := Datum(m.info.ValueType, m.info.ValueSize, edit.Value)
	if err != nil {
		return api.Change{}, err
	}
	change.After = &value
	switch {
	case dry:
	case at >= 0:
		m.entries = slices.Clone(m.entries)
		m.entries[at].Value = value
	default:
		m.entries = append(m.entries, api.Entry{Key: key, Value: value})
	}
	return change, nil
}
