package cli

import (
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// line escapes text from outside for one line.
func line(s string) string { return safe.Line(s).String() }

// quoteArg writes an argument so that a POSIX shell reads it as one word.
func quoteArg(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
