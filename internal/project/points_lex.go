package project

import "strings"

// lexeme is a word, a string or a sign of a source. Comments are none.
type lexeme struct {
	kind  lexKind
	text  string // a string's without its quotes, a directive's without its '#'
	line  int
	col   int
	first bool // the first of its line
	plain bool // of a string: it is what is written, nothing is escaped or filled in
	fill  bool // of a string: something may be filled in when the program runs
}

type lexKind int

const (
	word lexKind = iota
	str
	mark // one byte that is nothing else
	directive
)

// is reports whether a lexeme is this word or mark.
func (t lexeme) is(text string) bool { return (t.kind == word || t.kind == mark) && t.text == text }

// language is which of the languages that are read a lexer is for.
type language int

const (
	langC language = iota
	langRust
	langPython
)

// lex takes a source apart. It never fails: what is not closed ends with the text.
func lex(src string, lang language) []lexeme {
	l := &lexer{src: src, lang: lang, line: 1, fresh: true}
	for l.pos < len(l.src) {
		l.next()
	}
	return l.list
}

type lexer struct {
	src       string
	lang      language
	pos       int
	line      int
	lineStart int
	fresh     bool // nothing was seen on this line yet
	list      []lexeme
}

// next takes what is at pos: at least one byte.
func (l *lexer) next() {
	c, rest := l.src[l.pos], l.src[l.pos:]
	switch {
	case c == '\n':
		l.skip(1)
		l.fresh = true
	case c == ' ' || c == '\t' || c == '\r':
		l.skip(1)
	case c == '\\' && (strings.HasPrefix(rest, "\\\n") || strings.HasPrefix(rest, "\\\r\n")): // the line goes on
		fresh := l.fresh
		l.skip(strings.IndexByte(rest, '\n') + 1)
		l.fresh = fresh
	case l.lang == langC && strings.HasPrefix(rest, "//"):
		l.skip(joined(rest))
	case l.lang == langPython && c == '#', l.lang == langRust && strings.HasPrefix(rest, "//"):
		l.skip(until(rest, "\n"))
	case l.lang != langPython && strings.HasPrefix(rest, "/*"):
		l.skip(l.comment(rest))
	case l.lang == langC && c == '#' && l.fresh:
		n := directiveEnd(rest)
		l.emit(directive, rest[1:n], n, true)
	case c == '"' || c == '\'':
		l.quoted("", 0)
	case wordByte(c):
		l.word(rest)
	default:
		l.emit(mark, rest[:1], 1, false)
	}
}

// skip moves on, counting lines.
func (l *lexer) skip(n int) {
	text := l.src[l.pos : l.pos+n]
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		l.line += strings.Count(text, "\n")
		l.lineStart = l.pos + i + 1
	}
	l.pos += n
}

// emit adds a lexeme of n bytes.
func (l *lexer) emit(kind lexKind, text string, n int, plain bool) {
	l.list = append(l.list, lexeme{
		kind: kind, text: text, line: l.line, col: l.pos - l.lineStart, first: l.fresh, plain: plain,
	})
	l.fresh = false
	l.skip(n)
}

// word takes a word, or a string that begins with letters: r"…", b'…', f"…".
func (l *lexer) word(rest string) {
	n := 0
	for n < len(rest) && wordByte(rest[n]) {
		n++
	}
	prefix := strings.ToLower(rest[:n])
	next := rest[n:]
	switch {
	case l.lang == langPython && strings.Trim(prefix, "rbuft") == "" && n <= 2 && next != "" && (next[0] == '"' || next[0] == '\''):
		l.quoted(prefix, n)
	case l.lang == langRust && (prefix == "r" || prefix == "br" || prefix == "cr") && rawRust(next) >= 0:
		hashes := rawRust(next)
		open := n + hashes + 1
		end := until(rest[open:], `"`+strings.Repeat("#", hashes))
		l.emit(str, rest[open:open+end], min(open+end+hashes+1, len(rest)), prefix == "r")
	default:
		l.emit(word, rest[:n], n, true)
	}
}

// rawRust returns how many '#' a raw string begins with, or -1.
func rawRust(s string) int {
	n := len(s) - len(strings.TrimLeft(s, "#"))
	if n < len(s) && s[n] == '"' {
		return n
	}
	return -1
}

// quoted takes a string that begins after a prefix of n bytes.
func (l *lexer) quoted(prefix string, n int) {
	rest := l.src[l.pos:]
	q := rest[n : n+1]
	if l.lang == langRust && q == "'" && !rustChar(rest) { // a lifetime
		l.emit(mark, q, 1, false)
		return
	}
	long := l.lang == langPython && strings.HasPrefix(rest[n:], strings.Repeat(q, 3))
	if long {
		q = strings.Repeat(q, 3)
	}
	i, plain := n+len(q), true
	start := i
	for i < len(rest) && !strings.HasPrefix(rest[i:], q) {
		if rest[i] == '\n' && !long && l.lang != langRust {
			break // not closed
		}
		if rest[i] == '\\' {
			plain = plain && strings.Contains(prefix, "r")
			i++
		}
		i++
	}
	i = min(i, len(rest))
	end := i
	if strings.HasPrefix(rest[i:], q) {
		end += len(q)
	}
	filled := strings.ContainsAny(prefix, "ft")
	single := q == "'" && l.lang != langPython
	l.emit(str, rest[start:i], end, plain && !filled && !single)
	l.list[len(l.list)-1].fill = filled
}

// rustChar reports whether a quote begins a character, not a lifetime: it is
// closed after one character, or that one is escaped.
func rustChar(s string) bool {
	for i, r := range s[1:] {
		if i == 0 {
			if r == '\\' {
				return true
			}
			continue
		}
		return r == '\''
	}
	return false
}

// comment returns how long a block comment is.
func (l *lexer) comment(s string) int {
	if l.lang != langRust {
		return min(until(s[2:], "*/")+4, len(s))
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// joined returns the length of a line of C, which a backslash carries on.
func joined(s string) int {
	n := until(s, "\n")
	for n < len(s) && strings.HasSuffix(strings.TrimSuffix(s[:n], "\r"), "\\") {
		n += 1 + until(s[n+1:], "\n")
	}
	return n
}

// directiveEnd returns where a line for the preprocessor ends; a backslash and a
// comment carry it on.
func directiveEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\n':
			return i
		case strings.HasPrefix(s[i:], "\\\r\n"):
			i += 2
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], "/*"):
			i += min(until(s[i+2:], "*/")+3, len(s)-i-1)
		}
	}
	return len(s)
}

// until returns where mark begins, or the text's length.
func until(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i
	}
	return len(s)
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
