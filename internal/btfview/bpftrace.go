package btfview

import (
	"slices"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// OfBpftrace returns the type of a bpftrace map's keys or values as it is meant:
// bpftrace (0.21) describes strings as arrays of int8, and tuples as structs
// whose members have no names. They become char, and _0, _1 and so on.
func OfBpftrace(t btf.Type) btf.Type { return bpftraced{}.of(t, 0) }

// bpftraced holds what has been translated already, each type once.
type bpftraced map[btf.Type]btf.Type

func (b bpftraced) of(t btf.Type, depth int) btf.Type {
	if done, ok := b[t]; ok {
		return done
	}
	out := t
	switch u := t.(type) {
	case *btf.Array:
		if depth < maxDepth {
			out = b.array(u, depth)
		}
	case *btf.Struct:
		if depth < maxDepth {
			out = b.tuple(u, depth)
		}
	}
	b[t] = out
	return out
}

func (b bpftraced) array(a *btf.Array, depth int) btf.Type {
	elem := b.of(a.Type, depth+1)
	if i, ok := elem.(*btf.Int); ok && i.Name == "int8" && i.Size == 1 {
		elem = &btf.Int{Name: "char", Size: 1, Encoding: i.Encoding}
	}
	return &btf.Array{Index: a.Index, Type: elem, Nelems: a.Nelems}
}

func (b bpftraced) tuple(s *btf.Struct, depth int) btf.Type {
	out := *s
	out.Members = slices.Clone(s.Members)
	for i := range out.Members {
		m := &out.Members[i]
		m.Type = b.of(m.Type, depth+1)
		if m.Name == "" {
			m.Name = "_" + strconv.Itoa(i)
		}
	}
	return &out
}
