package pin

import (
	"strings"
	"testing"
)

// bpffs takes no dots in names, and data sections of objects begin with one.
func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"counts": "counts", ".rodata": "%2Erodata", "a.b": "a%2Eb", "../x": "%2E%2E%2Fx", "100%": "100%25",
	} {
		got := escape(name)
		if got != want || strings.ContainsAny(got, "./") {
			t.Errorf("escape(%q) = %q, want %q", name, got, want)
		}
		if back := unescape(got); back != name {
			t.Errorf("unescape(%q) = %q, want %q", got, back, name)
		}
	}
}
