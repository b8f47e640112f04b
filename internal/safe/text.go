// Package safe makes strings that came from outside harmless to a terminal.
//
// A process name, a map value, the verifier's log, an image name, a compiler's
// output: all of them may hold escape sequences that move the cursor, retitle
// the window or hide text. Whoever prints to a person passes them through Text
// or Lines. They escape and never strip, so that nothing is hidden: ESC becomes
// the four visible characters \x1b.
package safe

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is one line that is safe to print. Only this package's functions make
// one from outside text; a constant of our own converts directly.
type Text string

// String returns the text.
func (t Text) String() string { return string(t) }

// Line escapes s for one line: line feeds and tabs become \n and \t.
func Line(s string) Text { return Text(escape(s, false)) }

// Lines escapes s and keeps its line feeds; tabs become spaces up to the next
// multiple of eight and a carriage return before a line feed is dropped.
func Lines(s string) Text { return Text(escape(s, true)) }

func escape(s string, multiline bool) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	column := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		before := b.Len()
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + hex2(s[i]))
		case multiline && r == '\n':
			b.WriteByte('\n')
			column, before = 0, b.Len()
		case multiline && r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		case multiline && r == '\t':
			b.WriteString("        "[:8-column%8])
		case visible(r):
			b.WriteString(s[i : i+size])
			column++
			before = b.Len()
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		column += b.Len() - before
		i += size
	}
	return b.String()
}

// clean reports whether s is printable ASCII, the common case.
func clean(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// visible reports whether a rune is shown as itself: printable, and none of the
// characters that reorder or hide their neighbours.
func visible(r rune) bool {
	switch {
	case r == utf8.RuneError:
		return true
	case unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
		return false
	default:
		return unicode.IsPrint(r)
	}
}

func hex2(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
