package debian

import (
	"regexp"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Version is what a person calls a kernel by: a series ("6.12"), a version of
// Linux ("6.12.9") or a release ("6.12.9+deb13-cloud-amd64").
type Version string

var versionText = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}(?:[.+~-][0-9A-Za-z.+~-]{0,100})?$`)

// ParseVersion refuses what cannot be a version.
func ParseVersion(s string) (Version, error) {
	if !versionText.MatchString(s) {
		return "", api.Errorf("find kernel", s, api.ErrUsage, "a version is written as 6.12, 6.12.9 or as uname -r prints it").
			WithHint("ebpfdev kernel list")
	}
	return Version(s), nil
}

// Series returns the series that a version belongs to: "6.12" of "6.12.9-1".
func (v Version) Series() string {
	major, rest, _ := strings.Cut(string(v), ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	return major + "." + rest[:end]
}

// Matches reports whether the kernel of a version of Linux and a release is meant.
func (v Version) Matches(upstream, release string) bool {
	return string(v) == release || string(v) == upstream || string(v) == Version(upstream).Series()
}

func (v Version) matches(k Kernel) bool { return v.Matches(k.Upstream(), k.Release()) }
