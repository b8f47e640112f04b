package btfview

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Encode turns text into the size bytes of a t: what Decode shows, as text or as
// JSON, numbers with 0x or 0b, or "hex:" and bytes. Fields that are not named
// are zero, as in C. A string for char[n] needs no quotes when it is the whole
// value. The error is ErrInvalid and says what the type can hold.
func Encode(t btf.Type, size int, text string) ([]byte, error) {
	b, err := encode(t, size, text)
	if err == nil {
		return b, nil
	}
	return nil, api.E("encode", "", api.ErrInvalid, err)
}

// Assign writes one field into raw, the bytes of a t: "bytes=0", "at[1]=7". The rest
// of raw stays. The error is ErrInvalid and says what the type has.
func Assign(t btf.Type, raw []byte, assignment string) error {
	path, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return api.Errorf("encode", "", api.ErrInvalid, fmt.Sprintf("%q is no field and value such as bytes=0", clip(assignment)))
	}
	place, err := Whole(t, len(raw)).Find(strings.TrimSpace(path))
	if err != nil {
		return api.E("encode", "", api.ErrInvalid, err)
	}
	n, err := parseAs(place.Type, strings.TrimSpace(text))
	if err == nil {
		e := encoder{out: raw, set: make([]byte, len(raw))}
		e.clear(place)
		m := btf.Member{Name: place.Name, Type: place.Type, BitfieldSize: btf.Bits(place.Bits)}
		err = e.member(m, n, place.Offset)
	}
	if err != nil {
		return api.E("encode", "", api.ErrInvalid, fmt.Errorf("%s: %w", strings.TrimSpace(path), err))
	}
	return nil
}

// clear zeroes the bits of a place.
func (e *encoder) clear(p Place) {
	n := p.Bits
	if n == 0 {
		n = 8 * p.Size
	}
	for i := range n {
		e.out[(p.Offset+i)/8] &^= 1 << ((p.Offset + i) % 8)
	}
}

// Elements parts the text of a list, "[a, b]", into the texts of its items. It
// is false for everything else.
func Elements(text string) ([]string, bool) {
	n, err := parse(text)
	if err != nil || n.kind != list {
		return nil, false
	}
	items := make([]string, len(n.items))
	for i, item := range n.items {
		items[i] = item.src
	}
	return items, true
}

func encode(t btf.Type, size int, text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if digits, ok := strings.CutPrefix(text, "hex:"); ok {
		return unhex(digits, size)
	}
	t, ok := shape(t, size)
	if !ok {
		return encodePlain(size, text)
	}
	n, err := parseAs(t, text)
	if err != nil {
		return nil, err
	}
	e := encoder{out: make([]byte, size), set: make([]byte, size)}
	if err := e.value(t, "", n, 0); err != nil {
		return nil, err
	}
	return e.out, nil
}

// parseAs parses text; for a string type text without quotes is the string.
func parseAs(t btf.Type, text string) (node, error) {
	under, _ := strip(t)
	if a, ok := under.(*btf.Array); ok && isText(a, "") && !strings.HasPrefix(text, `"`) && !strings.HasPrefix(text, "[") {
		return node{kind: bare, text: text}, nil
	}
	return parse(text)
}

// unhex reads exactly size bytes.
func unhex(digits string, size int) ([]byte, error) {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "").Replace(digits))
	if err != nil {
		return nil, fmt.Errorf("%q is not pairs of hexadecimal digits", clip(digits))
	}
	if len(b) != size {
		return nil, fmt.Errorf("%d bytes are given, %d are needed", len(b), size)
	}
	return b, nil
}

// encodePlain reads what plain writes.
func encodePlain(size int, text string) ([]byte, error) {
	if strings.HasPrefix(text, `"`) {
		return plainString(size, text)
	}
	number := size == 1 || size == 2 || size == 4 || size == 8
	if !number || len(text) == 3*size-1 && size > 1 && strings.Count(text, " ") == size-1 {
		return unhex(text, size)
	}
	text, digits, both := strings.Cut(text, " (")
	v, err := unsigned(text, 8*size, strconv.Itoa(size)+" bytes")
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(v >> (8 * i))
	}
	if both && api.Hex(out).String() != strings.TrimSuffix(digits, ")") {
		return nil, fmt.Errorf("%s and %q are not the same: give one", text, strings.TrimSuffix(digits, ")"))
	}
	return out, nil
}

