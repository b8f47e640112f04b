package deb

import (
	"cmp"
	"strings"
)

// CompareVersions orders versions of packages as dpkg does (deb-version(7)).
func CompareVersions(a, b string) int {
	epochA, restA := cutEpoch(a)
	epochB, restB := cutEpoch(b)
	if c := comparePart(epochA, epochB); c != 0 {
		return c
	}
	upA, revA := cutRevision(restA)
	upB, revB := cutRevision(restB)
	if c := comparePart(upA, upB); c != 0 {
		return c
	}
	return comparePart(revA, revB)
}

// Upstream returns the part of a version that is not Debian's: "6.12.9" of
// "6.12.9-1~bpo12+1".
func Upstream(version string) string {
	_, rest := cutEpoch(version)
	upstream, _ := cutRevision(rest)
	return upstream
}

func cutEpoch(v string) (epoch, rest string) {
	if epoch, rest, ok := strings.Cut(v, ":"); ok {
		return epoch, rest
	}
	return "", v
}

func cutRevision(v string) (upstream, revision string) {
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return v[:i], v[i+1:]
	}
	return v, ""
}

// comparePart compares pieces without digits and numbers in turn.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !digit(a[0])) || (b != "" && !digit(b[0])) {
			if c := cmp.Compare(weight(a), weight(b)); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
		}
		var numA, numB string
		numA, a = cutNumber(a)
		numB, b = cutNumber(b)
		if c := cmp.Or(cmp.Compare(len(numA), len(numB)), strings.Compare(numA, numB)); c != 0 {
			return c
		}
	}
	return 0
}

// weight orders what is no digit: a tilde before the end, the end before
// letters, letters before the rest.
func weight(s string) int {
	switch {
	case s == "" || digit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z':
		return int(s[0])
	default:
		return int(s[0]) + 256
	}
}

// cutNumber cuts the digits that s begins with, without leading zeros.
func cutNumber(s string) (number, rest string) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return strings.TrimLeft(s[:n], "0"), s[n:]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
