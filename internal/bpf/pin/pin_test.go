package pin

import (
	"errors"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestCheckProject(t *testing.T) {
	for _, good := range []string{"a", "exec-snoop_2", "my.project", "9", strings.Repeat("x", 64)} {
		if err := CheckProject(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", ".", "..", "../x", "a/b", "/abs", ".hidden", "a b", "a\x00", "ü", "a%2e", strings.Repeat("x", 65),
	} {
		if err := CheckProject(bad); !errors.Is(err, api.ErrUsage) {
			t.Errorf("%q: error %v, want ErrUsage", bad, err)
		}
	}
}

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
