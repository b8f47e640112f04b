package mapexpr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// Schema is what the entries of a map consist of.
type Schema struct {
	Key, Value         btf.Type // nil: not known
	KeySize, ValueSize int      // bytes, of one CPU
	CPUs, Stride       int      // values in an entry and bytes from one to the next; one value where CPUs is 0
}

// Field is a part of an entry.
type Field struct {
	Name  string
	InKey bool
	Place btfview.Place
	kind  btfview.Kind
	s     Schema
	read  func(key, value []byte) uint64
}

func (s Schema) at(name string, inKey bool, place btfview.Place) *Field {
	f := &Field{Name: name, InKey: inKey, Place: place, kind: place.Kind(), s: s}
	f.read = f.number()
	return f
}

// Field finds a field by its path.
func (s Schema) Field(path string) (*Field, error) {
	return s.field(path, token{kind: word, text: path})
}

// field finds the field that a token of src names.
func (s Schema) field(src string, t token) (*Field, error) {
	key, value := btfview.Whole(s.Key, s.KeySize), btfview.Whole(s.Value, s.ValueSize)
	path := t.text
	switch {
	case path == "key":
		return s.at(path, true, key), nil
	case path == "value":
		return s.at(path, false, value), nil
	case strings.HasPrefix(path, "key.") || strings.HasPrefix(path, "key["):
		return s.within(src, t, key, true, strings.TrimPrefix(path[3:], "."))
	case strings.HasPrefix(path, "value.") || strings.HasPrefix(path, "value["):
		return s.within(src, t, value, false, strings.TrimPrefix(path[5:], "."))
	}
	inKey, errKey := key.Find(path)
	inValue, errValue := value.Find(path)
	switch {
	case errKey == nil && errValue == nil:
		return nil, fail(src, t.pos, "key and value both have %s: write key.%s or value.%s", path, path, path)
	case errKey == nil:
		return s.at(path, true, inKey), nil
	case errValue == nil:
		return s.at(path, false, inValue), nil
	}
	return nil, s.noField(src, t, key, value, errValue)
}

// within finds a field of the key or of the value.
func (s Schema) within(src string, t token, in btfview.Place, isKey bool, path string) (*Field, error) {
	place, err := in.Find(path)
	if err == nil {
		return s.at(t.text, isKey, place), nil
	}
	e := fail(src, t.pos, "%v", err)
	var none *btfview.NoFieldError
	if errors.As(err, &none) {
		return nil, e.meaning(none.Name, none.Has)
	}
	return nil, e
}

// noField says that neither key nor value has a field, and what they have.
func (s Schema) noField(src string, t token, key, value btfview.Place, err error) error {
	var none *btfview.NoFieldError
	if !errors.As(err, &none) || none.Name != t.text {
		if first, _, nested := strings.Cut(t.text, "."); nested {
			if _, bad := value.Find(first); bad == nil {
				return fail(src, t.pos, "%v", err)
			}
		}
	}
	all := append(key.Fields(), value.Fields()...)
	if len(all) == 0 {
		all = []string{"key", "value"}
	}
	e := fail(src, t.pos, "no field %q", clip(t.text)).meaning(t.text, all)
	if len(e.Near) == 0 {
		e.Reason += ", there " + listFields(all)
	}
	return e
}

func listFields(all []string) string {
	const most = 12
	if len(all) == 1 {
		return "is " + all[0]
	}
	more := ""
	if len(all) > most {
		more = fmt.Sprintf(" and %d more", len(all)-most)
		all = all[:most]
	}
	return "are " + strings.Join(all, ", ") + more
}

// of returns the bytes that a field is in; of a per-CPU map's value the first CPU's.
func (f *Field) of(key, value []byte) []byte {
	if f.InKey {
		return key
	}
	return f.s.cpu(value, 0)
}

func (s Schema) cpu(value []byte, i int) []byte {
	if s.CPUs == 0 {
		return value
	}
	return value[i*s.Stride : i*s.Stride+s.ValueSize]
}

// summed reports whether a field is a number that each CPU has one of.
func (f *Field) summed() bool { return !f.InKey && f.s.CPUs > 1 }

// number returns what reads a number, the sum of all CPUs.
func (f *Field) number() func(key, value []byte) uint64 {
	read := f.Place.Number()
	switch {
	case f.InKey:
		return func(key, _ []byte) uint64 { return read(key) }
	case !f.summed():
		return func(_, value []byte) uint64 { return read(f.s.cpu(value, 0)) }
	}
	return func(_, value []byte) uint64 {
		var sum uint64
		for i := range f.s.CPUs {
			sum += read(f.s.cpu(value, i))
		}
		return sum
	}
}

func (f *Field) float(key, value []byte) float64 {
	if !f.summed() {
		return f.Place.Float(f.of(key, value))
	}
	sum := 0.0
	for i := range f.s.CPUs {
		sum += f.Place.Float(f.s.cpu(value, i))
	}
	return sum
}

// Append appends a field's text or JSON. Numbers of per-CPU maps are sums; else it
// is the first CPU's.
func (f *Field) Append(dst, key, value []byte, json bool) []byte {
	if f.summed() && f.Place.Names() == nil && (f.kind == btfview.Unsigned || f.kind == btfview.Signed) {
		v := f.read(key, value)
		if f.kind == btfview.Signed {
			return fmt.Append(dst, int64(v))
		}
		return fmt.Append(dst, v)
	}
	return f.Place.Append(dst, f.of(key, value), json)
}

// Uint reads a number, the sum of all CPUs.
func (f *Field) Uint(key, value []byte) uint64 { return f.read(key, value) }

// Raw returns a field's bytes, the first CPU's.
func (f *Field) Raw(key, value []byte) []byte { return f.Place.Raw(f.of(key, value)) }

// Counts reports whether a field is a number that can be added up: no address, no
// name of an enum.
func (f *Field) Counts() bool {
	switch f.kind {
	case btfview.Unsigned, btfview.Signed:
		return f.Place.Names() == nil
	default:
		return f.kind == btfview.Real
	}
}

// Number reads a field that counts.
func (f *Field) Number(key, value []byte) float64 {
	switch f.kind {
	case btfview.Real:
		return f.float(key, value)
	case btfview.Signed:
		return float64(int64(f.Uint(key, value)))
	default:
		return float64(f.Uint(key, value))
	}
}
