//go:build linux

package executable

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What the dynamic linker has listed is there, on a machine that has such a list.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "libfurther.so.1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	names, whole := Names([]string{dir, "", "/no/such/folder"})
	for _, want := range []string{"sh", "libfurther.so.1"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s", want)
		}
	}
	if _, err := os.Stat("/etc/ld.so.cache"); (err == nil) != whole {
		t.Errorf("whole is %v", whole)
	}
	for _, path := range linkerCache() {
		if !filepath.IsAbs(path) {
			t.Errorf("%q", path)
		}
	}
}
