package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

// keepShown is how many lines of tools are remembered.
const keepShown = 32

// shownLines are the latest lines of tools that a person has been shown, so that
// an error does not repeat them.
type shownLines []string

func (s *shownLines) add(text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	*s = append(*s, text)
	if len(*s) > keepShown {
		*s = slices.Delete(*s, 0, len(*s)-keepShown)
	}
}

// tellsOf reports whether the end of what a failed tool said has been shown.
func (s shownLines) tellsOf(err error) bool {
	var t *api.ToolError
	if !errors.As(err, &t) {
		return false
	}
	said := strings.TrimSpace(t.Stderr)
	last := strings.TrimSpace(said[strings.LastIndexByte(said, '\n')+1:])
	return slices.Contains(s, last)
}

// recorded is a progress that shows the lines of tools.
type recorded struct {
	output.Progress
	shown *shownLines
}

func (r *recorded) Update(p api.Progress) error {
	r.shown.add(p.Line)
	return r.Progress.Update(p)
}
