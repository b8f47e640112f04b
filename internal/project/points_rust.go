package project

import (
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// pointsRust reads aya's `.attach("category", "name")`, which only a TracePoint
// has with two strings, outside conditions, and its #[tracepoint(category = "…",
// name = "…")].
func pointsRust(src string) []found {
	if !strings.Contains(src, "TracePoint") {
		return nil
	}
	var list []found
	var under []bool // for each open brace, whether a condition is above it
	tokens := lex(src, langRust)
	depends := false // there is a condition in the present statement or above it
	for i, t := range tokens {
		switch {
		case t.is("{"):
			under = append(under, depends)
		case t.is("}"):
			under = under[:max(len(under)-1, 0)]
			depends = len(under) > 0 && under[len(under)-1]
		case t.is(";"):
			depends = len(under) > 0 && under[len(under)-1]
		default:
			depends = depends || conditional(t)
		}
		call := tokens[i:]
		if f, ok := tracepointMacro(call); ok && !depends {
			list = append(list, f)
		}
		if !matches(call, ".", "attach", "(", str, ",", str) || !call[3].plain || !call[5].plain {
			continue
		}
		if !matches(call[6:], ")") && !matches(call[6:], ",", ")") {
			continue
		}
		if depends {
			continue
		}
		f := macro(api.PointTracepoint, call[3].text+"/"+call[5].text)
		f.Line = call[1].line
		list = append(list, f)
	}
	return list
}

// tracepointMacro reads the attribute of a BPF function.
func tracepointMacro(t []lexeme) (found, bool) {
	if !matches(t, "#", "[", "tracepoint", "(", "category", "=", str, ",", "name", "=", str) || !t[6].plain || !t[10].plain {
		return found{}, false
	}
	f := macro(api.PointTracepoint, t[6].text+"/"+t[10].text)
	f.Line = t[2].line
	return f, true
}

// conditional reports whether a word makes what follows depend on something.
func conditional(t lexeme) bool {
	if t.kind != word {
		return false
	}
	switch t.text {
	case "if", "else", "match", "for", "while", "loop", "cfg", "test":
		return true
	}
	return false
}
