package mapexpr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ebpfdev/ebpfdev/internal/near"
)

// Error says what is wrong with an expression and where.
type Error struct {
	Column int // in characters, from 1
	Reason string
	Near   []string // names that may have been meant
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("column %d: %s", e.Column, e.Reason)
	if len(e.Near) > 0 {
		text += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return text
}

// fail is an error at a byte of the source.
func fail(src string, pos int, format string, args ...any) *Error {
	return &Error{Column: utf8.RuneCountInString(src[:min(pos, len(src))]) + 1, Reason: fmt.Sprintf(format, args...)}
}

// meaning adds the names that are near one that was not found.
func (e *Error) meaning(name string, from []string) *Error {
	const most = 3
	e.Near = near.Names(name, from, most)
	return e
}

// clip shortens what an error repeats.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
