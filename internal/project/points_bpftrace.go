package project

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// pointsBpftrace reads the probes of a bpftrace program: what is before each
// block in braces. A program that says itself what to do about missing probes, or
// that the preprocessor changes, is left out. The arguments are those that it is
// run with.
func pointsBpftrace(src string, args []string) []found {
	if strings.Contains(src, "missing_probes") {
		return nil
	}
	var list []found
	s := bpftraceScanner{src: src, line: 1}
	for {
		head, ok := s.head()
		if !ok {
			return list
		}
		if s.conditional {
			return nil
		}
		points := probes(head, args)
		for _, f := range points {
			// Of several functions some are often other kernels' names for the same.
			if len(points) == 1 || f.Kind != api.PointKprobe && f.Kind != api.PointFentry {
				list = append(list, f)
			}
		}
	}
}

// bpftraceScanner reads what is outside the blocks of a program.
type bpftraceScanner struct {
	src         string
	pos, line   int
	conditional bool // there is an #if
}

// head returns the words before the next block, and passes that block.
func (s *bpftraceScanner) head() ([]lexeme, bool) {
	var words []lexeme
	for depth := 0; s.pos < len(s.src); {
		c, rest := s.src[s.pos], s.src[s.pos:]
		n := 1
		switch {
		case strings.HasPrefix(rest, "//"):
			n = until(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			n = min(until(rest[2:], "*/")+4, len(rest))
		case c == '#' && depth == 0 && (s.pos == 0 || s.src[s.pos-1] == '\n'):
			n = directiveEnd(rest)
			s.conditional = s.conditional || strings.HasPrefix(strings.TrimLeft(rest[1:], " \t"), "if")
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth <= 0 {
				s.skip(n)
				return words, true
			}
		case c == '"' && depth > 0:
			n = stringEnd(rest)
		case c == ';' && depth == 0: // the end of a struct or an import
			words = nil
		case c == ',' && depth == 0:
			words = append(words, lexeme{kind: mark, text: rest[:1], line: s.line})
		case depth == 0 && c > ' ':
			n = probeEnd(rest)
			words = append(words, lexeme{kind: word, text: rest[:n], line: s.line})
		}
		s.skip(n)
	}
	return nil, false
}

func (s *bpftraceScanner) skip(n int) {
	s.line += strings.Count(s.src[s.pos:s.pos+n], "\n")
	s.pos += n
}

// stringEnd returns the length of a string with its quotes.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// probeEnd returns the length of a probe's text, which quoted parts may be in.
func probeEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			i += stringEnd(s[i:]) - 1
		case s[i] <= ' ', s[i] == ',', s[i] == '{', s[i] == ';':
			return max(i, 1)
		}
	}
	return len(s)
}

// probes reads a list of probes, up to a predicate.
func probes(head []lexeme, args []string) []found {
	var list []found
	for i := 0; i < len(head); i += 2 {
		t := head[i]
		if t.kind != word || strings.HasPrefix(t.text, "/") {
			return nil
		}
		text := positional(t.text, args)
		if f, ok := probe(text); ok {
			f.Line, f.Given = t.line, text != t.text
			list = append(list, f)
		}
		if i+1 < len(head) && strings.HasPrefix(head[i+1].text, "/") { // the predicate
			return list
		}
		if i+1 < len(head) && !head[i+1].is(",") {
			return nil
		}
	}
	return list
}

// parameter is a positional parameter of a bpftrace program.
var parameter = regexp.MustCompile(`\$[1-9][0-9]*`)

// positional puts arguments in for $1 and so on. What a program would not take for
// one name stays as it is.
func positional(text string, args []string) string {
	if strings.Contains(text, `"`) {
		return text
	}
	return parameter.ReplaceAllStringFunc(text, func(name string) string {
		n, err := strconv.Atoi(name[1:])
		if err != nil || n > len(args) || strings.ContainsAny(args[n-1], ":, \t\n\"{}") {
			return name
		}
		return args[n-1]
	})
}

// probe reads "provider:place". A place with a pattern or of more parts than are
// known here is left out.
func probe(text string) (found, bool) {
	if strings.ContainsAny(text, "*?[]$()\\") {
		return found{}, false
	}
	parts := strings.Split(strings.ReplaceAll(text, `"`, ""), ":")
	kind, ok := probeKind(parts[0])
	target := strings.Join(parts[1:], ":")
	switch {
	case !ok:
		return found{}, false
	case kind == api.PointTracepoint && len(parts) == 3:
		target = parts[1] + "/" + parts[2]
	case kind == api.PointUprobe && len(parts) == 3:
	case kind != api.PointTracepoint && kind != api.PointUprobe && len(parts) == 2:
	default:
		return found{}, false
	}
	return macro(kind, target), target != ""
}

func probeKind(provider string) (api.PointKind, bool) {
	switch provider {
	case "tracepoint", "t":
		return api.PointTracepoint, true
	case "rawtracepoint", "rt":
		return api.PointRawTracepoint, true
	case "kprobe", "k", "kretprobe", "kr":
		return api.PointKprobe, true
	case "fentry", "f", "fexit", "fr", "kfunc", "kretfunc":
		return api.PointFentry, true
	case "uprobe", "u", "uretprobe", "ur":
		return api.PointUprobe, true
	}
	return "", false
}
