package devcontainer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const (
	maxSize  = 4 << 20 // bytes of a devcontainer.json
	maxDepth = 256     // nested arrays and objects; the parser recurses

	maxWarnings = 20 // about keys that are given twice
)

var (
	byteOrderMark  = []byte("\ufeff")
	hujsonPosition = regexp.MustCompile(`^hujson: line (\d+), column (\d+): `)
)

// document is a parsed JSON text with comments that remembers where things are.
type document struct {
	name     string
	text     []byte // as it was parsed: no byte order mark, tabs in strings escaped
	inserted []int  // offsets in text of the bytes that the original does not have
	tree     hujson.Value
	root     map[string]any
}

// parseDocument parses JSON with comments and trailing commas. Like VS Code's
// parser it takes a byte order mark and raw tabs in strings, and the last of
// duplicate keys wins; unlike it, it does not guess what broken text means.
func parseDocument(name string, data []byte) (*document, error) {
	d := &document{name: name}
	if len(data) > maxSize {
		return nil, d.fail("", fmt.Sprintf("larger than %d MiB", maxSize>>20))
	}
	deep := d.normalise(bytes.TrimPrefix(data, byteOrderMark))
	if deep >= 0 {
		return nil, d.fail(d.position(deep), fmt.Sprintf("nested deeper than %d levels", maxDepth))
	}
	if len(bytes.TrimSpace(d.text)) == 0 {
		return nil, d.fail("1:1", "empty; an object was expected")
	}
	tree, err := hujson.Parse(d.text)
	if err != nil {
		return nil, d.syntaxError(err)
	}
	d.tree = tree
	standard := tree.Clone()
	standard.Standardize()
	decoder := json.NewDecoder(bytes.NewReader(standard.Pack()))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, d.fail("1:1", err.Error())
	}
	root, ok := value.(map[string]any)
	if !ok {
		return nil, d.fail(d.position(tree.StartOffset), "an object was expected")
	}
	d.root = root
	return d, nil
}

// normalise sets text and returns the offset where the nesting gets too deep,
// or -1. It must not recurse: it guards the parser, which does.
func (d *document) normalise(data []byte) int {
	d.text = make([]byte, 0, len(data)+16)
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			i = d.copyString(data, i)
			continue
		case c == '/' && bytes.HasPrefix(data[i:], []byte("//")):
			end := bytes.IndexByte(data[i:], '\n')
			if end < 0 {
				// The parser wants an end to a comment in the last line.
				d.text = append(append(d.text, data[i:]...), '\n')
				return -1
			}
			d.text = append(d.text, data[i:i+end]...)
			i += end - 1
			continue
		case c == '/' && bytes.HasPrefix(data[i:], []byte("/*")):
			end := bytes.Index(data[i+2:], []byte("*/"))
			if end < 0 {
				end = len(data) - i - 4
			}
			d.text = append(d.text, data[i:i+end+4]...)
			i += end + 3
			continue
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				d.text = append(d.text, c)
				return len(d.text) - 1
			}
		case c == ']' || c == '}':
			depth--
		}
		d.text = append(d.text, data[i])
	}
	return -1
}

// copyString copies the string that begins at i, with raw tabs escaped, and
// returns the offset of its last byte.
func (d *document) copyString(data []byte, i int) int {
	d.text = append(d.text, '"')
	for i++; i < len(data); i++ {
		switch c := data[i]; c {
		case '\t':
			d.inserted = append(d.inserted, len(d.text))
			d.text = append(d.text, '\\', 't')
		case '\\':
			d.text = append(d.text, c)
			if i+1 < len(data) {
				i++
				d.text = append(d.text, data[i])
			}
		case '"', '\n':
			d.text = append(d.text, c)
			return i
		default:
			d.text = append(d.text, c)
		}
	}
	return i
}

// position returns "line:column" of an offset in text, as an editor counts:
// from one, columns in characters of the original file.
func (d *document) position(offset int) string {
	offset = min(offset, len(d.text))
	start := bytes.LastIndexByte(d.text[:offset], '\n') + 1
	line := 1 + bytes.Count(d.text[:offset], []byte("\n"))
	column := 1 + utf8.RuneCount(d.text[start:offset])
	for _, at := range d.inserted {
		if at >= start && at < offset {
			column--
		}
	}
	return strconv.Itoa(line) + ":" + strconv.Itoa(column)
}

// at returns "line:column" of the value that the keys lead to, or of the
// closest parent that is there.
func (d *document) at(keys ...string) string {
	for ; len(keys) > 0; keys = keys[:len(keys)-1] {
		var pointer strings.Builder
		for _, key := range keys {
			pointer.WriteByte('/')
			pointer.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
		}
		if v := d.tree.Find(pointer.String()); v != nil {
			return d.position(v.StartOffset)
		}
	}
	return d.position(d.tree.StartOffset)
}

func (d *document) fail(position, cause string) error {
	object := d.name
	if position != "" {
		object += ":" + position
	}
	return api.Errorf("read", object, api.ErrUsage, cause)
}

func (d *document) syntaxError(err error) error {
	text := err.Error()
	m := hujsonPosition.FindStringSubmatch(text)
	if m == nil {
		return d.fail("", text)
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	offset := 0
	for range line - 1 {
		offset += bytes.IndexByte(d.text[offset:], '\n') + 1
	}
	return d.fail(d.position(offset+column-1), text[len(m[0]):])
}

// duplicates returns a warning for each key that is given twice in one object.
func (d *document) duplicates() []string {
	var warnings []string
	for value := range d.tree.All() {
		object, ok := value.Value.(*hujson.Object)
		if !ok {
			continue
		}
		seen := map[string]bool{}
		for _, member := range object.Members {
			literal, ok := member.Name.Value.(hujson.Literal)
			if !ok {
				continue
			}
			key := literal.String()
			if seen[key] && len(warnings) < maxWarnings {
				warnings = append(warnings, fmt.Sprintf("%s:%s: %q is given twice, the last one counts",
					d.name, d.position(member.Name.StartOffset), key))
			}
			seen[key] = true
		}
	}
	return warnings
}
