package mapexpr

import (
	"strings"
	"unicode/utf8"
)

// kind tells tokens apart.
type kind int

const (
	end      kind = iota
	word          // a name, a number, an address
	quoted        // "..." or '...'
	pattern       // /.../
	operator      // also brackets and the comma
)

// token is a piece of an expression.
type token struct {
	kind kind
	text string // without quotes or slashes
	pos  int    // bytes from the beginning
}

// operators are in an order in which none hides a longer one.
const operators = "&& || == != <= >= =~ < > ! ( ) ,"

// lex parts an expression into tokens; the last is the end.
func lex(src string) ([]token, error) {
	var tokens []token
	for pos := 0; pos < len(src); {
		switch c := src[pos]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			pos++
		case c == '"' || c == '\'':
			text, next, ok := enclosed(src, pos)
			if !ok {
				return nil, fail(src, pos, "the text has no closing %c", c)
			}
			tokens = append(tokens, token{quoted, text, pos})
			pos = next
		case c == '/' && len(tokens) > 0 && tokens[len(tokens)-1].text == "=~":
			text, next, ok := enclosed(src, pos)
			if !ok {
				return nil, fail(src, pos, "the regular expression has no closing /")
			}
			tokens = append(tokens, token{pattern, text, pos})
			pos = next
		default:
			t := operatorAt(src, pos)
			if t.text == "" {
				t = wordAt(src, pos)
			}
			if t.text == "" {
				r, _ := utf8.DecodeRuneInString(src[pos:])
				return nil, fail(src, pos, "%q means nothing here", r)
			}
			tokens = append(tokens, t)
			pos += len(t.text)
		}
	}
	return append(tokens, token{end, "", len(src)}), nil
}

func operatorAt(src string, pos int) token {
	for op := range strings.SplitSeq(operators, " ") {
		if strings.HasPrefix(src[pos:], op) {
			return token{operator, op, pos}
		}
	}
	return token{}
}

// wordAt reads letters, digits and what numbers, paths and addresses have else.
func wordAt(src string, pos int) token {
	n := strings.IndexFunc(src[pos:], func(r rune) bool {
		return r < utf8.RuneSelf && strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/[]@$*?{}#%+-", byte(r)) < 0 || r == utf8.RuneError
	})
	if n < 0 {
		n = len(src) - pos
	}
	return token{word, src[pos : pos+n], pos}
}

// enclosed reads text up to the character that it begins with. A backslash keeps
// that character and itself; within slashes it is left for the regular expression.
func enclosed(src string, pos int) (text string, next int, ok bool) {
	closing := src[pos]
	var b strings.Builder
	for i := pos + 1; i < len(src); i++ {
		switch c := src[i]; {
		case c == closing:
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(src):
			i++
			if closing == '/' && src[i] != '/' || src[i] != closing && src[i] != '\\' {
				b.WriteByte(c)
			}
			b.WriteByte(src[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}
