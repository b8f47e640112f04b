package debian

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/aptsource"
)

// The archives: one for releases, one for what Debian's security team adds.
const (
	archiveMain     = "debian"
	archiveSecurity = "debian-security"
)

// Mirror is where the two archives are, without a final slash; either may be empty.
type Mirror struct{ Main, Security string }

// official are Debian's own addresses.
func official() Mirror {
	return Mirror{Main: "https://deb.debian.org/debian", Security: "https://deb.debian.org/debian-security"}
}

// NewMirror returns the mirror at an address that a person gave. The security
// archive is its sibling, as on Debian's own and most others.
// Errors: ErrUsage.
func NewMirror(address string) (Mirror, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return Mirror{}, api.Errorf("use mirror", address, api.ErrUsage, "it is no address of an archive").
			WithHint("ebpfdev kernel fetch 6.12 --mirror " + official().Main)
	}
	main := strings.TrimRight(address, "/")
	return Mirror{Main: main, Security: main + "-security"}, nil
}

// Mirrors returns the mirrors of Debian that apt uses on this machine, in its
// order, and Debian's own last.
func Mirrors(sources []aptsource.Source) []Mirror {
	var mirrors []Mirror
	add := func(m Mirror) {
		if !slices.Contains(mirrors, m) {
			mirrors = append(mirrors, m)
		}
	}
	for _, s := range sources {
		address := strings.TrimRight(s.URI, "/")
		if m, err := NewMirror(address); err == nil && slices.Contains(s.Components, "main") {
			switch {
			case slices.ContainsFunc(s.Suites, isSecurity):
				add(Mirror{Security: address})
			case slices.ContainsFunc(s.Suites, isDebian):
				add(Mirror{Main: address})
				add(Mirror{Security: m.Security})
			}
		}
	}
	add(official())
	return mirrors
}

func isSecurity(suite string) bool {
	name, ok := strings.CutSuffix(strings.TrimSuffix(suite, "/updates"), "-security")
	return ok && isDebian(name)
}

// isDebian tells Debian's suites from those of Ubuntu and of others, whose
// archives lie under addresses that look alike.
func isDebian(suite string) bool {
	for _, part := range []string{"-updates", "-backports", "-proposed-updates"} {
		suite = strings.TrimSuffix(suite, part)
	}
	return slices.Contains(strings.Fields("bullseye bookworm trixie forky duke sid oldoldstable oldstable stable testing unstable"), suite)
}

// addresses returns where a file of an archive may be, the nearest first.
func addresses(mirrors []Mirror, archive, path string) []string {
	var list []string
	for _, m := range mirrors {
		base := m.Main
		if archive == archiveSecurity {
			base = m.Security
		}
		if address := base + "/" + path; base != "" && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}
