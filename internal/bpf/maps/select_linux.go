package maps

import (
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/mapexpr"
)

// row is an entry that was kept.
type row struct{ key, value []byte }

func (r row) clone() row { return row{bytes.Clone(r.key), bytes.Clone(r.value)} }

// selection keeps the entries of one page while a map is walked. With an order
// it is a heap of the first offset+limit, the last of them on top.
type selection struct {
	match         mapexpr.Filter // nil: all
	offset, limit int
	quick         bool
	less          func(a, b row) bool // nil: the kernel's order
	rows          []row
	matched       int
	scanned       int
}

func (v *view) selection(req api.QueryRequest) (*selection, error) {
	s := &selection{limit: min(req.Limit, maxLimit), quick: req.Quick}
	s.offset = min(max(req.Offset, 0), math.MaxInt-maxLimit) // so that the sum of both is a number
	if s.limit <= 0 {
		s.limit = defaultLimit
	}
	return s, v.selecting(s, req.Where, req.Order)
}

// selecting sets what a selection matches and its order.
func (v *view) selecting(s *selection, where, order string) error {
	var err error
	if s.match, err = v.filter(where); err != nil {
		return err
	}
	by, err := v.schema().Order(order)
	if err != nil {
		return v.expression("order", err)
	}
	if by == nil {
		return nil
	}
	s.less = func(a, b row) bool {
		return cmp.Or(by(mapexpr.Row{Key: a.key, Value: a.value}, mapexpr.Row{Key: b.key, Value: b.value}), bytes.Compare(a.key, b.key)) < 0
	}
	return nil
}

// filter compiles where; nil matches all.
func (v *view) filter(where string) (mapexpr.Filter, error) {
	f, err := v.schema().Filter(where)
	if err != nil {
		return nil, v.expression("where", err)
	}
	if f == nil || len(v.names) == 0 && v.method != byObject {
		return f, nil
	}
	// Objects go by their names too.
	want := strings.ToLower(where)
	return func(key, value []byte) bool {
		return f(key, value) || strings.Contains(strings.ToLower(v.names[string(key)]), want)
	}, nil
}

// schema is what expressions may name.
func (v *view) schema() mapexpr.Schema {
	s := mapexpr.Schema{Key: v.key, Value: v.value, KeySize: v.keySize, ValueSize: v.valueSize}
	switch {
	case perCPU(v.typ):
		s.CPUs, s.Stride = v.cpus, v.stride
	case v.method == byRecord && v.value != nil:
		// A record that is shorter reads as if zeros followed.
		s.ValueSize, _ = btf.Sizeof(v.value)
	}
	return s
}

// expression says what is wrong with an expression.
func (v *view) expression(part string, err error) error {
	var e *mapexpr.Error
	if !errors.As(err, &e) {
		return api.E(v.op, v.info.Name, api.ErrUsage, err)
	}
	return v.errorf(api.ErrUsage, part+", "+e.Error())
}

// add takes an entry that the walk gives.
func (s *selection) add(key, value []byte) error {
	s.scanned++
	if s.match != nil && !s.match(key, value) {
		return nil
	}
	s.matched++
	r := row{key, value}
	switch {
	case s.less == nil && s.quick && len(s.rows) == s.limit:
		s.matched--
		return errEnough
	case s.less == nil:
		if s.matched > s.offset && len(s.rows) < s.limit {
			s.rows = append(s.rows, r.clone())
		}
	case len(s.rows) < s.offset+s.limit:
		heap.Push(s, r.clone())
	case s.less(r, s.rows[0]):
		s.rows[0].key = append(s.rows[0].key[:0], key...)
		s.rows[0].value = append(s.rows[0].value[:0], value...)
		heap.Fix(s, 0)
	}
	return nil
}

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
