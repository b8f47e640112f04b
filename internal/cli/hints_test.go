package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHintsNameCommands holds what the sources tell people to run against the
// commands and flags that there are.
func TestHintsNameCommands(t *testing.T) {
	h := newHarness(t)
	root := newCmdRoot(newFactory(h.io, h.deps))
	advice := regexp.MustCompile(`(?:Hint\(|Hint: |Fix:\s+)"(ebpfdev [^"]*)"`)
	seen := 0
	check := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range advice.FindAllSubmatch(text, -1) {
			seen++
			words := strings.Fields(string(m[1]))[1:]
			cmd, rest, err := root.Find(words)
			if err != nil || cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
				t.Errorf("%s: %q: %v", path, m[1], err)
				continue
			}
			for _, word := range rest {
				if name, ok := strings.CutPrefix(word, "--"); ok && name != "" && name != "help" && cmd.Flag(name) == nil {
					t.Errorf("%s: %q: there is no flag --%s", path, m[1], name)
				}
			}
		}
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			check(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("only %d hints were found: has their form changed?", seen)
	}
}
