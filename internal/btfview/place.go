package btfview

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// Kind says how the bytes of a place read.
type Kind int

// The kinds of a place.
const (
	Opaque   Kind = iota // structs, lists and what no type explains: its text
	Unsigned             // a number of 1 to 8 bytes, also an enum, a pointer, a bool
	Signed
	Real    // a float of 4 or 8 bytes
	Text    // characters up to the first NUL
	Address // an IPv4 or IPv6 address
	Network // the key of an LPM trie
)

// Place is a field within a value: where it is and what it is.
type Place struct {
	Name   string // of the member, for names that say what bytes mean
	Type   btf.Type
	Offset int // bits from the beginning of the value
	Size   int // bytes; 0 for a bit field
	Bits   int // of a bit field, else 0
}

// Whole is the place of a value of size bytes itself. Without a type, or with one
// of another size, bytes that are as long as a number are one.
func Whole(t btf.Type, size int) Place {
	shaped, ok := shape(t, size)
	switch {
	case ok:
		return Place{Type: shaped, Size: size}
	case size == 1 || size == 2 || size == 4 || size == 8:
		return Place{Type: &btf.Int{Size: uint32(size)}, Size: size}
	default:
		return Place{Size: size}
	}
}

// Find returns a field of a place by its path: names parted by dots, "[3]" for an
// element of an array. Unnamed structs and unions count as their members do.
func (p Place) Find(path string) (Place, error) {
	for path != "" {
		var name string
		if inner, ok := strings.CutPrefix(path, "["); ok {
			digits, rest, closed := strings.Cut(inner, "]")
			i, err := strconv.Atoi(digits)
			if !closed || err != nil {
				return Place{}, fmt.Errorf("%q is no index such as [0]", clip(path))
			}
			if p, err = p.element(i); err != nil {
				return Place{}, err
			}
			path = strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		name, path = path[:end], strings.TrimPrefix(path[end:], ".")
		next, ok := p.field(name)
		if !ok {
			return Place{}, &NoFieldError{Type: Name(p.Type), Name: name, Has: p.Fields()}
		}
		p = next
	}
	return p, nil
}

// NoFieldError says that a type has no field of a name.
type NoFieldError struct {
	Type, Name string
	Has        []string
}

// Error says what the type has instead.
func (e *NoFieldError) Error() string {
	if len(e.Has) == 0 {
		return fmt.Sprintf("%s has no fields, and so no %q", orBytes(e.Type), clip(e.Name))
	}
	return fmt.Sprintf("%s has no field %q, it has %s", orBytes(e.Type), clip(e.Name), names(e.Has))
}

func orBytes(name string) string {
	if name == "" {
		return "a value without a type"
	}
	return name
}

// Fields returns the names of a place's fields.
func (p Place) Fields() []string {
	under, _ := strip(p.Type)
	if sec, ok := under.(*btf.Datasec); ok {
		var all []string
		for _, v := range sec.Vars {
			if variable, ok := v.Type.(*btf.Var); ok {
				all = append(all, variable.Name)
			}
		}
		return all
	}
	ms, _ := members(under)
	left := maxMembers
	return fieldNames(ms, nil, &left)
}

// field returns a member by its name.
func (p Place) field(name string) (Place, bool) {
	under, _ := strip(p.Type)
	if sec, ok := under.(*btf.Datasec); ok {
		for _, v := range sec.Vars {
			if variable, ok := v.Type.(*btf.Var); ok && variable.Name == name {
				return p.at(variable.Type, name, 8*int(v.Offset), 0)
			}
		}
		return Place{}, false
	}
	ms, _ := members(under)
	left := maxMembers
	m, off, ok := find(ms, name, &left)
	if !ok {
		return Place{}, false
	}
	return p.at(m.Type, name, off, int(m.BitfieldSize))
}

// at is a place within p; it is false when it does not fit into p.
func (p Place) at(t btf.Type, name string, off, bits int) (Place, bool) {
	in := Place{Name: name, Type: t, Offset: p.Offset + off, Bits: bits}
	end := off + bits
	if bits == 0 {
		n, err := btf.Sizeof(t)
		if err != nil {
			return Place{}, false
		}
		in.Size, end = n, off+8*n
	}
	return in, off >= 0 && end <= 8*p.Size
}

func (p Place) element(i int) (Place, error) {
	under, _ := strip(p.Type)
	a, ok := under.(*btf.Array)
	if !ok {
		return Place{}, fmt.Errorf("%s is no array", orBytes(Name(p.Type)))
	}
	size, err := btf.Sizeof(a.Type)
	if err != nil {
		return Place{}, err
	}
	if i < 0 || i >= int(a.Nelems) {
		return Place{}, fmt.Errorf("[%d] is outside %s", i, Name(p.Type))
	}
	in, ok := p.at(a.Type, p.Name, 8*size*i, 0)
	if !ok {
		return Place{}, fmt.Errorf("%s is larger than its value", Name(p.Type))
	}
	return in, nil
}

// Kind says how the place reads.
func (p Place) Kind() Kind {
	if IsPrefix(p.Type) {
		return Network
	}
	under, big := strip(p.Type)
	switch u := under.(type) {
	case *btf.Int:
		switch {
		case p.Size > 8 || p.Size == 0 && p.Bits == 0:
			return Opaque
		case big && isIPv4(p.Size, p.Name):
			return Address
		case u.Encoding == btf.Signed:
			return Signed
		default:
			return Unsigned
		}
	case *btf.Enum:
		if u.Signed {
			return Signed
		}
		return Unsigned
	case *btf.Pointer:
		return Unsigned
	case *btf.Float:
		if p.Size == 4 || p.Size == 8 {
			return Real
		}
	case *btf.Array:
		switch {
		case isText(u, p.Name):
			return Text
		case isIPv6Array(u, p.Name) && p.Size == 16:
			return Address
		}
	case *btf.Struct:
		if isIPv6(u) {
			return Address
		}
	}
	return Opaque
}

// bytes returns the place's bytes of a value; nil when it is too short, as of a
// record that another type describes.
func (p Place) bytes(raw []byte) []byte {
	b, ok := part(raw, p.Offset/8, p.Size)
	if !ok {
		return nil
	}
	return b
}

// Raw returns the bytes of a place, for a bit field those of its number.
func (p Place) Raw(raw []byte) []byte {
	if p.Bits == 0 {
		return p.bytes(raw)
	}
	v, _ := bitfield(raw, p.Offset, p.Bits)
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	return b[:(p.Bits+7)/8]
}

func (p Place) number(raw []byte, signed, big bool) uint64 {
	bits := 8 * p.Size
	var v uint64
	switch b := p.bytes(raw); {
	case p.Bits > 0:
		v, _ = bitfield(raw, p.Offset, p.Bits)
		bits = p.Bits
	case big:
		v = network(b)
	default:
		v = little(b)
	}
	if signed {
		return uint64(extend(v, bits))
	}
	return v
}

// Number returns what reads a place as Uint does, with its type looked at once.
func (p Place) Number() func(raw []byte) uint64 {
	under, big := strip(p.Type)
	signed := isSigned(under)
	return func(raw []byte) uint64 { return p.number(raw, signed, big) }
}

// Float reads a Real place.
func (p Place) Float(raw []byte) float64 {
	b := p.bytes(raw)
	if len(b) == 4 {
		return float64(math.Float32frombits(uint32(little(b))))
	}
	return math.Float64frombits(little(b))
}

// Text reads a Text place.
func (p Place) Text(raw []byte) []byte { return cut(p.bytes(raw)) }

// Addr reads an Address place, or any 4 or 16 bytes as an address in network byte
// order: much code keeps addresses in a __u32.
func (p Place) Addr(raw []byte) (netip.Addr, bool) {
	if p.Size != 4 && p.Size != 16 {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(p.bytes(raw))
}

// Network reads a Network place.
func (p Place) Network(raw []byte) (netip.Prefix, bool) { return PrefixOf(p.bytes(raw)) }

// Append appends the place's text as Decode would show it, or its JSON.
func (p Place) Append(dst, raw []byte, json bool) []byte {
	w := printer{buf: dst, json: json, limit: len(dst) + 64<<10 + 64*len(raw)}
	switch {
	case p.Bits > 0:
		w.member(btf.Member{Name: p.Name, Type: p.Type, Offset: btf.Bits(p.Offset), BitfieldSize: btf.Bits(p.Bits)}, raw)
	case p.Type == nil && json:
		w.opaque(p.bytes(raw))
	case p.Type == nil:
		return plain(dst, p.bytes(raw))
	default:
		b := p.bytes(raw)
		if b == nil {
			w.opaque(nil)
			break
		}
		w.value(p.Type, p.Name, b)
	}
	if w.over() {
		w = printer{buf: dst, json: json, limit: math.MaxInt}
		w.opaque(p.Raw(raw))
	}
	return w.buf
}

// Named returns the number that a name stands for in an enum: the name itself, or
// its last words, "TCP" for IPPROTO_TCP, when no other ends so.
func (p Place) Named(name string) (uint64, bool) {
	under, _ := strip(p.Type)
	e, ok := under.(*btf.Enum)
	if !ok {
		return 0, false
	}
	var found uint64
	n := 0
	for _, v := range e.Values {
		if v.Name == name {
			return v.Value, true
		}
		if strings.HasSuffix(strings.ToUpper(v.Name), "_"+strings.ToUpper(name)) {
			found = v.Value
			n++
		}
	}
	return found, n == 1
}

// Names returns the names of an enum's values; nil for everything else.
func (p Place) Names() []string {
	under, _ := strip(p.Type)
	if e, ok := under.(*btf.Enum); ok {
		return valueNames(e)
	}
	return nil
}
