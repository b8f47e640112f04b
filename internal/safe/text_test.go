package safe_test

import (
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/safe"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                     "plain",
		"":                          "",
		"übergröße 日本":              "übergröße 日本",
		"a\x1b[2Jb":                 `a\x1b[2Jb`,
		"\x1b]0;title\a":            `\x1b]0;title\a`,
		"back\b\r\x00":              `back\b\r\x00`,
		"two\nlines\there":          `two\nlines\there`,
		"c1 \u009b31m":              `c1 \u009b31m`,
		"rtl \u202egnp.exe":         `rtl \u202egnp.exe`,
		"zero\u200bwidth":           `zero\u200bwidth`,
		"tag \U000e0041":            `tag \U000e0041`,
		"bad \xff\xfe":              `bad \xff\xfe`,
		"/etc\x1b[1A/shadow \u2028": `/etc\x1b[1A/shadow \u2028`,
	} {
		if got := string(safe.Line(in)); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLinesKeepsLayout(t *testing.T) {
	in := "a\tb\r\nc\x1b[0m\n\td"
	want := "a       b\nc\\x1b[0m\n        d"
	if got := string(safe.Lines(in)); got != want {
		t.Errorf("Lines(%q) = %q, want %q", in, got, want)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("x\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range string(safe.Line(s)) {
			if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
				t.Fatalf("control character %U in %q", r, safe.Line(s))
			}
		}
		if strings.ContainsAny(string(safe.Lines(s)), "\x1b\a\b\r\t") {
			t.Fatalf("control character in %q", safe.Lines(s))
		}
	})
}
