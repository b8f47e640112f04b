package project

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// maxName is the most bytes of a project's name.
const maxName = 64

// CheckName says what is wrong with a project's name, which names a folder in
// bpffs: it is 1 to 64 of letters, digits, '-', '_' and '.', not beginning with a
// '.'. Errors: ErrUsage.
func CheckName(name string) error {
	cause := ""
	switch {
	case name == "":
		cause = "a project needs a name"
	case len(name) > maxName:
		cause = fmt.Sprintf("a project's name has at most %d bytes", maxName)
	case name[0] == '.':
		cause = "a project's name does not begin with a dot"
	case strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || !nameByte(byte(r)) }) >= 0:
		cause = "a project's name has only letters, digits, '-', '_' and '.'"
	default:
		return nil
	}
	return api.Errorf("use project", name, api.ErrUsage, cause)
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
