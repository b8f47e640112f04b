package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// node is a field of a decoded value.
type node struct {
	name, text string
	children   []*node
}

// maxNodes bounds how much of a value is shown as a tree; a screenful is less.
const maxNodes = 2000

// parseTree reads JSON in the order in which it is written, which is the order
// of the C type.
func parseTree(raw json.RawMessage) (*node, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	left := maxNodes
	n, err := parseNode(d, "", &left)
	return n, err == nil && n != nil
}

func parseNode(d *json.Decoder, name string, left *int) (*node, error) {
	*left--
	if *left < 0 {
		return nil, fmt.Errorf("more than %d fields", maxNodes)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{name: name}
	open, ok := t.(json.Delim)
	if !ok {
		n.text = tokenText(t)
		return n, nil
	}
	for i := 0; d.More(); i++ {
		child := "[" + strconv.Itoa(i) + "]"
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			child, _ = key.(string)
		}
		c, err := parseNode(d, child, left)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, c)
	}
	_, err = d.Token()
	return n, err
}

func tokenText(t json.Token) string {
	switch v := t.(type) {
	case string:
		return strconv.Quote(v)
	case nil:
		return "null"
	default:
		return fmt.Sprint(v)
	}
}

// line writes a node as one line.
func (n *node) line() string {
	if len(n.children) == 0 {
		return n.text
	}
	var parts []string
	list := n.children[0].name == "[0]"
	for _, c := range n.children {
		if list {
			parts = append(parts, c.line())
		} else {
			parts = append(parts, c.name+": "+c.line())
		}
	}
	if list {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// lines draws the children of a node, names lined up.
func (n *node) lines(t draw.Theme, indent string) []string {
	widest := 0
	for _, c := range n.children {
		if len(c.children) == 0 {
			widest = max(widest, draw.Width(draw.Clean(c.name)))
		}
	}
	widest = min(widest, 24)
	var out []string
	for i, c := range n.children {
		branch, down := t.Glyphs.Branch, t.Glyphs.Bar
		if i == len(n.children)-1 {
			branch, down = t.Glyphs.Last, " "
		}
		line := t.Dim.Render(indent+branch+" ") + t.Accent.Render(t.Fit(draw.Clean(c.name), max(widest, draw.Width(draw.Clean(c.name)))))
		if len(c.children) == 0 {
			line += " " + draw.Clean(c.text)
		}
		out = append(out, line)
		out = append(out, c.lines(t, indent+down+" ")...)
	}
	return out
}
