package project

import (
	"path/filepath"
	"strings"
)

// maxName is the most bytes of a project's name.
const maxName = 64

// ValidName reports whether a name can be a project's: 1 to 64 of letters,
// digits, '-', '_' and '.', not beginning with a '.'. It names a folder in bpffs.
func ValidName(name string) bool {
	if name == "" || len(name) > maxName || name[0] == '.' {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

// Name makes a valid project name of a folder's path: its last element, with
// every run of other characters turned into one '-'. A folder of which nothing
// is left is "project".
func Name(folder string) string {
	base := filepath.Base(strings.ReplaceAll(folder, `\`, "/"))
	var b strings.Builder
	gap := false
	for i := range len(base) {
		if !nameByte(base[i]) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteByte(base[i])
	}
	name := strings.TrimLeft(b.String(), ".-")
	if len(name) > maxName {
		name = name[:maxName]
	}
	if name == "" {
		return "project"
	}
	return name
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}
