package btfc

import (
	"slices"

	"github.com/cilium/ebpf/btf"
)

// plan is how a struct or union is written, so that it has BTF's layout.
type plan struct {
	packed  bool // __attribute__((packed))
	aligned int  // __attribute__((aligned(n))), for unions that are larger than C makes them
	opaque  bool // bytes in place of its members: no C has this layout
	align   int  // bytes: its alignment as it is written
	members []btf.Member
}

// planOf returns the plan of a struct or union.
func (w *writer) planOf(t btf.Type) plan {
	if p, ok := w.plans[t]; ok {
		return p
	}
	var p plan
	switch t := t.(type) {
	case *btf.Struct:
		p = w.planStruct(t)
	case *btf.Union:
		p = w.planUnion(t)
	}
	w.plans[t] = p
	return p
}

func (w *writer) planStruct(t *btf.Struct) plan {
	p := plan{align: 1, members: inOrder(t.Members)}
	for _, packed := range []bool{false, true} {
		l := w.newLayout(packed)
		if l.fits(p.members, t.Size) {
			p.packed, p.align = packed, l.align
			return p
		}
	}
	p.opaque = true
	return p
}

func (w *writer) planUnion(t *btf.Union) plan {
	p := plan{align: 1, members: inOrder(t.Members)}
	most := 0 // bytes
	for _, m := range p.members {
		size, ok := w.memberSize(m)
		if !ok || m.Offset != 0 {
			p.opaque = true
			return p
		}
		most, p.align = max(most, size), max(p.align, w.alignOf(m.Type))
	}
	size := int(t.Size)
	switch {
	case roundUp(most, p.align) == size:
	case most == size:
		p.packed, p.align = true, 1
	case most > size:
		p.opaque, p.align = true, 1
	default:
		for p.aligned = 2 * p.align; p.aligned < size && roundUp(most, p.aligned) != size; p.aligned *= 2 {
		}
		if roundUp(most, p.aligned) != size {
			return plan{opaque: true, align: 1}
		}
		p.align = p.aligned
	}
	return p
}

// memberSize returns how many bytes a member of a union takes.
func (w *writer) memberSize(m btf.Member) (int, bool) {
	if m.BitfieldSize > 0 {
		return (int(m.BitfieldSize) + 7) / 8, true
	}
	return sizeOf(m.Type)
}

// inOrder returns the members by their offsets, as C has them. Rust's come in
// any order.
func inOrder(members []btf.Member) []btf.Member {
	byOffset := func(a, b btf.Member) int { return int(a.Offset) - int(b.Offset) }
	if slices.IsSortedFunc(members, byOffset) {
		return members
	}
	members = slices.Clone(members)
	slices.SortStableFunc(members, byOffset)
	return members
}

// layout lays out a struct as C does.
type layout struct {
	w      *writer
	packed bool
	bits   int // used so far
	align  int // bytes
}

func (w *writer) newLayout(packed bool) *layout { return &layout{w: w, packed: packed, align: 1} }

// fits reports whether C can give the members their offsets and the struct its
// size in bytes, with padding where that helps.
func (l *layout) fits(members []btf.Member, size uint32) bool {
	for _, m := range members {
		if _, ok := l.place(m); !ok {
			return false
		}
	}
	_, ok := l.end(size)
	return ok
}

// place puts a member where BTF has it. It returns the bit up to which padding
// has to be written before; false when C cannot put it there.
func (l *layout) place(m btf.Member) (pad int, ok bool) {
	size, sized := sizeOf(m.Type)
	align, at := l.w.alignOf(m.Type), int(m.Offset)
	if !sized {
		return 0, false
	}
	length, natural := 8*size, 0
	if m.BitfieldSize > 0 {
		length = int(m.BitfieldSize)
		natural = l.bitfield(l.bits, length, 8*size)
		ok = length <= 8*size && l.bitfield(at, length, 8*size) == at
	} else {
		unit := 8 * align
		if l.packed {
			unit = 8
		}
		natural = roundUp(l.bits, unit)
		ok = at%unit == 0
	}
	if !ok || natural > at {
		return 0, false
	}
	pad = l.bits
	if natural < at {
		pad = at
	}
	l.bits = at + length
	if !l.packed {
		l.align = max(l.align, align)
	}
	return pad, true
}

// bitfield returns where C puts a bit-field of some bits at the earliest: one
// does not cross a boundary of its type.
func (l *layout) bitfield(at, bits, unit int) int {
	if !l.packed && unit > 0 && at%unit+bits > unit {
		return roundUp(at, unit)
	}
	return at
}

// end returns the bit up to which padding has to be written behind the last
// member; false when C cannot give the struct its size in bytes.
func (l *layout) end(size uint32) (pad int, ok bool) {
	want, unit := 8*int(size), 8*l.align
	natural := roundUp(l.bits, unit)
	switch {
	case natural > want || want%unit != 0:
		return 0, false
	case natural < want:
		return want, true
	default:
		return l.bits, true
	}
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// sizeOf returns the size of a type in bytes; false when it has none.
func sizeOf(t btf.Type) (int, bool) {
	n, err := btf.Sizeof(t)
	return n, err == nil && n < 1<<28 // bits have to fit an int of 32 bits
}

// alignOf returns the alignment of a type in bytes on the BPF target, where the
// fundamental types are aligned to their size.
func (w *writer) alignOf(t btf.Type) int {
	for range maxDepth {
		switch v := t.(type) {
		case *btf.Struct, *btf.Union:
			return w.planOf(t).align
		case *btf.Pointer:
			return 8
		case *btf.Int:
			return alignOfSize(v.Size)
		case *btf.Enum:
			return alignOfSize(v.Size)
		case *btf.Float:
			return alignOfSize(v.Size)
		case *btf.Array:
			t = v.Type
		case *btf.Typedef:
			t = v.Type
		default:
			next, ok := qualified(t)
			if !ok {
				return 1
			}
			t = next
		}
	}
	return 1
}

// alignOfSize is for what is written as a number; of other sizes it is an array
// of bytes.
func alignOfSize(size uint32) int {
	switch size {
	case 2, 4, 8, 16:
		return int(size)
	default:
		return 1
	}
}
