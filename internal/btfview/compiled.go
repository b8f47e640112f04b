package btfview

import (
	"net/netip"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// Printer shows many values of one type and size: as Decode does, byte for byte,
// with the type looked at once. It is not for more than one goroutine.
type Printer struct {
	typ   btf.Type
	size  int
	whole step   // of a number
	steps []step // of a struct's fields; nil when values are shown as Decode does
	kind  form
}

// form says how a printer works.
type form int

const (
	slow   form = iota // by the type, each time
	single             // one number
	fields             // a struct
)

// step writes one field.
type step struct {
	text, json  string // what is before it: the name and what parts it from the last
	off, size   int    // bytes
	how         how
	member      btf.Member // of how other, at off
	memberBytes int
}

// how says what a field is.
type how int

const (
	other how = iota
	unsignedNumber
	signedNumber
	networkNumber
	ipv4
	characters
)

// most fields that a printer keeps steps for.
const mostSteps = 256

// NewPrinter looks at a type, which may be nil, for values of size bytes. Those of
// other sizes are shown too.
func NewPrinter(t btf.Type, size int) *Printer {
	p := &Printer{typ: t, size: size}
	if !fits(t, size) || IsPrefix(t) {
		return p
	}
	under, _ := strip(t)
	if s, ok := under.(*btf.Struct); ok && !isIPv6(s) {
		if p.compile(s.Members, 0, size, 0) {
			p.kind = fields
		}
		return p
	}
	if how := howOf(t, "", size); how != other && how != characters {
		p.kind, p.whole = single, step{size: size, how: how}
	}
	return p
}

// compile makes the steps of a struct's members; false when it has too many.
func (p *Printer) compile(ms []btf.Member, base, size, depth int) bool {
	for _, m := range ms {
		if len(p.steps) >= mostSteps || depth >= maxDepth || m.Offset%8 != 0 && m.BitfieldSize == 0 {
			return false
		}
		off := base + int(m.Offset.Bytes())
		if inner, ok := nested(m); ok {
			n, err := btf.Sizeof(m.Type)
			if err != nil || off+n > base+size || !p.compile(inner, off, n, depth+1) {
				return false
			}
			continue
		}
		if m.Name == "" {
			continue
		}
		s := step{text: ", " + m.Name + ": ", off: off, member: m}
		s.json = "," + quoteJSON(m.Name) + ":"
		if len(p.steps) == 0 {
			s.text, s.json = s.text[2:], s.json[1:]
		}
		if m.BitfieldSize > 0 {
			// Its offset counts from the beginning of what the member is in.
			s.off, s.memberBytes = base, size
		} else {
			n, err := btf.Sizeof(m.Type)
			if err != nil || off+n > base+size {
				return false
			}
			s.size, s.how = n, howOf(m.Type, m.Name, n)
			s.member.Offset, s.memberBytes = 0, n
		}
		p.steps = append(p.steps, s)
	}
	return true
}

func quoteJSON(s string) string {
	var p printer
	p.quote(s)
	return string(p.buf)
}

// howOf says how a value of a type under a name is written.
func howOf(t btf.Type, name string, size int) how {
	if IsPrefix(t) {
		return other
	}
	under, big := strip(t)
	switch u := under.(type) {
	case *btf.Int:
		switch {
		case size != 1 && size != 2 && size != 4 && size != 8 || u.Encoding == btf.Bool:
			return other
		case big && isIPv4(size, name):
			return ipv4
		case big && u.Encoding != btf.Signed:
			return networkNumber
		case big:
			return other
		case u.Encoding == btf.Signed:
			return signedNumber
		default:
			return unsignedNumber
		}
	case *btf.Array:
		if isText(u, name) {
			return characters
		}
	}
	return other
}

// Same reports whether text and JSON of all values are the same digits.
func (p *Printer) Same() bool { return p.kind == single && p.whole.how != ipv4 }

// Append appends a value's text, or its JSON: false when it has none, and then
// nothing of use is appended.
func (p *Printer) Append(dst, raw []byte, json bool) ([]byte, bool) {
	if len(raw) != p.size {
		return show(dst, p.typ, raw, json)
	}
	switch p.kind {
	case single:
		w := printer{buf: dst, json: json}
		w.step(&p.whole, raw)
		return w.buf, true
	case fields:
		w := printer{buf: append(dst, '{'), json: json, limit: len(dst) + 64<<10 + 64*len(raw)}
		for i := range p.steps {
			s := &p.steps[i]
			if json {
				w.buf = append(w.buf, s.json...)
			} else {
				w.buf = append(w.buf, s.text...)
			}
			w.step(s, raw)
		}
		if w.over() {
			return show(dst, p.typ, raw, json)
		}
		return append(w.buf, '}'), true
	default:
		return show(dst, p.typ, raw, json)
	}
}

// step writes a field of raw.
func (p *printer) step(s *step, raw []byte) {
	b := raw[s.off : s.off+s.size]
	switch s.how {
	case unsignedNumber:
		p.buf = strconv.AppendUint(p.buf, little(b), 10)
	case signedNumber:
		p.buf = strconv.AppendInt(p.buf, extend(little(b), 8*s.size), 10)
	case networkNumber:
		p.buf = strconv.AppendUint(p.buf, network(b), 10)
	case ipv4:
		if p.json {
			p.buf = append(netip.AddrFrom4([4]byte(b)).AppendTo(append(p.buf, '"')), '"')
			return
		}
		p.buf = netip.AddrFrom4([4]byte(b)).AppendTo(p.buf)
	case characters:
		if p.text(b) {
			return
		}
		p.other(s, raw)
	default:
		p.other(s, raw)
	}
}

func (p *printer) other(s *step, raw []byte) {
	p.depth = 1 // within the struct
	p.member(s.member, raw[s.off:s.off+s.memberBytes])
}

// AppendHex appends bytes as api.Hex shows them.
func AppendHex(dst, raw []byte) []byte {
	const digits = "0123456789abcdef"
	for i, c := range raw {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}