// plainString reads a string, alone or with its bytes behind it.
func plainString(size int, text string) ([]byte, error) {
	if i := strings.LastIndex(text, `" (`); i > 0 && strings.HasSuffix(text, ")") {
		out, err := plainString(size, text[:i+1])
		digits := text[i+len(`" (`) : len(text)-1]
		if err == nil && api.Hex(out).String() != digits {
			err = fmt.Errorf("%s and %q are not the same: give one", clip(text[:i+1]), clip(digits))
		}
		return out, err
	}
	n, err := parse(text)
	if err != nil {
		return nil, err
	}
	if len(n.text) > size {
		return nil, fmt.Errorf("a string of %d bytes does not fit %d bytes", len(n.text), size)
	}
	out := make([]byte, size)
	copy(out, n.text)
	return out, nil
}

// errOverlap: members of a union, or a field that is given twice.
var errOverlap = errors.New("contradicts another field in the same bytes: give one of them")

// encoder fills out. The bits that it has written are set in set, so that the
// members of a union may agree but not contradict each other.
type encoder struct {
	out, set []byte
	depth    int
}

// put writes the low n bits of v at bit off.
func (e *encoder) put(off, n int, v uint64) error {
	if off < 0 || off+n > 8*len(e.out) {
		return errors.New("the type is larger than its value")
	}
	for i := range n {
		at, mask := (off+i)/8, byte(1)<<((off+i)%8)
		one := v>>i&1 == 1
		if e.set[at]&mask != 0 && (e.out[at]&mask != 0) != one {
			return errOverlap
		}
		e.set[at] |= mask
		if one {
			e.out[at] |= mask
		}
	}
	return nil
}

func (e *encoder) putBytes(off int, b []byte) error {
	for i, c := range b {
		if err := e.put(off+8*i, 8, uint64(c)); err != nil {
			return err
		}
	}
	return nil
}

// value writes n as a t at bit off; name is the member's that holds it.
func (e *encoder) value(t btf.Type, name string, n node, off int) error {
	if e.depth >= maxDepth {
		return errors.New("the type is nested too deeply")
	}
	e.depth++
	defer func() { e.depth-- }()
	size, err := btf.Sizeof(t)
	if err != nil {
		return err
	}
	if digits, ok := strings.CutPrefix(n.text, "hex:"); ok && !e.literal(t, name, n) {
		b, err := unhex(digits, size)
		if err != nil {
			return err
		}
		return e.putBytes(off, b)
	}
	if IsPrefix(t) && n.kind <= quoted {
		return e.prefix(n.text, size, off)
	}
	under, big := strip(t)
	switch u := under.(type) {
	case *btf.Array:
		return e.array(u, name, n, off)
	case *btf.Struct:
		if isIPv6(u) && n.kind <= quoted {
			return e.address(n.text, 16, off)
		}
		return e.composite(t, u.Members, n, off)
	case *btf.Union:
		return e.composite(t, u.Members, n, off)
	case *btf.Datasec:
		return e.datasec(u, n, off)
	}
	if n.kind > quoted {
		return fmt.Errorf("%s takes one value, not %q", Name(t), clip(n.src))
	}
	if big && isIPv4(size, name) && strings.Contains(n.text, ".") {
		return e.address(n.text, 4, off)
	}
	b, err := scalar(t, n.text, size, big)
	if err != nil {
		return err
	}
	return e.putBytes(off, b)
}

// literal reports whether n is a string for characters, in which "hex:" means
// itself.
func (e *encoder) literal(t btf.Type, name string, n node) bool {
	under, _ := strip(t)
	a, ok := under.(*btf.Array)
	return ok && n.kind == quoted && isText(a, name)
}

func (e *encoder) array(a *btf.Array, name string, n node, off int) error {
	size, err := btf.Sizeof(a.Type)
	if err != nil {
		return err
	}
	switch {
	case n.kind == object:
		return fmt.Errorf("%s takes a list, not fields", Name(a))
	case n.kind == list:
		return e.list(a, name, n, off, size)
	case isText(a, name):
		return e.text(a, n.text, off)
	case isMAC(a, name):
		return e.mac(n.text, off)
	case isIPv6Array(a, name):
		return e.address(n.text, 16, off)
	case isByte(a.Type) && n.kind == quoted:
		return e.text(a, n.text, off)
	default:
		return fmt.Errorf("%s takes a list of %d, not %q", Name(a), a.Nelems, clip(n.src))
	}
}

