package maps

import (
	"context"
	"math"
	"slices"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// textBytes is how long the text of a chunk is about.
const textBytes = 256 << 10

// export sends entries on as they are found.
type export struct {
	*view
	sel     *selection
	columns []column
	fn      func(api.Chunk) error
	text    *renderer // nil for entries
	chunk   api.Chunk
	raw     int // bytes in it
	sent    int
	limit   int
}

// Export sends the entries that match in chunks of at most 4096 entries and about
// 1 MiB, in the kernel's order as they are read, in another at the end. An error of
// fn ends it and is returned as it is.
func Export(ctx context.Context, src Source, req api.ExportRequest, fn func(api.Chunk) error) (api.ExportResult, error) {
	v, err := queried(ctx, "export map", src, req.Descend)
	if err != nil {
		return api.ExportResult{}, err
	}
	e, err := v.export(req, fn)
	if err != nil {
		return api.ExportResult{}, err
	}
	w, err := v.pipe(ctx, e.add)
	if err != nil {
		return api.ExportResult{}, err
	}
	if e.sel.less != nil {
		for _, r := range e.sel.page() {
			if err := e.send(r.key, r.value); err != nil {
				return api.ExportResult{}, err
			}
		}
	}
	res := api.ExportResult{
		Matched: e.sel.matched, Scanned: e.sel.scanned, Incomplete: w.incomplete, Method: w.method,
		More: w.more || e.sel.less != nil && e.sel.matched > len(e.sel.rows),
	}
	return res, e.flush()
}

func (v *view) export(req api.ExportRequest, fn func(api.Chunk) error) (*export, error) {
	e := &export{view: v, fn: fn, limit: max(req.Limit, 0), sel: &selection{limit: math.MaxInt}}
	if e.limit > 0 {
		e.sel.limit = e.limit
	}
	if err := v.selecting(e.sel, req.Where, req.Order); err != nil {
		return nil, err
	}
	var err error
	if e.columns, err = v.columns(req.Columns); err != nil {
		return nil, err
	}
	switch req.Format {
	case api.ExportEntries:
	case api.ExportJSON, api.ExportNDJSON:
		e.text = v.renderer(e.columns, req.Format == api.ExportJSON)
	default:
		return nil, v.errorf(api.ErrUsage, "the format "+string(req.Format)+" is none of json and ndjson")
	}
	return e, nil
}

// add takes an entry that the walk gives.
func (e *export) add(key, value []byte) error {
	if e.sel.less != nil {
		return e.sel.add(key, value)
	}
	e.sel.scanned++
	if e.sel.match != nil && !e.sel.match(key, value) {
		return nil
	}
	if e.limit > 0 && e.sent == e.limit {
		return errEnough
	}
	e.sel.matched++
	return e.send(key, value)
}

// send adds an entry to the chunk, and sends that when it is full.
func (e *export) send(key, value []byte) error {
	e.sent++
	e.chunk.Count++
	if e.text != nil {
		e.chunk.Text = e.text.append(e.chunk.Text, key, value)
		if len(e.chunk.Text) < textBytes && e.chunk.Count < chunk {
			return nil
		}
		return e.flush()
	}
	r := row{key, value}.clone()
	e.chunk.Entries = append(e.chunk.Entries, e.shown(e.columns, r.key, r.value))
	if e.raw += len(key) + len(value); e.raw < pageBytes && e.chunk.Count < chunk {
		return nil
	}
	return e.flush()
}

// flush sends what is in the chunk. A text is the receiver's until it returns.
func (e *export) flush() error {
	if e.chunk.Count == 0 {
		return nil
	}
	full := e.chunk
	e.chunk, e.raw = api.Chunk{Text: slices.Grow(full.Text[:0], 0)}, 0
	return e.fn(full)
}
