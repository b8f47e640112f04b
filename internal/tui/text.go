package tui

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// asciiJSON writes the characters of JSON that are not ASCII as escapes, so
// that a text that is edited shows, and keeps, what would be invisible.
func asciiJSON(raw []byte) string {
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		}
	}
	return b.String()
}

// problem is the state of a pane whose data could not be had. The error's own
// hint goes before the key that tries again.
func problem(title string, err error, next string) draw.State {
	s := draw.State{Mood: draw.Failed, Title: title, Text: err.Error(), Hint: next}
	if h := api.HintOf(err); h != "" {
		s.Hint = h
	}
	return s
}

// env looks a variable up; the last one of a name counts.
func env(list []string, name string) string {
	value := ""
	for _, kv := range list {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			value = v
		}
	}
	return value
}

// isUTF8 reports whether the locale's characters are UTF-8. Without a locale
// they are taken to be: dev containers seldom set one.
func isUTF8(list []string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(env(list, name)); v != "" {
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return true
}

// plainLines joins lines without their colours.
func plainLines(lines []string) string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = draw.Plain(l)
	}
	return strings.Join(out, "\n")
}
