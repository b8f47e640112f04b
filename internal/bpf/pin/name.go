package pin

import (
	"fmt"
	"net/url"
	"strings"
)

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
