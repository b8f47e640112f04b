package mapexpr

import (
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// Row is an entry to be put in order.
type Row struct{ Key, Value []byte }

// Order compiles an order: fields parted by commas, each with a minus when the
// greatest comes first. It is nil for an empty one. The error is an *Error.
func (s Schema) Order(src string) (func(a, b Row) int, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	var all []func(a, b Row) int
	pos := 0
	for part := range strings.SplitSeq(src, ",") {
		name := strings.TrimSpace(part)
		path, down := strings.CutPrefix(name, "-")
		t := token{word, path, pos + strings.Index(part, name)}
		pos += len(part) + 1
		if path == "" {
			return nil, fail(src, t.pos, "a field's name is missing")
		}
		f, err := s.field(src, t)
		if err != nil {
			return nil, err
		}
		compare := f.order()
		if down {
			up := compare
			compare = func(a, b Row) int { return -up(a, b) }
		}
		all = append(all, compare)
	}
	return func(a, b Row) int {
		for _, compare := range all {
			if n := compare(a, b); n != 0 {
				return n
			}
		}
		return 0
	}, nil
}

// order returns how two entries compare by a field.
func (f *Field) order() func(a, b Row) int {
	switch f.kind {
	case btfview.Unsigned:
		read := f.number()
		return func(a, b Row) int { return order(read(a.Key, a.Value), read(b.Key, b.Value)) }
	case btfview.Signed:
		read := f.number()
		return func(a, b Row) int { return order(int64(read(a.Key, a.Value)), int64(read(b.Key, b.Value))) }
	case btfview.Real:
		return func(a, b Row) int { return order(f.float(a.Key, a.Value), f.float(b.Key, b.Value)) }
	}
	compare := btfview.Order(f.Place.Type, f.Place.Size)
	return func(a, b Row) int {
		return compare(f.Place.Raw(f.of(a.Key, a.Value)), f.Place.Raw(f.of(b.Key, b.Value)))
	}
}
