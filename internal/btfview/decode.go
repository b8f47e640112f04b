package btfview

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Decode shows raw as a t. It keeps raw. Without a type, or when the type is of
// another size, the text is hexadecimal, after the number it makes when raw is
// as long as one or the string when it holds one, and there is no JSON.
//
// A struct that ends with an array without a length, "char data[]", takes the
// rest of raw into it. Strings end at their first NUL, and empty ones at the end
// of a list of strings are left out of the text. Of a union all members are
// shown. Numbers in network byte order (__be16, __be32) are shown in the host's;
// those and byte arrays that are addresses by their names are shown as addresses.
func Decode(t btf.Type, raw []byte) api.Datum {
	d := api.Datum{Raw: raw}
	text, ok := show(nil, t, raw, false)
	d.Text = string(text)
	if ok {
		if js, ok := show(nil, t, raw, true); ok {
			d.JSON = js
		}
	}
	return d
}

// AppendText appends the Text of Decode alone, for filters that look at many
// values and keep none.
func AppendText(dst []byte, t btf.Type, raw []byte) []byte {
	dst, _ = show(dst, t, raw, false)
	return dst
}

// show appends raw to dst, and says whether it is by its type.
func show(dst []byte, t btf.Type, raw []byte, json bool) ([]byte, bool) {
	t, ok := shape(t, len(raw))
	if !ok {
		return plain(dst, raw), false
	}
	p := printer{buf: dst, json: json, limit: len(dst) + 64<<10 + 64*len(raw)}
	p.value(t, "", raw)
	if p.over() {
		return plain(dst, raw), false
	}
	return p.buf, true
}

// maxBehind is how many bytes are shown behind the string that they hold.
const maxBehind = 16

// plain shows bytes that have no type: numbers of the usual sizes as such, and
// text that fills the rest with zeros (a comm of bpftrace's) as a string, both
// with the bytes behind them unless those are many.
func plain(dst, raw []byte) []byte {
	switch len(raw) {
	case 1, 2, 4, 8:
		dst = strconv.AppendUint(dst, little(raw), 10)
		return append(pairs(append(dst, " ("...), raw), ')')
	}
	if s := words(raw); s != "" {
		dst = strconv.AppendQuote(dst, s)
		if len(raw) > maxBehind {
			return dst
		}
		return append(pairs(append(dst, " ("...), raw), ')')
	}
	return pairs(dst, raw)
}

