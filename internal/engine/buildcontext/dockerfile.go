package buildcontext

import (
	"fmt"
	"regexp"
	"strings"
)

// Dockerfile is what has to be known of a Dockerfile before it is sent.
type Dockerfile struct {
	Bases    []string // images named by FROM, build stages left out
	BuildKit string   // the first thing that only BuildKit can do, with its line; empty when there is none
}

var (
	directive = regexp.MustCompile(`^#\s*([A-Za-z]+)\s*=\s*(\S+)\s*$`)
	hereDoc   = regexp.MustCompile(`<<-?["']?[A-Za-z_][A-Za-z0-9_]*["']?`)
)

// buildKitFlags are the flags that the classic builder refuses, by instruction.
// --chown and --from are the ones that it knows.
func buildKitFlag(instruction, flag string) bool {
	switch instruction {
	case "RUN":
		return strings.HasPrefix(flag, "--")
	case "COPY":
		return !strings.HasPrefix(flag, "--from=") && !strings.HasPrefix(flag, "--chown=")
	case "ADD":
		return !strings.HasPrefix(flag, "--chown=")
	default:
		return false
	}
}

// scanDockerfile reads as much of a Dockerfile as is needed to choose a builder.
// It never fails: what makes no sense is the builder's to refuse.
func scanDockerfile(text string) Dockerfile {
	d := Dockerfile{}
	syntax := ""
	escape := `\`
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	i := 0
	for ; i < len(lines); i++ {
		m := directive.FindStringSubmatch(strings.TrimSpace(lines[i]))
		if m == nil {
			break
		}
		switch strings.ToLower(m[1]) {
		case "syntax":
			syntax = m[2]
		case "escape":
			escape = m[2]
		}
	}
	stages := map[string]bool{"scratch": true}
	for i < len(lines) {
		start := i + 1
		var text string
		text, i = logicalLine(lines, i, escape)
		d.instruction(text, start, stages)
	}
	if d.BuildKit == "" && syntax != "" && !plainSyntax(syntax) {
		d.BuildKit = "# syntax=" + syntax
	}
	return d
}

// logicalLine joins continued lines, drops comments between them and returns
// the index after it.
func logicalLine(lines []string, i int, escape string) (string, int) {
	var b strings.Builder
	for ; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			if b.Len() == 0 {
				return "", i + 1
			}
			continue
		}
		rest, continued := strings.CutSuffix(line, escape)
		b.WriteString(rest)
		b.WriteByte(' ')
		if !continued {
			return b.String(), i + 1
		}
	}
	return b.String(), i
}

// instruction notes the base images and what needs BuildKit.
func (d *Dockerfile) instruction(text string, line int, stages map[string]bool) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	name := strings.ToUpper(words[0])
	args := words[1:]
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		if d.BuildKit == "" && buildKitFlag(name, args[0]) {
			flag, _, _ := strings.Cut(args[0], "=")
			d.BuildKit = fmt.Sprintf("%s %s (line %d)", name, flag, line)
		}
		args = args[1:]
	}
	switch name {
	case "FROM":
		if len(args) > 0 && !stages[strings.ToLower(args[0])] {
			d.Bases = append(d.Bases, args[0])
		}
		if len(args) == 3 && strings.EqualFold(args[1], "as") {
			stages[strings.ToLower(args[2])] = true
		}
	case "RUN", "COPY", "ADD":
		// In a RUN a here-document may be the shell's own, which the classic
		// builder breaks as well: it knows none of the lines that follow.
		if d.BuildKit == "" && hereDoc.MatchString(text) && !strings.Contains(text, "<<<") {
			d.BuildKit = fmt.Sprintf("%s with a here-document (line %d)", name, line)
		}
	}
}

// plainSyntax reports whether a syntax directive names Docker's own Dockerfile
// language, which the classic builder knows too: it takes the directive for the
// comment that it is.
func plainSyntax(image string) bool {
	image = strings.TrimPrefix(image, "docker.io/")
	return image == "docker/dockerfile" || strings.HasPrefix(image, "docker/dockerfile:1")
}
