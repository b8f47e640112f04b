package deb

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxLine is how long a line of an index may be, in bytes: dependencies are one line.
const maxLine = 1 << 20

// Paragraph is one paragraph of a control file: its fields by lower-case name.
// Lines that continue a field are joined by line breaks.
type Paragraph map[string]string

// Paragraphs calls fn for each paragraph whose first line keep accepts; nil
// accepts all. The lines of the others are not looked at: an index has some
// 60,000 paragraphs.
func Paragraphs(r io.Reader, keep func(first string) bool, fn func(Paragraph) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	var p Paragraph
	var last string
	begun, kept := false, false
	flush := func() error {
		done := p
		p, last, begun, kept = nil, "", false, false
		if done == nil {
			return nil
		}
		return fn(done)
	}
	for lines.Scan() {
		text := lines.Bytes()
		if len(text) == 0 {
			if err := flush(); err != nil {
				return err
			}
			continue
		}
		if !begun {
			begun = true
			kept = keep == nil || keep(string(text))
		}
		if !kept {
			continue
		}
		if p == nil {
			p = Paragraph{}
		}
		last = p.add(string(text), last)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read fields: %w", err)
	}
	return flush()
}

// add takes one line in and returns the field that it belongs to.
func (p Paragraph) add(text, last string) string {
	if text[0] == ' ' || text[0] == '\t' {
		if last != "" {
			p[last] += "\n" + strings.TrimSpace(text)
		}
		return last
	}
	key, value, ok := strings.Cut(text, ":")
	if !ok {
		return last
	}
	key = strings.ToLower(strings.TrimSpace(key))
	p[key] = strings.TrimSpace(value)
	return key
}