// words returns the text that bytes hold, up to the zeros at their end; "" for
// bytes that are no text, and for one letter, which is rather a number.
func words(raw []byte) string {
	text := bytes.TrimRight(raw, "\x00")
	if len(text) < 2 || !utf8.Valid(text) {
		return ""
	}
	s := string(text)
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// pairs writes hexadecimal digits as api.Hex does.
func pairs(dst, raw []byte) []byte {
	for i := range raw {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = hex.AppendEncode(dst, raw[i:i+1])
	}
	return dst
}

// printer writes values as text for people or as JSON.
type printer struct {
	buf   []byte
	json  bool
	depth int
	steps int // members looked at
	limit int // of buf's length and of steps
}

// over reports whether a limit is passed that only invented types reach. What
// was written is of no use then.
func (p *printer) over() bool { return len(p.buf) > p.limit || p.steps > p.limit }

// value writes raw as a t; name is the member's that holds it.
func (p *printer) value(t btf.Type, name string, raw []byte) {
	if p.depth >= maxDepth || p.over() {
		p.opaque(raw)
		return
	}
	p.depth++
	defer func() { p.depth-- }()
	if IsPrefix(t) {
		p.prefix(raw)
		return
	}
	under, big := strip(t)
	switch u := under.(type) {
	case *btf.Int:
		p.integer(u, big, name, raw)
	case *btf.Enum:
		p.enum(u, little(raw), 8*len(raw))
	case *btf.Pointer:
		p.word("0x" + strconv.FormatUint(little(raw), 16))
	case *btf.Float:
		p.float(raw)
	case *btf.Array:
		p.array(u, name, raw)
	case *btf.Struct:
		if isIPv6(u) && len(raw) == 16 {
			p.word(netip.AddrFrom16([16]byte(raw)).String())
			return
		}
		p.composite(u.Members, raw)
	case *btf.Union:
		p.composite(u.Members, raw)
	case *btf.Datasec:
		p.datasec(u, raw)
	default:
		p.opaque(raw)
	}
}

func (p *printer) integer(t *btf.Int, big bool, name string, raw []byte) {
	switch len(raw) {
	case 1, 2, 4, 8:
	case 16:
		p.wide(t, raw)
		return
	default:
		p.opaque(raw)
		return
	}
	switch {
	case big && isIPv4(len(raw), name):
		p.word(netip.AddrFrom4([4]byte(raw)).String())
	case big:
		p.number(t, network(raw), 8*len(raw))
	default:
		p.number(t, little(raw), 8*len(raw))
	}
}

// number writes the low bits of v.
func (p *printer) number(t *btf.Int, v uint64, bits int) {
	switch {
	case t.Encoding == btf.Bool && v < 2:
		p.buf = strconv.AppendBool(p.buf, v == 1)
	case t.Encoding == btf.Signed:
		p.buf = strconv.AppendInt(p.buf, extend(v, bits), 10)
	default:
		p.buf = strconv.AppendUint(p.buf, v, 10)
	}
}

// wide writes a number of 128 bits.
func (p *printer) wide(t *btf.Int, raw []byte) {
	n := wideNumber(raw, t.Encoding == btf.Signed)
	p.buf = n.Append(p.buf, 10)
}

func wideNumber(raw []byte, signed bool) *big.Int {
	b := bytes.Clone(raw)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	n := new(big.Int).SetBytes(b)
	if signed && n.Bit(8*len(b)-1) == 1 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// enum writes the name of a value, or the number when it has none.
func (p *printer) enum(t *btf.Enum, v uint64, bits int) {
	for _, c := range t.Values {
		if c.Value<<(64-bits) == v<<(64-bits) && c.Name != "" {
			p.word(c.Name)
			return
		}
	}
	if t.Signed {
		p.buf = strconv.AppendInt(p.buf, extend(v, bits), 10)
		return
	}
	p.buf = strconv.AppendUint(p.buf, v, 10)
}

func (p *printer) float(raw []byte) {
	var f float64
	bits := 8 * len(raw)
	switch len(raw) {
	case 4:
		f = float64(math.Float32frombits(uint32(little(raw))))
	case 8:
		f = math.Float64frombits(little(raw))
	default:
		p.opaque(raw)
		return
	}
	switch {
	case math.IsNaN(f):
		// There are many, and text has one name for all.
		p.opaque(raw)
	case math.IsInf(f, 0):
		p.word(strconv.FormatFloat(f, 'g', -1, bits))
	default:
		p.buf = strconv.AppendFloat(p.buf, f, 'g', -1, bits)
	}
}

func (p *printer) array(a *btf.Array, name string, raw []byte) {
	switch {
	case isText(a, name) && p.text(raw):
		return
	case isMAC(a, name) && len(raw) == 6:
		p.mac(raw)
		return
	case isIPv6Array(a, name) && len(raw) == 16:
		p.word(netip.AddrFrom16([16]byte(raw)).String())
		return
	}
	p.buf = append(p.buf, '[')
	size, err := btf.Sizeof(a.Type)
	if !p.json && err == nil && size > 0 && isStrings(a, name) {
		// A list of arguments is seldom full; what is left out is typed back as zeros.
		for len(raw) >= size && allZero(raw[len(raw)-size:]) {
			raw = raw[:len(raw)-size]
		}
	}
	for i := 0; err == nil && size > 0 && i+size <= len(raw) && !p.over(); i += size {
		if i > 0 {
			p.comma()
		}
		p.value(a.Type, name, raw[i:i+size])
	}
	p.buf = append(p.buf, ']')
}

// isStrings reports whether an array's elements are strings.
func isStrings(a *btf.Array, name string) bool {
	t, _ := strip(a.Type)
	elem, ok := t.(*btf.Array)
	return ok && isText(elem, name)
}

func allZero(b []byte) bool {
	return len(bytes.TrimLeft(b, "\x00")) == 0
}

// text writes a string that ends at the first NUL or with raw. It writes nothing
// when the bytes can't be a JSON string.
func (p *printer) text(raw []byte) bool {
	if end := bytes.IndexByte(raw, 0); end >= 0 {
		raw = raw[:end]
	}
	if !p.json {
		p.buf = strconv.AppendQuote(p.buf, string(raw))
		return true
	}
	if !utf8.Valid(raw) {
		return false
	}
	p.quote(string(raw))
	return true
}

func (p *printer) mac(raw []byte) {
	var b []byte
	for i, c := range raw {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, []byte{c})
	}
	p.word(string(b))
}

func (p *printer) composite(ms []btf.Member, raw []byte) {
	p.buf = append(p.buf, '{')
	p.fields(ms, raw, true)
	p.buf = append(p.buf, '}')
}

// fields writes members, those of unnamed structs and unions in their place. It
// returns whether nothing has been written yet.
func (p *printer) fields(ms []btf.Member, raw []byte, first bool) bool {
	for _, m := range ms {
		p.steps++
		if p.over() || p.depth >= maxDepth {
			return first
		}
		if inner, ok := nested(m); ok {
			if sub, ok := sized(m.Type, raw, int(m.Offset.Bytes())); ok {
				p.depth++
				first = p.fields(inner, sub, first)
				p.depth--
			}
			continue
		}
		if m.Name == "" {
			continue
		}
		first = p.key(m.Name, first)
		p.member(m, raw)
	}
	return first
}

// key writes a member's name, after a comma when it is not the first.
func (p *printer) key(name string, first bool) bool {
	if !first {
		p.comma()
	}
	p.word(name)
	p.buf = append(p.buf, ':')
	if !p.json {
		p.buf = append(p.buf, ' ')
	}
	return false
}

func (p *printer) member(m btf.Member, raw []byte) {
	if m.BitfieldSize == 0 {
		if sub, ok := sized(m.Type, raw, int(m.Offset.Bytes())); ok {
			p.value(m.Type, m.Name, sub)
			return
		}
		p.opaque(nil)
		return
	}
	v, ok := bitfield(raw, int(m.Offset), int(m.BitfieldSize))
	if !ok {
		p.opaque(nil)
		return
	}
	switch t, _ := strip(m.Type); t := t.(type) {
	case *btf.Int:
		p.number(t, v, int(m.BitfieldSize))
	case *btf.Enum:
		p.enum(t, v, int(m.BitfieldSize))
	default:
		p.buf = strconv.AppendUint(p.buf, v, 10)
	}
}

func (p *printer) datasec(t *btf.Datasec, raw []byte) {
	p.buf = append(p.buf, '{')
	first := true
	for _, v := range t.Vars {
		variable, ok := v.Type.(*btf.Var)
		if !ok || p.over() {
			continue
		}
		first = p.key(variable.Name, first)
		if sub, ok := sized(variable.Type, raw, int(v.Offset)); ok {
			p.value(variable.Type, variable.Name, sub)
		} else {
			p.opaque(nil)
		}
	}
	p.buf = append(p.buf, '}')
}

// opaque writes bytes that no type explains.
func (p *printer) opaque(raw []byte) { p.word("hex:" + hex.EncodeToString(raw)) }

func (p *printer) comma() {
	p.buf = append(p.buf, ',')
	if !p.json {
		p.buf = append(p.buf, ' ')
	}
}

// word writes something that is bare in text and a string in JSON.
func (p *printer) word(s string) {
	if p.json {
		p.quote(s)
		return
	}
	p.buf = append(p.buf, s...)
}

// quote writes a JSON string.
func (p *printer) quote(s string) {
	const digits = "0123456789abcdef"
	p.buf = append(p.buf, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			p.buf = append(p.buf, '\\', c)
		case c < ' ' || c == 0x7f:
			p.buf = append(p.buf, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			p.buf = append(p.buf, c)
		}
	}
	p.buf = append(p.buf, '"')
}