func (e *encoder) list(a *btf.Array, name string, n node, off, size int) error {
	if len(n.items) > int(a.Nelems) {
		return fmt.Errorf("%s holds %d, %d are given", Name(a), a.Nelems, len(n.items))
	}
	for i, item := range n.items {
		if err := e.value(a.Type, name, item, off+8*size*i); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// text writes a string and the NUL that ends it, when there is room for one.
func (e *encoder) text(a *btf.Array, s string, off int) error {
	if len(s) > int(a.Nelems) {
		return fmt.Errorf("a string of %d bytes does not fit %s", len(s), Name(a))
	}
	if len(s) < int(a.Nelems) {
		s += "\x00"
	}
	return e.putBytes(off, []byte(s))
}

func (e *encoder) mac(s string, off int) error {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(s))
	if err != nil || len(b) != 6 {
		return fmt.Errorf("%q is no MAC address such as 02:42:ac:11:00:02", clip(s))
	}
	return e.putBytes(off, b)
}

// address writes an IP address of size bytes.
func (e *encoder) address(s string, size, off int) error {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil || addr.Zone() != "":
		return fmt.Errorf("%q is no IP address", clip(s))
	case size == 4 && !addr.Is4():
		return fmt.Errorf("%q is no IPv4 address", clip(s))
	case size == 4:
		return e.putBytes(off, addr.AsSlice())
	default:
		b := addr.As16()
		return e.putBytes(off, b[:])
	}
}

func (e *encoder) composite(t btf.Type, ms []btf.Member, n node, off int) error {
	if n.kind != object {
		return fmt.Errorf("%s takes fields, {name: value, ...}, not %q", Name(t), clip(n.src))
	}
	for i, key := range n.keys {
		left := maxMembers
		m, at, ok := find(ms, key, &left)
		if !ok {
			left = maxMembers
			return fmt.Errorf("%s has no field %q, it has %s", Name(t), clip(key), names(fieldNames(ms, nil, &left)))
		}
		if err := e.member(m, n.items[i], off+at); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (e *encoder) member(m btf.Member, n node, off int) error {
	if m.BitfieldSize == 0 {
		return e.value(m.Type, m.Name, n, off)
	}
	if n.kind > quoted {
		return fmt.Errorf("a bit field takes one value, not %q", clip(n.src))
	}
	v, err := bits(m.Type, n.text, int(m.BitfieldSize))
	if err != nil {
		return err
	}
	return e.put(off, int(m.BitfieldSize), v)
}

func (e *encoder) datasec(t *btf.Datasec, n node, off int) error {
	if n.kind != object {
		return fmt.Errorf("%s takes variables, {name: value, ...}, not %q", t.Name, clip(n.src))
	}
	for i, key := range n.keys {
		found := false
		for _, v := range t.Vars {
			variable, ok := v.Type.(*btf.Var)
			if !ok || variable.Name != key {
				continue
			}
			found = true
			if err := e.value(variable.Type, key, n.items[i], off+8*int(v.Offset)); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			break
		}
		if !found {
			return fmt.Errorf("%s has no variable %q", t.Name, clip(key))
		}
	}
	return nil
}

// find returns a member and its offset in bits, also one of an unnamed struct
// or union inside. It looks at left members at most.
func find(ms []btf.Member, name string, left *int) (btf.Member, int, bool) {
	for _, m := range ms {
		if *left--; *left < 0 {
			break
		}
		if m.Name == name && name != "" {
			return m, int(m.Offset), true
		}
		if inner, ok := nested(m); ok {
			if found, off, ok := find(inner, name, left); ok {
				return found, off + int(m.Offset), true
			}
		}
	}
	return btf.Member{}, 0, false
}

func fieldNames(ms []btf.Member, to []string, left *int) []string {
	for _, m := range ms {
		if *left--; *left < 0 {
			break
		}
		if inner, ok := nested(m); ok {
			to = fieldNames(inner, to, left)
		} else if m.Name != "" {
			to = append(to, m.Name)
		}
	}
	return to
}

// names lists some names for an error.
func names(all []string) string {
	const most = 12
	switch {
	case len(all) == 0:
		return "none"
	case len(all) > most:
		return strings.Join(all[:most], ", ") + " and " + strconv.Itoa(len(all)-most) + " more"
	default:
		return strings.Join(all, ", ")
	}
}
