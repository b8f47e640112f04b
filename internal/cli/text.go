package cli

import (
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// line escapes text from outside for one line.
func line(s string) string { return safe.Line(s).String() }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
