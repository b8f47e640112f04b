// Package shell writes commands as a POSIX shell reads them: for hints that can
// be pasted and for scripts that run in a container. Nothing here runs one.
package shell

import "strings"

// Quote writes s so that a shell reads it as one word; what needs no quotes has
// none.
func Quote(s string) string {
	if s != "" && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Join writes a command line of which a shell makes the same arguments.
func Join(args ...string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = Quote(arg)
	}
	return strings.Join(words, " ")
}

// special reports whether a character may mean something to a shell.
func special(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	default:
		return !strings.ContainsRune("-_=+:,./@%", r)
	}
}
