package btfview

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind tells the forms of a node apart.
type kind int

const (
	bare   kind = iota // a number, a name, an address
	quoted             // "..."
	list               // [...]
	object             // {...}
)

// node is a piece of what a person typed, before a type gives it a meaning. One
// grammar takes both forms that Decode shows: JSON, and text in which names and
// words need no quotes.
type node struct {
	kind  kind
	text  string   // of bare and quoted, without quotes and escapes
	keys  []string // of object
	items []node   // of list and object
	src   string   // as it was typed
}

// parser reads one value.
type parser struct {
	src   string
	pos   int
	depth int
}

func parse(src string) (node, error) {
	p := parser{src: src}
	n, err := p.value(true)
	if err != nil {
		return node{}, err
	}
	p.space()
	if p.pos < len(src) {
		return node{}, p.errorf("%q follows the end of the value", clip(src[p.pos:]))
	}
	return n, nil
}

// value reads a value; a bare word at the top runs to the end of the text.
func (p *parser) value(top bool) (node, error) {
	p.space()
	start := p.pos
	var (
		n   node
		err error
	)
	switch p.peek() {
	case '{':
		n, err = p.sequence(object, '}')
	case '[':
		n, err = p.sequence(list, ']')
	case '"':
		n.kind = quoted
		n.text, err = p.quoted()
	default:
		end := len(p.src)
		if !top {
			if i := strings.IndexAny(p.src[p.pos:], ",]}"); i >= 0 {
				end = p.pos + i
			}
		}
		n.text = strings.TrimSpace(p.src[p.pos:end])
		p.pos = end
		if n.text == "" {
			err = p.errorf("a value is missing")
		}
	}
	n.src = strings.TrimSpace(p.src[start:p.pos])
	return n, err
}

// sequence reads the items of a list or an object with its brackets.
func (p *parser) sequence(k kind, closing byte) (node, error) {
	n := node{kind: k}
	if p.depth >= 2*maxDepth {
		return n, p.errorf("too many brackets")
	}
	p.depth++
	defer func() { p.depth-- }()
	p.pos++
	p.space()
	if p.peek() == closing {
		p.pos++
		return n, nil
	}
	for {
		if k == object {
			key, err := p.key()
			if err != nil {
				return n, err
			}
			n.keys = append(n.keys, key)
		}
		item, err := p.value(false)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case closing:
			p.pos++
			return n, nil
		default:
			return n, p.errorf("expected ',' or '%c'", closing)
		}
	}
}

func (p *parser) key() (string, error) {
	p.space()
	if p.peek() == '"' {
		key, err := p.quoted()
		if err != nil {
			return "", err
		}
		p.space()
		if p.peek() != ':' {
			return "", p.errorf("expected ':' after %q", clip(key))
		}
		p.pos++
		return key, nil
	}
	i := strings.IndexAny(p.src[p.pos:], ":,{}[]\"")
	if i <= 0 || p.src[p.pos+i] != ':' {
		return "", p.errorf("expected a field's name and ':'")
	}
	key := strings.TrimSpace(p.src[p.pos : p.pos+i])
	p.pos += i + 1
	return key, nil
}

// quoted reads a string with the escapes of JSON and of Go.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for p.pos++; p.pos < len(p.src); {
		switch c := p.src[p.pos]; c {
		case '"':
			p.pos++
			return b.String(), nil
		case '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	return "", p.errorf("the string has no closing quote")
}

func (p *parser) escape(b *strings.Builder) error {
	rest := p.src[p.pos+1:]
	if rest == "" {
		return p.errorf("the string has no closing quote")
	}
	if i := strings.IndexByte(`"\/'bfnrtav`, rest[0]); i >= 0 {
		b.WriteByte("\"\\/'\b\f\n\r\t\a\v"[i])
		p.pos += 2
		return nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[rest[0]]
	if digits == 0 || len(rest) < 1+digits {
		return p.errorf("unknown escape \\%c", rest[0])
	}
	v, err := strconv.ParseUint(rest[1:1+digits], 16, 32)
	if err != nil {
		return p.errorf("\\%s is no escape", clip(rest[:1+digits]))
	}
	p.pos += 2 + digits
	switch {
	case digits == 2:
		b.WriteByte(byte(v))
	case utf16.IsSurrogate(rune(v)):
		b.WriteRune(p.surrogate(rune(v)))
	case !utf8.ValidRune(rune(v)):
		return p.errorf("U+%X is no character", v)
	default:
		b.WriteRune(rune(v))
	}
	return nil
}

// surrogate completes a pair \uD83D\uDE00 whose first half was read.
func (p *parser) surrogate(first rune) rune {
	rest := p.src[p.pos:]
	if len(rest) < 6 || rest[:2] != `\u` {
		return utf8.RuneError
	}
	second, err := strconv.ParseUint(rest[2:6], 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	r := utf16.DecodeRune(first, rune(second))
	if r != utf8.RuneError {
		p.pos += 6
	}
	return r
}

func (p *parser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf(format+" (at character %d)", append(args, utf8.RuneCountInString(p.src[:min(p.pos, len(p.src))])+1)...)
}

// clip shortens what an error repeats.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
