package doctor

import (
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// suiteOf returns the Debian suite behind an image's name: "trixie" for
// "debian:trixie-slim". Other images cannot be made from packages.
func suiteOf(ref string) (string, error) {
	name, tag, ok := strings.Cut(ref, ":")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
	suite := strings.TrimSuffix(tag, "-slim")
	if name == "debian" && ok && suite != "" && suite != "latest" && strings.Trim(suite, "abcdefghijklmnopqrstuvwxyz") == "" {
		return suite, nil
	}
	return "", api.Errorf("make base image", ref, api.ErrNotSupported, "only debian:SUITE and debian:SUITE-slim can be made from packages")
}

// mirrorLines returns sources for a suite, in apt's one-line format, from the
// mirrors that this machine uses for its own suite. Updates and security come
// along where the machine has them: then its mirrors carry them. A machine
// without Debian mirrors has none; the tools know where Debian's own are.
func (m machine) mirrorLines(suite string) []string {
	if m.id != "debian" || m.codename == "" {
		return nil
	}
	var lines []string
	for _, part := range []string{"", "-updates", "-security"} {
		for _, s := range m.sources {
			if slices.Contains(s.Suites, m.codename+part) && slices.Contains(s.Components, "main") {
				lines = append(lines, "deb "+s.URI+" "+suite+part+" main")
				break
			}
		}
		if part == "" && len(lines) == 0 {
			return nil
		}
	}
	return lines
}
