package mapexpr

import (
	"bytes"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// Filter says whether an entry is selected. It keeps a buffer: one at a time.
type Filter func(key, value []byte) bool

// Filter compiles an expression; nil for an empty one. The error is an *Error.
func (s Schema) Filter(src string) (Filter, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	if want, ok := Text(src); ok {
		return s.search(want), nil
	}
	n, err := parse(src)
	if err != nil {
		return nil, err
	}
	c := compiler{s, src}
	return c.node(n)
}

// search looks for text in keys and values, in any case.
func (s Schema) search(want string) Filter {
	lowered := []byte(strings.ToLower(want))
	var buf []byte // used again for each text
	return func(key, value []byte) bool {
		buf = btfview.AppendText(buf[:0], s.Key, key)
		if bytes.Contains(lower(buf), lowered) {
			return true
		}
		for i := range max(s.CPUs, 1) {
			buf = btfview.AppendText(buf[:0], s.Value, s.cpu(value, i))
			if bytes.Contains(lower(buf), lowered) {
				return true
			}
		}
		return false
	}
}

// lower is bytes.ToLower in place where it can be.
func lower(text []byte) []byte {
	for i, c := range text {
		switch {
		case c >= utf8.RuneSelf:
			return bytes.ToLower(text)
		case 'A' <= c && c <= 'Z':
			text[i] += 'a' - 'A'
		}
	}
	return text
}

// compiler turns nodes into functions.
type compiler struct {
	Schema
	src string
}

func (c compiler) fail(t token, format string, args ...any) *Error {
	return fail(c.src, t.pos, format, args...)
}

func (c compiler) node(n node) (Filter, error) {
	switch n.op {
	case "&&", "||", "!":
		parts := make([]Filter, len(n.parts))
		for i, p := range n.parts {
			var err error
			if parts[i], err = c.node(p); err != nil {
				return nil, err
			}
		}
		return logic(n.op, parts), nil
	case "":
		return c.alone(n.left)
	case "in":
		return c.in(n)
	}
	return c.comparison(n)
}

func logic(op string, parts []Filter) Filter {
	switch op {
	case "!":
		inner := parts[0]
		return func(key, value []byte) bool { return !inner(key, value) }
	case "&&":
		return func(key, value []byte) bool {
			for _, p := range parts {
				if !p(key, value) {
					return false
				}
			}
			return true
		}
	default:
		return func(key, value []byte) bool {
			for _, p := range parts {
				if p(key, value) {
					return true
				}
			}
			return false
		}
	}
}

// alone is a field without a comparison: a number that is not 0, a text that is
// not empty.
func (c compiler) alone(t token) (Filter, error) {
	if t.kind != word {
		return nil, c.fail(t, "text alone is no condition: write field =~ %q", clip(t.text))
	}
	f, err := c.field(c.src, t)
	if err != nil {
		return nil, err
	}
	switch f.kind {
	case btfview.Unsigned, btfview.Signed:
		read := f.number()
		return func(key, value []byte) bool { return read(key, value) != 0 }, nil
	case btfview.Text:
		return func(key, value []byte) bool { return len(f.Place.Text(f.of(key, value))) > 0 }, nil
	default:
		return nil, c.fail(t, "%s is no number: compare it with something", t.text)
	}
}

// comparison compiles "field op value", "value op field" and "field op field".
func (c compiler) comparison(n node) (Filter, error) {
	f, err := c.operand(n.left)
	if f == nil && n.op != "=~" {
		if right, _ := c.operand(n.right); right != nil {
			flipped := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}
			op, ok := flipped[n.op]
			if !ok {
				op = n.op
			}
			return c.with(right, op, n.left, n.pos)
		}
	}
	if f == nil {
		if err == nil {
			err = c.fail(n.left, "no field is compared here")
		}
		return nil, err
	}
	if n.op == "=~" {
		return c.match(f, n.right)
	}
	return c.with(f, n.op, n.right, n.pos)
}

// operand returns the field that a token names; nil for what is no name.
func (c compiler) operand(t token) (*Field, error) {
	if t.kind != word || strings.IndexByte("0123456789-", t.text[0]) >= 0 {
		return nil, nil
	}
	return c.field(c.src, t)
}

