package aptsource

import (
	"bufio"
	"io/fs"
	"slices"
	"strings"
)

// Source is one place that apt fetches binary packages from.
type Source struct {
	URI        string
	Suites     []string
	Components []string
}

// Read reads sources.list and sources.list.d below a root folder.
// What cannot be read counts as not there.
func Read(root fs.FS) []Source {
	var sources []Source
	if raw, err := fs.ReadFile(root, "etc/apt/sources.list"); err == nil {
		sources = append(sources, parseOneLine(string(raw))...)
	}
	entries, err := fs.ReadDir(root, "etc/apt/sources.list.d")
	if err != nil {
		return sources
	}
	for _, e := range entries {
		raw, err := fs.ReadFile(root, "etc/apt/sources.list.d/"+e.Name())
		if err != nil {
			continue
		}
		switch {
		case strings.HasSuffix(e.Name(), ".list"):
			sources = append(sources, parseOneLine(string(raw))...)
		case strings.HasSuffix(e.Name(), ".sources"):
			sources = append(sources, parseDeb822(string(raw))...)
		}
	}
	return sources
}

// parseOneLine reads "deb [options] URI SUITE COMPONENT…" lines.
func parseOneLine(text string) []Source {
	var sources []Source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t' && rest[0] != '[') {
			continue
		}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		if words := strings.Fields(rest); len(words) >= 2 {
			sources = append(sources, Source{URI: words[0], Suites: words[1:2], Components: words[2:]})
		}
	}
	return sources
}

// parseDeb822 reads stanzas of "Types:", "URIs:", "Suites:", "Components:".
func parseDeb822(text string) []Source {
	var sources []Source
	fields := map[string][]string{}
	last := ""
	flush := func() {
		if slices.Contains(fields["types"], "deb") && !slices.Contains(fields["enabled"], "no") {
			for _, uri := range fields["uris"] {
				sources = append(sources, Source{URI: uri, Suites: fields["suites"], Components: fields["components"]})
			}
		}
		fields, last = map[string][]string{}, ""
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			fields[last] = append(fields[last], strings.Fields(line)...)
		default:
			key, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(strings.TrimSpace(key))
			fields[last] = append(fields[last], strings.Fields(value)...)
		}
	}
	flush()
	return sources
}
