package buildcontext

import (
	"bufio"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// ignore holds the patterns of a .dockerignore file. The last one that matches a
// path or one of its parents decides.
type ignore struct {
	patterns []ignorePattern
	keeps    bool // some pattern begins with "!"
}

type ignorePattern struct {
	re   *regexp.Regexp
	keep bool
}

// parseIgnore reads patterns: one per line, "#" begins a comment, "!" keeps what
// an earlier pattern excluded, "**" stands for any number of folders.
func parseIgnore(text string) (*ignore, error) {
	ig := &ignore{}
	lines := bufio.NewScanner(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		pattern := strings.TrimSpace(line)
		rest, keep := strings.CutPrefix(pattern, "!")
		pattern = strings.TrimPrefix(path.Clean(strings.TrimSpace(rest)), "/")
		if strings.TrimSpace(rest) == "" || pattern == "" || pattern == "." {
			continue
		}
		re, err := ignoreRegexp(pattern)
		if err != nil {
			return nil, api.Errorf("read .dockerignore", "line "+strconv.Itoa(n), api.ErrUsage, "bad pattern "+pattern)
		}
		ig.patterns = append(ig.patterns, ignorePattern{re, keep})
		ig.keeps = ig.keeps || keep
	}
	if err := lines.Err(); err != nil {
		return nil, api.E("read .dockerignore", "", api.ErrUsage, err)
	}
	return ig, nil
}

// ignoreRegexp translates a pattern. It matches a path and all that is below it.
func ignoreRegexp(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteByte('^')
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			if !strings.HasPrefix(pattern[i:], "**") {
				b.WriteString("[^/]*")
				continue
			}
			i++
			if strings.HasPrefix(pattern[i+1:], "/") {
				i++
				b.WriteString("(.*/)?")
			} else {
				b.WriteString(".*")
			}
		case '?':
			b.WriteString("[^/]")
		case '\\':
			if i++; i < len(pattern) {
				b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
			}
		case '[', ']', '^', '-':
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString("(/.*)?$")
	return regexp.Compile(b.String())
}

// excludes reports whether a path, relative and with slashes, is left out.
func (ig *ignore) excludes(name string) bool {
	out := false
	for _, p := range ig.patterns {
		if out == p.keep && p.re.MatchString(name) {
			out = !p.keep
		}
	}
	return out
}