// with compares a field with a literal or with another field.
func (c compiler) with(f *Field, op string, t token, pos int) (Filter, error) {
	holds, ok := outcomes(op)
	if !ok {
		return nil, fail(c.src, pos, "%s compares no values", op)
	}
	compare, err := c.compare(f, t)
	if err != nil {
		return nil, err
	}
	return func(key, value []byte) bool {
		n, ok := compare(key, value)
		if !ok {
			return op == "!="
		}
		return holds(n)
	}, nil
}

// outcomes says for which results of a comparison an operator holds.
func outcomes(op string) (func(int) bool, bool) {
	switch op {
	case "==":
		return func(n int) bool { return n == 0 }, true
	case "!=":
		return func(n int) bool { return n != 0 }, true
	case "<":
		return func(n int) bool { return n < 0 }, true
	case "<=":
		return func(n int) bool { return n <= 0 }, true
	case ">":
		return func(n int) bool { return n > 0 }, true
	case ">=":
		return func(n int) bool { return n >= 0 }, true
	default:
		return nil, false
	}
}

// comparer compares an entry's field; it is false when it has nothing to compare.
type comparer func(key, value []byte) (int, bool)

func (c compiler) compare(f *Field, t token) (comparer, error) {
	if net, ok := network(t.text); ok && f.addressable() {
		return c.address(f, net), nil
	}
	switch f.kind {
	case btfview.Unsigned, btfview.Signed:
		return c.integer(f, t)
	case btfview.Real:
		n, err := parseNumber(t.text)
		if err != nil || t.kind != word {
			return nil, c.fail(t, "%q is no number, and %s is one", clip(t.text), f.Name)
		}
		return func(key, value []byte) (int, bool) { return order(f.float(key, value), n.real), true }, nil
	case btfview.Address, btfview.Network:
		if other, _ := c.operand(t); other != nil {
			return fields(f, other), nil
		}
		return nil, c.fail(t, "%q is no address, and %s is one", clip(t.text), f.Name)
	default:
		return c.texts(f, t)
	}
}

// addressable reports whether a field can be compared with an address: much code
// keeps them in numbers.
func (f *Field) addressable() bool {
	switch f.kind {
	case btfview.Address, btfview.Network:
		return true
	case btfview.Unsigned, btfview.Opaque:
		return f.Place.Size == 4 || f.Place.Size == 16
	default:
		return false
	}
}

// addr reads a field as an address.
func (f *Field) addr(key, value []byte) (netip.Addr, bool) {
	if f.kind == btfview.Network {
		p, ok := f.Place.Network(f.of(key, value))
		return p.Addr(), ok
	}
	return f.Place.Addr(f.of(key, value))
}

func (c compiler) address(f *Field, want netip.Prefix) comparer {
	if f.kind == btfview.Network {
		return func(key, value []byte) (int, bool) {
			p, ok := f.Place.Network(f.of(key, value))
			if n := p.Addr().Compare(want.Addr()); n != 0 {
				return n, ok
			}
			return order(p.Bits(), want.Bits()), ok
		}
	}
	return func(key, value []byte) (int, bool) {
		a, ok := f.addr(key, value)
		return a.Unmap().Compare(want.Addr().Unmap()), ok
	}
}

// integer compares a number with a literal, a name of its enum or another field.
func (c compiler) integer(f *Field, t token) (comparer, error) {
	n, err := c.constant(f, t)
	if err != nil {
		other, errField := c.operand(t)
		if other == nil {
			if errField != nil && f.Place.Names() == nil {
				return nil, errField
			}
			return nil, err
		}
		return fields(f, other), nil
	}
	read := f.number()
	if f.kind == btfview.Signed {
		return func(key, value []byte) (int, bool) { return n.compareInt(int64(read(key, value))), true }, nil
	}
	return func(key, value []byte) (int, bool) { return n.compareUint(read(key, value)), true }, nil
}

// constant is the number that a token is for a field.
func (c compiler) constant(f *Field, t token) (number, error) {
	if v, ok := f.Place.Named(t.text); ok {
		if int64(v) < 0 && f.kind == btfview.Signed {
			return number{negative: true, size: -v, whole: true, real: float64(int64(v))}, nil
		}
		return number{size: v, whole: true, real: float64(v)}, nil
	}
	if names := f.Place.Names(); names != nil && t.kind == word {
		if n, err := parseNumber(t.text); err == nil {
			return n, nil
		}
		return number{}, c.fail(t, "%s has no value %q", f.Name, clip(t.text)).meaning(t.text, names)
	}
	switch t.text {
	case "true":
		return number{size: 1, whole: true, real: 1}, nil
	case "false":
		return number{whole: true}, nil
	}
	if v, ok := protocol(t.text); ok && strings.Contains(strings.ToLower(f.Name), "prot") {
		return number{size: v, whole: true, real: float64(v)}, nil
	}
	n, err := parseNumber(t.text)
	switch {
	case t.kind != word || errors.Is(err, errNumber):
		return n, c.fail(t, "%q is no number, and %s is one", clip(t.text), f.Name)
	case err != nil:
		return n, c.fail(t, "%s %v", clip(t.text), err)
	}
	return n, nil
}

