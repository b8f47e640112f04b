package buildcontext

import "testing"

func TestIgnore(t *testing.T) {
	tests := []struct {
		text, path string
		excluded   bool
	}{
		{"", "a", false},
		{"a", "a", true},
		{"a", "a/b/c", true},
		{"a", "b/a", false},
		{"/a", "a", true},
		{"a/", "a/b", true},
		{"*.o", "x.o", true},
		{"*.o", "d/x.o", false},
		{"**/*.o", "d/e/x.o", true},
		{"**/*.o", "x.o", true},
		{"a/**", "a/b/c", true},
		{"a/**/z", "a/z", true},
		{"a/**/z", "a/b/c/z", true},
		{"?", "ab", false},
		{"[ab]c", "bc", true},
		{"# a\na", "a", true},
		{"*\n!keep", "keep", false},
		{"*\n!keep", "other", true},
		{"d\n!d/keep", "d/keep", false},
		{"!a\na", "a", true},
		{"  a  ", "a", true},
		{".", "a", false},
		{"a.b", "aXb", false},
		{"../x", "x", false},
		{`\!a`, "!a", true},
		{"\ufeffa\r\nb\r\n", "b", true},
		{"d*", "data/x", true},
	}
	for _, tt := range tests {
		ig, err := parseIgnore(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if got := ig.excludes(tt.path); got != tt.excluded {
			t.Errorf("%q excludes %q: %v, want %v", tt.text, tt.path, got, tt.excluded)
		}
	}
	if _, err := parseIgnore("ok\n[z-a]"); err == nil {
		t.Error("a bad range was accepted")
	}
}
