package maps

import (
	"context"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	// pageBytes bounds the raw bytes of a page or a chunk, so that it fits into
	// a frame of the wire once it is text. A single entry may be larger.
	pageBytes = 1 << 20
	chunk     = 4096
)

// Query returns one page of a map. It reads the whole map, so that the counts
// are true, unless it is to be quick, and keeps offset+limit entries at most, when an
// order is asked for, else limit. Entries that are equal in order are put in the order
// of their keys. A page ends early after 1 MiB of keys and values.
//
// Errors: ErrNotSupported, ErrPermission, ErrUsage (the filter, the order, a column).
func Query(ctx context.Context, src Source, req api.QueryRequest) (api.Page, error) {
	v, err := queried(ctx, "query map", src, req.Descend)
	if err != nil {
		return api.Page{}, err
	}
	sel, err := v.selection(req)
	if err != nil {
		return api.Page{}, err
	}
	columns, err := v.columns(req.Columns)
	if err != nil {
		return api.Page{}, err
	}
	w, err := v.pipe(ctx, sel.add)
	if err != nil {
		return api.Page{}, err
	}
	page := api.Page{
		Map: src.Info, Entries: []api.Entry{}, Matched: sel.matched, Scanned: sel.scanned,
		Incomplete: w.incomplete, More: w.more, Method: w.method,
	}
	size := 0
	for _, r := range sel.page() {
		if size += len(r.key) + len(r.value); size > pageBytes && len(page.Entries) > 0 {
			break
		}
		page.Entries = append(page.Entries, v.shown(columns, r.key, r.value))
	}
	return page, nil
}

// queried returns the view of a map, or of the maps in it.
func queried(ctx context.Context, op string, src Source, descend bool) (*view, error) {
	v, err := newView(op, src)
	if err != nil || !descend {
		return v, err
	}
	return v.descended(ctx)
}

const (
	defaultInterval = time.Second
	minInterval     = 100 * time.Millisecond
	// rest is how many times as long as the last scan a watch waits at least:
	// it may take a quarter of one CPU.
	rest = 3
)

// Watch sends the page of a query at once and then after every interval until
// the context ends, which is its error. A map that takes long to read is read
// less often.
func Watch(ctx context.Context, src Source, req api.WatchRequest, fn func(api.Page) error) error {
	interval := req.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	interval = max(interval, minInterval)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		start := time.Now()
		page, err := Query(ctx, src, req.Query)
		if err != nil {
			return err
		}
		took := time.Since(start)
		timer.Reset(max(interval-took, rest*took))
		if err := fn(page); err != nil {
			return err
		}
	}
}