// fields compares two fields.
func fields(a, b *Field) comparer {
	ka, kb := a.kind, b.kind
	isNumber := func(k btfview.Kind) bool { return k == btfview.Unsigned || k == btfview.Signed }
	switch {
	case isNumber(ka) && isNumber(kb):
		readA, readB := a.number(), b.number()
		return func(key, value []byte) (int, bool) {
			x, y := readA(key, value), readB(key, value)
			negX, negY := ka == btfview.Signed && int64(x) < 0, kb == btfview.Signed && int64(y) < 0
			if negX != negY {
				return map[bool]int{true: -1, false: 1}[negX], true
			}
			return order(x, y), true
		}
	case a.addressable() && b.addressable():
		return func(key, value []byte) (int, bool) {
			x, okX := a.addr(key, value)
			y, okY := b.addr(key, value)
			return x.Unmap().Compare(y.Unmap()), okX && okY
		}
	default:
		return func(key, value []byte) (int, bool) {
			return bytes.Compare(a.Append(nil, key, value, false), b.Append(nil, key, value, false)), true
		}
	}
}

// texts compares a field's text: with what is quoted or a bare word, or another
// field.
func (c compiler) texts(f *Field, t token) (comparer, error) {
	if other, _ := c.operand(t); other != nil && f.kind != btfview.Text {
		return fields(f, other), nil
	}
	want := []byte(t.text)
	if f.kind == btfview.Text {
		return func(key, value []byte) (int, bool) {
			return bytes.Compare(f.Place.Text(f.of(key, value)), want), true
		}, nil
	}
	var buf []byte
	return func(key, value []byte) (int, bool) {
		buf = f.Append(buf[:0], key, value, false)
		return bytes.Compare(buf, want), true
	}, nil
}

// match is "field =~ pattern".
func (c compiler) match(f *Field, t token) (Filter, error) {
	var buf []byte
	show := func(key, value []byte) []byte {
		if f.kind == btfview.Text {
			buf = append(buf[:0], f.Place.Text(f.of(key, value))...)
		} else {
			buf = f.Append(buf[:0], key, value, false)
		}
		return buf
	}
	if t.kind == pattern {
		re, err := regexp.Compile(t.text)
		if err != nil {
			return nil, c.fail(t, "%v", err)
		}
		return func(key, value []byte) bool { return re.Match(show(key, value)) }, nil
	}
	want := []byte(strings.ToLower(t.text))
	return func(key, value []byte) bool { return bytes.Contains(lower(show(key, value)), want) }, nil
}

// in is "field in network" and "field in (a, b)".
func (c compiler) in(n node) (Filter, error) {
	f, err := c.operand(n.left)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, c.fail(n.left, "no field is before in")
	}
	var parts []Filter
	for _, t := range n.list {
		if net, ok := network(t.text); ok && f.addressable() {
			parts = append(parts, inside(f, net))
			continue
		}
		if strings.Contains(t.text, "/") && f.addressable() {
			return nil, c.fail(t, "%q is no network such as 10.0.0.0/8", clip(t.text))
		}
		same, err := c.with(f, "==", t, n.pos)
		if err != nil {
			return nil, err
		}
		parts = append(parts, same)
	}
	return logic("||", parts), nil
}

// inside is true for addresses in a network, and for networks within it.
func inside(f *Field, in netip.Prefix) Filter {
	in = in.Masked()
	isNetwork := f.kind == btfview.Network
	return func(key, value []byte) bool {
		if isNetwork {
			p, ok := f.Place.Network(f.of(key, value))
			return ok && p.Bits() >= in.Bits() && in.Contains(p.Addr())
		}
		a, ok := f.addr(key, value)
		return ok && (in.Contains(a) || in.Contains(a.Unmap()))
	}
}
