package doctor

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// machine is what has to be known of this one before anything is changed.
type machine struct {
	id       string // os-release's ID: "debian", "ubuntu"
	like     string // its ID_LIKE
	codename string // "trixie"
	root     bool
	apt      bool
	systemd  bool
	sources  []source // what apt fetches from
	path     func(string) bool
}

// thisMachine reads the facts below a root folder.
func thisMachine(root fs.FS) machine {
	m := machine{root: os.Geteuid() == 0, path: func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	}}
	if runtime.GOOS != "linux" {
		return m
	}
	m.readRelease(root)
	m.apt = (m.id == "debian" || m.id == "ubuntu" || strings.Contains(" "+m.like+" ", " debian ")) && m.path("apt-get")
	if info, err := fs.Stat(root, "run/systemd/system"); err == nil && info.IsDir() {
		m.systemd = true
	}
	m.sources = readSources(root)
	return m
}

// readRelease reads /etc/os-release.
func (m *machine) readRelease(root fs.FS) {
	raw, err := fs.ReadFile(root, "etc/os-release")
	if err != nil {
		if raw, err = fs.ReadFile(root, "usr/lib/os-release"); err != nil {
			return
		}
	}
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			m.id = value
		case "ID_LIKE":
			m.like = value
		case "VERSION_CODENAME":
			m.codename = value
		}
	}
}

// source is one place that apt fetches binary packages from.
type source struct {
	uri        string
	suites     []string
	components []string
}

// readSources reads sources.list and sources.list.d in both of apt's formats.
// What cannot be read counts as not there.
func readSources(root fs.FS) []source {
	var sources []source
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
func parseOneLine(text string) []source {
	var sources []source
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
			sources = append(sources, source{uri: words[0], suites: words[1:2], components: words[2:]})
		}
	}
	return sources
}

// parseDeb822 reads stanzas of "Types:", "URIs:", "Suites:", "Components:".
func parseDeb822(text string) []source {
	var sources []source
	fields := map[string][]string{}
	last := ""
	flush := func() {
		if slices.Contains(fields["types"], "deb") && !slices.Contains(fields["enabled"], "no") {
			for _, uri := range fields["uris"] {
				sources = append(sources, source{uri: uri, suites: fields["suites"], components: fields["components"]})
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
