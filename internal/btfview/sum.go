package btfview

import (
	"encoding/binary"

	"github.com/cilium/ebpf/btf"
)

// maxCounters bounds how many numbers of a value are added up.
const maxCounters = 1024

// counter is one number in a value.
type counter struct {
	off, size int // bytes
	signed    bool
}

// Total adds up the values that CPUs hold of one entry, number by number.
type Total struct {
	typ      btf.Type
	counters []counter
}

// NewTotal returns what adds up values of size bytes of a type. It is false when
// they hold something that is no count: addresses, names, enums, bit fields.
func NewTotal(t btf.Type, size int) (*Total, bool) {
	if !fits(t, size) {
		return nil, false
	}
	sum := new(Total)
	wide, ok := sum.widen(t, 0, 0)
	if !ok || len(sum.counters) == 0 {
		return nil, false
	}
	sum.typ = wide
	return sum, true
}

// Type is the type of sums: that of the values with 64 bits for each number.
func (s *Total) Type() btf.Type { return s.typ }

// Of returns the sum of values as bytes of Type. Numbers of 64 bits wrap around.
func (s *Total) Of(values [][]byte) []byte {
	out := make([]byte, 0, 8*len(s.counters))
	for _, c := range s.counters {
		n := uint64(0)
		for _, raw := range values {
			v := little(raw[c.off : c.off+c.size])
			if c.signed {
				v = uint64(extend(v, 8*c.size))
			}
			n += v
		}
		out = binary.LittleEndian.AppendUint64(out, n)
	}
	return out
}

// widen returns t with numbers of 64 bits, and notes where its own are.
func (s *Total) widen(t btf.Type, off, depth int) (btf.Type, bool) {
	under, big := strip(t)
	if big || depth >= maxDepth || len(s.counters) >= maxCounters {
		return nil, false
	}
	switch u := under.(type) {
	case *btf.Int:
		if u.Encoding == btf.Bool || u.Encoding == btf.Char || u.Name == "char" || u.Size > 8 {
			return nil, false
		}
		signed := u.Encoding == btf.Signed
		s.counters = append(s.counters, counter{off, int(u.Size), signed})
		if signed {
			return &btf.Int{Name: "__s64", Size: 8, Encoding: btf.Signed}, true
		}
		return &btf.Int{Name: "__u64", Size: 8}, true
	case *btf.Array:
		return s.widenArray(u, off, depth)
	case *btf.Struct:
		return s.widenStruct(u, off, depth)
	default:
		return nil, false
	}
}

func (s *Total) widenArray(a *btf.Array, off, depth int) (btf.Type, bool) {
	size, err := btf.Sizeof(a.Type)
	if err != nil || size <= 0 || a.Nelems == 0 || a.Nelems > maxCounters || isByte(a.Type) {
		return nil, false
	}
	var item btf.Type
	for i := range int(a.Nelems) {
		wide, ok := s.widen(a.Type, off+i*size, depth+1)
		if !ok {
			return nil, false
		}
		item = wide
	}
	return &btf.Array{Index: a.Index, Type: item, Nelems: a.Nelems}, true
}

func (s *Total) widenStruct(t *btf.Struct, off, depth int) (btf.Type, bool) {
	wide := &btf.Struct{Name: t.Name}
	for _, m := range t.Members {
		if m.BitfieldSize > 0 {
			return nil, false
		}
		typ, ok := s.widen(m.Type, off+int(m.Offset.Bytes()), depth+1)
		if !ok {
			return nil, false
		}
		size, err := btf.Sizeof(typ)
		if err != nil {
			return nil, false
		}
		wide.Members = append(wide.Members, btf.Member{Name: m.Name, Type: typ, Offset: btf.Bits(8 * wide.Size)})
		wide.Size += uint32(size)
	}
	return wide, true
}
