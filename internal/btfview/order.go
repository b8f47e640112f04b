package btfview

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/cilium/ebpf/btf"
)

// Order returns how two values of size bytes compare: numbers by their value,
// strings up to their NUL, structs field by field, everything else by its bytes.
// Without a type, bytes that are as long as a number compare as one.
func Order(t btf.Type, size int) func(a, b []byte) int {
	if !fits(t, size) {
		return plainOrder(size)
	}
	under, big := strip(t)
	if i, ok := under.(*btf.Int); ok && i.Encoding != btf.Signed && !big {
		return plainOrder(size)
	}
	return func(a, b []byte) int {
		c := comparer{left: maxMembers + size}
		return c.compare(t, a, b, 0)
	}
}

func plainOrder(size int) func(a, b []byte) int {
	switch size {
	case 8:
		return func(a, b []byte) int {
			return cmp.Compare(binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b))
		}
	case 1, 2, 4:
		return func(a, b []byte) int { return cmp.Compare(little(a), little(b)) }
	default:
		return bytes.Compare
	}
}

// comparer compares values, left members at most.
type comparer struct{ left int }

// compare compares two values of the same length.
func (c *comparer) compare(t btf.Type, a, b []byte, depth int) int {
	if c.left--; c.left < 0 || depth >= maxDepth || len(a) != len(b) {
		return bytes.Compare(a, b)
	}
	if IsPrefix(t) && len(a) > 4 {
		return comparePrefixes(a, b)
	}
	under, big := strip(t)
	switch u := under.(type) {
	case *btf.Int:
		switch {
		case big:
			return bytes.Compare(a, b)
		case len(a) == 16:
			signed := u.Encoding == btf.Signed
			return wideNumber(a, signed).Cmp(wideNumber(b, signed))
		default:
			return compareBits(u.Encoding == btf.Signed, little(a), little(b), 8*len(a))
		}
	case *btf.Enum:
		return compareBits(u.Signed, little(a), little(b), 8*len(a))
	case *btf.Pointer:
		return cmp.Compare(little(a), little(b))
	case *btf.Float:
		return compareFloat(a, b)
	case *btf.Array:
		return c.array(u, a, b, depth+1)
	case *btf.Struct:
		return c.fields(u.Members, a, b, depth+1)
	default:
		return bytes.Compare(a, b)
	}
}

func compareBits(signed bool, a, b uint64, n int) int {
	if signed && n > 0 {
		return cmp.Compare(extend(a, n), extend(b, n))
	}
	return cmp.Compare(a, b)
}

func compareFloat(a, b []byte) int {
	switch len(a) {
	case 4:
		return cmp.Compare(math.Float32frombits(uint32(little(a))), math.Float32frombits(uint32(little(b))))
	case 8:
		return cmp.Compare(math.Float64frombits(little(a)), math.Float64frombits(little(b)))
	default:
		return bytes.Compare(a, b)
	}
}

func (c *comparer) array(t *btf.Array, a, b []byte, depth int) int {
	if isText(t, "") {
		return bytes.Compare(cut(a), cut(b))
	}
	size, err := btf.Sizeof(t.Type)
	if err != nil || size <= 0 || isByte(t.Type) {
		return bytes.Compare(a, b)
	}
	for i := 0; i+size <= len(a); i += size {
		if d := c.compare(t.Type, a[i:i+size], b[i:i+size], depth); d != 0 {
			return d
		}
	}
	return 0
}

func (c *comparer) fields(ms []btf.Member, a, b []byte, depth int) int {
	for _, m := range ms {
		var d int
		if m.BitfieldSize > 0 {
			off, n := int(m.Offset), int(m.BitfieldSize)
			x, okX := bitfield(a, off, n)
			y, okY := bitfield(b, off, n)
			if okX && okY {
				d = compareBits(isSigned(m.Type), x, y, n)
			}
		} else {
			x, okX := sized(m.Type, a, int(m.Offset.Bytes()))
			y, okY := sized(m.Type, b, int(m.Offset.Bytes()))
			if okX && okY {
				d = c.compare(m.Type, x, y, depth)
			}
		}
		if d != 0 {
			return d
		}
	}
	return 0
}

func isSigned(t btf.Type) bool {
	t, _ = strip(t)
	switch t := t.(type) {
	case *btf.Int:
		return t.Encoding == btf.Signed
	case *btf.Enum:
		return t.Signed
	default:
		return false
	}
}

// cut returns a string without its NUL and what follows.
func cut(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
