package template

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	// placeholder is the Dev Container templates' own syntax.
	placeholder = regexp.MustCompile(`\$\{templateOption:\s*(\w+)\s*\}`)
	// marker is a line that holds nothing but a marker in a comment of the
	// file's language: //, #, /* */ or <!-- -->.
	marker = regexp.MustCompile(`^\s*(?://|#|/\*|<!--)\s*@(if|end|include)(?:\s+(!?[\w-]+))?\s*(?:\*/|-->)?\s*$`)
)

// renderer turns template sources into a project's text.
type renderer struct {
	values     map[string]string
	conditions map[string]bool                   // every known one; an unknown one is an error
	include    func(name string) (string, error) // the text of a section
}

// maxNested is how deep sections may include sections; deeper is a circle.
const maxNested = 8

// render processes marker lines, then placeholders.
func (r renderer) render(text string) (string, error) {
	var out strings.Builder
	if err := r.expand(&out, text, maxNested); err != nil {
		return "", err
	}
	return r.substitute(out.String())
}

// expand writes the text with its marker lines processed, in sections that it
// includes too.
func (r renderer) expand(out *strings.Builder, text string, nested int) error {
	if nested == 0 {
		return fmt.Errorf("sections include one another in a circle")
	}
	var kept []bool // for each open @if, whether its lines are kept
	for i, line := range strings.SplitAfter(text, "\n") {
		m := marker.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			if all(kept) {
				out.WriteString(line)
			}
			continue
		}
		var err error
		switch m[1] {
		case "if":
			var keep bool
			keep, err = r.condition(m[2])
			kept = append(kept, keep)
		case "end":
			if len(kept) == 0 {
				err = fmt.Errorf("@end without @if")
				break
			}
			kept = kept[:len(kept)-1]
		case "include":
			if all(kept) {
				err = r.section(out, m[2], nested-1)
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if len(kept) > 0 {
		return fmt.Errorf("@if without @end")
	}
	return nil
}

// section writes a section, itself expanded.
func (r renderer) section(out *strings.Builder, name string, nested int) error {
	text, err := r.include(name)
	if err != nil {
		return err
	}
	if err := r.expand(out, text, nested); err != nil {
		return fmt.Errorf("section %s: %w", name, err)
	}
	return nil
}

// condition evaluates the argument of an @if.
func (r renderer) condition(name string) (bool, error) {
	bare, negated := strings.CutPrefix(name, "!")
	value, known := r.conditions[bare]
	if !known {
		return false, fmt.Errorf("@if %s: unknown condition", name)
	}
	return value != negated, nil
}

// substitute replaces every placeholder, once: a value is never looked at again.
func (r renderer) substitute(text string) (string, error) {
	var unknown error
	out := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := placeholder.FindStringSubmatch(match)[1]
		value, ok := r.values[name]
		if !ok && unknown == nil {
			unknown = fmt.Errorf("%s: unknown option", match)
		}
		return value
	})
	return out, unknown
}

// all reports whether every element is true.
func all(values []bool) bool {
	for _, v := range values {
		if !v {
			return false
		}
	}
	return true
}
