package project

import (
	"io/fs"
	"regexp"
	"strings"
)

var (
	makeVariable = regexp.MustCompile(`^(?:export[ \t]+)?([A-Za-z_][\w-]*)[ \t]*(:{0,2}|\?|\+|!)=[ \t]*(.*)$`)
	makeUse      = regexp.MustCompile(`\$(?:\(([\w-]+)\)|\{([\w-]+)\})`)
	makeRule     = regexp.MustCompile(`^run[ \t]*::?(?:[^=]|$)`)
)

// makeRun returns the command that `make run` ends with, without sudo: where it is
// words that no shell has to understand, else nil.
func makeRun(fsys fs.FS) ([]string, error) {
	text, err := readAnyMakefile(fsys)
	if err != nil || text == "" {
		return nil, err
	}
	variables, recipe := map[string]string{}, ""
	inRun := false
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\r\n \t")
		switch {
		case strings.HasPrefix(line, "\t"):
			if body := strings.TrimLeft(line, "\t@- "); inRun && body != "" && !strings.HasPrefix(body, "#") {
				recipe = body
			}
		case line == "" || strings.HasPrefix(line, "#"):
		default:
			inRun = makeRule.MatchString(line)
			if m := makeVariable.FindStringSubmatch(line); m != nil && !inRun {
				if _, twice := variables[m[1]]; twice || m[2] == "+" || m[2] == "!" {
					m[3] = "$" // it is not known
				}
				value, _, _ := strings.Cut(m[3], " #")
				variables[m[1]] = strings.TrimSpace(value)
			}
		}
	}
	return plainCommand(recipe, variables), nil
}

// readAnyMakefile returns the text of the Makefile that make would read.
func readAnyMakefile(fsys fs.FS) (string, error) {
	for _, name := range makefiles() {
		if b, err := read(fsys, name); err != nil || b != nil {
			return string(b), err
		}
	}
	return "", nil
}

// makefiles are in the order in which make looks.
func makefiles() []string { return []string{"GNUmakefile", "makefile", "Makefile"} }

// plainCommand returns the words of a recipe's line, without what makes it run as
// root; nil for one that is more than words.
func plainCommand(line string, variables map[string]string) []string {
	first, rest, _ := strings.Cut(line, " ")
	m := makeUse.FindStringSubmatch(first)
	if first == "sudo" || m != nil && m[0] == first && strings.Contains(variables[m[1]+m[2]], "sudo") {
		line = rest
	}
	const deep = 8 // variables in variables
	for range deep {
		line = makeUse.ReplaceAllStringFunc(line, func(use string) string {
			m := makeUse.FindStringSubmatch(use)
			if value := variables[m[1]+m[2]]; len(value) <= 1024 {
				return value
			}
			return "$"
		})
		if len(line) > 4096 {
			return nil
		}
	}
	if strings.ContainsAny(line, "$|&;<>`\"'(){}*?[]\\~#") {
		return nil
	}
	return strings.Fields(line)
}
