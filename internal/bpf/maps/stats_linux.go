package maps

import (
	"context"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
	"github.com/ebpfdev/ebpfdev/internal/mapexpr"
)

// mostFields is how many numbers of a value have figures.
const mostFields = 32

// summary collects the figures of one number.
type summary struct {
	field *mapexpr.Field
	api.FieldStats
}

// Stats counts entries and sums up the numbers in them, in one pass.
// Errors: as Query's.
func Stats(ctx context.Context, src Source, req api.StatsRequest) (api.MapStats, error) {
	began := time.Now()
	v, err := newView("count map", src)
	if err != nil {
		return api.MapStats{}, err
	}
	match, err := v.filter(req.Where)
	if err != nil {
		return api.MapStats{}, err
	}
	sums := v.summaries()
	stats := api.MapStats{Map: src.Info, Fields: []api.FieldStats{}}
	if v.method == byRecord {
		if stats.Buffer, err = v.buffer(); err != nil {
			return stats, err
		}
	}
	w, err := v.pipe(ctx, func(key, value []byte) error {
		stats.Scanned++
		if match != nil && !match(key, value) {
			return nil
		}
		for i := range sums {
			sums[i].add(key, value, stats.Entries == 0)
		}
		stats.Entries++
		return nil
	})
	if err != nil {
		return stats, err
	}
	for _, s := range sums {
		if stats.Entries > 0 {
			s.Mean = s.Sum / float64(stats.Entries)
		}
		stats.Fields = append(stats.Fields, s.FieldStats)
	}
	stats.Incomplete, stats.Method, stats.Took = w.incomplete, w.method, time.Since(began)
	return stats, nil
}

// summaries returns the numbers in the value.
func (v *view) summaries() []*summary {
	var all []*summary
	if v.method == byRecord || holdsIDs(v.typ) {
		return nil
	}
	s := v.schema()
	names := btfview.Whole(v.value, v.valueSize).Fields()
	for i := range names {
		names[i] = "value." + names[i]
	}
	if len(names) == 0 {
		names = []string{"value"}
	}
	for _, name := range names {
		f, err := s.Field(name)
		if err != nil || len(all) == mostFields || !f.Counts() {
			continue
		}
		all = append(all, &summary{field: f, FieldStats: api.FieldStats{Name: name}})
	}
	return all
}

func (s *summary) add(key, value []byte, first bool) {
	n := s.field.Number(key, value)
	if first {
		s.Min, s.Max = n, n
	}
	s.Min, s.Max, s.Sum = min(s.Min, n), max(s.Max, n), s.Sum+n
}

// buffer tells how full a ring buffer is.
func (v *view) buffer() (*api.BufferStats, error) {
	r, err := openRing(v.fd, v.maxEntries)
	if err != nil {
		return nil, v.fail(err)
	}
	defer r.unmap()
	consumer, producer := r.positions()
	return &api.BufferStats{Bytes: r.size, Waiting: producer - consumer, Consumer: consumer, Producer: producer}, nil
}
