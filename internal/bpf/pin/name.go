package pin

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// maxProject is the longest project name, in bytes.
const maxProject = 64

// CheckProject says what is wrong with a project's name, which becomes a
// folder's. Errors: ErrUsage.
func CheckProject(name string) error {
	cause := ""
	switch {
	case name == "":
		cause = "a project needs a name"
	case len(name) > maxProject:
		cause = fmt.Sprintf("a project's name has at most %d bytes", maxProject)
	case name[0] == '.':
		cause = "a project's name does not begin with a dot"
	case strings.IndexFunc(name, func(r rune) bool { return !plain(r) && r != '.' }) >= 0:
		cause = "a project's name has only letters, digits, '-', '_' and '.'"
	default:
		return nil
	}
	return api.Errorf("use project", name, api.ErrUsage, cause)
}

func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// escape makes a name that bpffs takes: every byte but letters, digits, '-' and
// '_' becomes %XX, dots too.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape undoes escape; a name that is not ours stays as it is.
func unescape(name string) string {
	s, err := url.PathUnescape(name)
	if err != nil {
		return name
	}
	return s
}
