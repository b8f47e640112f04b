//go:build linux

package executable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lib one.so")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, strings.TrimPrefix(file, "/")} {
		if got := Find(name); len(got) != 1 || got[0] != file {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := Find("sh"); len(got) == 0 || !filepath.IsAbs(got[0]) {
		t.Errorf("sh: got %q", got)
	}
	for _, name := range []string{"no-such-program", "libno-such.so.6", "/no/such/file", "", "/"} {
		if got := Find(name); len(got) > 0 {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

// The C library is found by each of its names, wherever a distribution has it.
func TestFindLibrary(t *testing.T) {
	want := Find("libc.so.6")
	if len(want) == 0 {
		t.Skip("this machine has no libc.so.6") // another C library
	}
	for _, name := range []string{"libc", "c"} {
		if got := Find(name); len(got) == 0 || got[0] != want[0] {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
