package btfview

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// maxMembers bounds how many members of a type are looked at, for the same
// reason as maxDepth.
const maxMembers = 10000

// strip follows typedefs, qualifiers and tags to the type that has bytes. big
// is set when a typedef on the way says that it is in network byte order.
func strip(t btf.Type) (under btf.Type, big bool) {
	for range maxDepth {
		switch v := t.(type) {
		case *btf.Typedef:
			switch v.Name {
			case "__be16", "__be32", "__be64", "be16", "be32", "be64":
				big = true
			}
			t = v.Type
		case *btf.Const:
			t = v.Type
		case *btf.Volatile:
			t = v.Type
		case *btf.Restrict:
			t = v.Type
		case *btf.TypeTag:
			t = v.Type
		case *btf.Var:
			t = v.Type
		default:
			return t, big
		}
	}
	return &btf.Void{}, false
}

// fits reports whether t describes exactly size bytes.
func fits(t btf.Type, size int) bool {
	if t == nil {
		return false
	}
	n, err := btf.Sizeof(t)
	return err == nil && n == size
}

// Flexible reports whether t is a struct that ends with an array without a
// length, "char data[]": its values may be longer than t.
func Flexible(t btf.Type) bool {
	under, _ := strip(t)
	s, ok := under.(*btf.Struct)
	if !ok || len(s.Members) == 0 {
		return false
	}
	last, _ := strip(s.Members[len(s.Members)-1].Type)
	a, ok := last.(*btf.Array)
	return ok && a.Nelems == 0
}

// shape returns t as it describes exactly size bytes: t itself, or with a length
// for the array at its end.
func shape(t btf.Type, size int) (btf.Type, bool) {
	if fits(t, size) {
		return t, true
	}
	if t == nil || !Flexible(t) {
		return nil, false
	}
	under, _ := strip(t)
	s := *under.(*btf.Struct)
	if int64(s.Size) > int64(size) {
		return nil, false
	}
	s.Members = slices.Clone(s.Members)
	last := &s.Members[len(s.Members)-1]
	array, _ := strip(last.Type)
	item := array.(*btf.Array).Type
	n, err := btf.Sizeof(item)
	rest := size - int(last.Offset.Bytes())
	if err != nil || n <= 0 || rest < 0 {
		return nil, false
	}
	s.Size = uint32(size)
	last.Type = &btf.Array{Type: item, Nelems: uint32(rest / n)}
	return &s, true
}

// part returns size bytes at offset off of raw.
func part(raw []byte, off, size int) ([]byte, bool) {
	if off < 0 || size < 0 || off > len(raw) || size > len(raw)-off {
		return nil, false
	}
	return raw[off : off+size : off+size], true
}

// sized returns the bytes of a t at offset off of raw.
func sized(t btf.Type, raw []byte, off int) ([]byte, bool) {
	n, err := btf.Sizeof(t)
	if err != nil {
		return nil, false
	}
	return part(raw, off, n)
}

// little reads a number of 1 to 8 bytes.
func little(raw []byte) uint64 {
	var b [8]byte
	copy(b[:], raw)
	return binary.LittleEndian.Uint64(b[:])
}

// network reads a number of 1 to 8 bytes in network byte order.
func network(raw []byte) uint64 {
	var b [8]byte
	copy(b[8-min(8, len(raw)):], raw)
	return binary.BigEndian.Uint64(b[:])
}

// bitfield reads n bits that begin at bit off.
func bitfield(raw []byte, off, n int) (uint64, bool) {
	if off < 0 || n < 1 || n > 64 || off+n > 8*len(raw) {
		return 0, false
	}
	var v uint64
	for i := range n {
		bit := uint64(raw[(off+i)/8]>>((off+i)%8)) & 1
		v |= bit << i
	}
	return v, true
}

// extend reads the low bits of v as a signed number.
func extend(v uint64, bits int) int64 {
	shift := 64 - bits
	return int64(v<<shift) >> shift
}

// members returns the members of a struct or union.
func members(t btf.Type) ([]btf.Member, bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	default:
		return nil, false
	}
}

// nested returns the members of an unnamed struct or union, which C counts as
// members of the type around it.
func nested(m btf.Member) ([]btf.Member, bool) {
	if m.Name != "" {
		return nil, false
	}
	t, _ := strip(m.Type)
	return members(t)
}

// isText reports whether an array holds characters: char[n], or bytes under a
// name that only a string has.
func isText(a *btf.Array, name string) bool {
	t, _ := strip(a.Type)
	i, ok := t.(*btf.Int)
	if !ok || i.Size != 1 {
		return false
	}
	return i.Name == "char" || i.Encoding == btf.Char || name == "comm"
}

// isIPv4 reports whether a number in network byte order is an address by the
// name it has; one without a name (a map's whole key) is.
func isIPv4(size int, name string) bool {
	return size == 4 && (name == "" || named(name, addressWords))
}

// isMAC reports whether an array is an Ethernet address.
func isMAC(a *btf.Array, name string) bool {
	return a.Nelems == 6 && isByte(a.Type) && named(name, macWords)
}

// isIPv6Array reports whether an array of bytes or words is an IPv6 address.
func isIPv6Array(a *btf.Array, name string) bool {
	t, big := strip(a.Type)
	i, ok := t.(*btf.Int)
	if !ok || i.Size*a.Nelems != 16 || i.Size > 4 || i.Encoding == btf.Signed {
		return false
	}
	if i.Size > 1 && !big && !strings.Contains(name, "6") {
		return false
	}
	return named(name, addressWords)
}

// isIPv6 reports whether t is the kernel's struct in6_addr.
func isIPv6(t *btf.Struct) bool { return t.Name == "in6_addr" && t.Size == 16 }

func isByte(t btf.Type) bool {
	t, _ = strip(t)
	i, ok := t.(*btf.Int)
	return ok && i.Size == 1 && i.Encoding != btf.Signed && i.Encoding != btf.Bool
}

// Words of names that say what bytes mean.
const (
	addressWords = " addr saddr daddr laddr raddr ip ip4 ip6 ipv4 ipv6 addr4 addr6 saddr4 daddr4 saddr6 daddr6 " +
		"v4 v6 src dst source dest gw gateway nexthop network prefix sip dip "
	macWords = " mac smac dmac dest source src dst hwaddr lladdr eth ether addr "
)

// named reports whether one of the words of name, parted by '_', is in words.
func named(name, words string) bool {
	for word := range strings.SplitSeq(strings.ToLower(name), "_") {
		if word != "" && strings.Contains(words, " "+word+" ") {
			return true
		}
	}
	return false
}
