package maps

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
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
// are true, and keeps offset+limit entries at most, when an order is asked for,
// else limit. Numbers are ordered by their value, structs field by field, what
// per-CPU counters hold by its sum; entries that are equal, by their keys. A page
// ends early after 1 MiB of keys and values.
//
// Errors: ErrNotSupported, ErrPermission, ErrUsage (the order).
func Query(ctx context.Context, src Source, req api.QueryRequest) (api.Page, error) {
	v, err := queried(ctx, "query map", src, req.Descend)
	if err != nil {
		return api.Page{}, err
	}
	sel, err := v.selection(req)
	if err != nil {
		return api.Page{}, err
	}
	w, err := v.walk(ctx, sel.add)
	if err != nil {
		return api.Page{}, err
	}
	page := api.Page{
		Map: src.Info, Entries: []api.Entry{}, Matched: sel.matched, Scanned: w.scanned,
		Incomplete: w.incomplete, Method: w.method,
	}
	size := 0
	for _, r := range sel.page() {
		if size += len(r.key) + len(r.value); size > pageBytes && len(page.Entries) > 0 {
			break
		}
		page.Entries = append(page.Entries, v.entry(r.key, r.value))
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

// row is an entry that was kept.
type row struct{ key, value []byte }

// selection keeps the entries of one page while a map is walked. With an order
// it is a heap of the first offset+limit, the last of them on top.
type selection struct {
	*view
	match         func(key, value []byte) bool // nil: all
	offset, limit int
	less          func(a, b row) bool // nil: the kernel's order
	rows          []row
	matched       int
}

func (v *view) selection(req api.QueryRequest) (*selection, error) {
	s := &selection{view: v, match: v.matcher(req.Where), limit: min(req.Limit, maxLimit)}
	s.offset = min(max(req.Offset, 0), math.MaxInt-maxLimit) // so that the sum of both is a number
	if s.limit <= 0 {
		s.limit = defaultLimit
	}
	by, down := strings.CutPrefix(req.Order, "-")
	var order func(a, b row) int
	switch by {
	case "key":
		keys := btfview.Order(v.key, v.keySize)
		order = func(a, b row) int { return keys(a.key, b.key) }
	case "value":
		order = v.valueOrder()
	case "":
		if !down {
			return s, nil
		}
		fallthrough
	default:
		return nil, api.Errorf(v.op, v.info.Name, api.ErrUsage, "order "+req.Order+" is none of key, -key, value, -value")
	}
	s.less = func(a, b row) bool {
		c := order(a, b)
		if down {
			c = -c
		}
		return cmp.Or(c, bytes.Compare(a.key, b.key)) < 0
	}
	return s, nil
}

// valueOrder compares values. Counters that each CPU has its own of compare by
// their sum.
func (v *view) valueOrder() func(a, b row) int {
	if perCPU(v.typ) {
		if _, ok := btfview.Sum(v.value, v.valueSize, nil); ok {
			return func(a, b row) int {
				x, _ := btfview.Sum(v.value, v.valueSize, a.value)
				y, _ := btfview.Sum(v.value, v.valueSize, b.value)
				return cmp.Compare(x, y)
			}
		}
	}
	values := btfview.Order(v.value, v.valueSize)
	return func(a, b row) int { return values(v.cpu(a.value, 0), v.cpu(b.value, 0)) }
}

// matcher returns whether an entry's text holds where, in any case.
func (v *view) matcher(where string) func(key, value []byte) bool {
	if where == "" {
		return nil
	}
	want := []byte(strings.ToLower(where))
	var buf []byte // used again for each text
	holds := func(t btf.Type, raw []byte) bool {
		buf = btfview.AppendText(buf[:0], t, raw)
		return bytes.Contains(lower(buf), want)
	}
	return func(key, value []byte) bool {
		if holds(v.key, key) {
			return true
		}
		for i := range v.cpus {
			if holds(v.value, v.cpu(value, i)) {
				return true
			}
		}
		return false
	}
}

// lower is bytes.ToLower in place where it can be.
func lower(text []byte) []byte {
	for i, c := range text {
		switch {
		case c >= utf8.RuneSelf:
			return bytes.ToLower(text)
		case 'A' <= c && c <= 'Z':
			text[i] += 'a' - 'A'
		}
	}
	return text
}

// add takes an entry that the walk gives.
func (s *selection) add(key, value []byte) error {
	if s.match != nil && !s.match(key, value) {
		return nil
	}
	s.matched++
	r := row{key, value}
	switch {
	case s.less == nil:
		if s.matched > s.offset && len(s.rows) < s.limit {
			s.rows = append(s.rows, r.clone())
		}
	case len(s.rows) < s.offset+s.limit:
		heap.Push(s, r.clone())
	case s.less(r, s.rows[0]):
		copy(s.rows[0].key, key)
		copy(s.rows[0].value, value)
		heap.Fix(s, 0)
	}
	return nil
}

func (r row) clone() row { return row{bytes.Clone(r.key), bytes.Clone(r.value)} }

// page returns what was kept for the page, in order.
func (s *selection) page() []row {
	if s.less == nil {
		return s.rows
	}
	slices.SortFunc(s.rows, func(a, b row) int {
		if s.less(a, b) {
			return -1
		}
		return 1
	})
	return s.rows[min(s.offset, len(s.rows)):]
}

// Len implements heap.Interface.
func (s *selection) Len() int { return len(s.rows) }

// Less implements heap.Interface: the entry that is last in order is on top.
func (s *selection) Less(i, j int) bool { return s.less(s.rows[j], s.rows[i]) }

// Swap implements heap.Interface.
func (s *selection) Swap(i, j int) { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] }

// Push implements heap.Interface.
func (s *selection) Push(x any) { s.rows = append(s.rows, x.(row)) }

// Pop implements heap.Interface.
func (s *selection) Pop() any {
	last := s.rows[len(s.rows)-1]
	s.rows = s.rows[:len(s.rows)-1]
	return last
}

// Export sends the entries that match in chunks of at most 4096 entries and
// about 1 MiB, in the kernel's order. An error of fn ends it and is returned as
// it is.
func Export(ctx context.Context, src Source, req api.ExportRequest, fn func([]api.Entry) error) error {
	v, err := newView("export map", src)
	if err != nil {
		return err
	}
	match := v.matcher(req.Where)
	var entries []api.Entry
	size := 0
	w, err := v.walk(ctx, func(key, value []byte) error {
		if match != nil && !match(key, value) {
			return nil
		}
		r := row{key, value}.clone()
		entries = append(entries, v.entry(r.key, r.value))
		if size += len(key) + len(value); size < pageBytes && len(entries) < chunk {
			return nil
		}
		full := entries
		entries, size = nil, 0
		return fn(full)
	})
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if err := fn(entries); err != nil {
			return err
		}
	}
	if w.incomplete {
		return v.errorf(api.ErrFailed, "the map changes faster than it can be read")
	}
	return nil
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
