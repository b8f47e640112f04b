package devcontainer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Customize returns the text of a devcontainer.json with customizations.TOOL
// added. Every byte, comment and comma that is there stays. A file that has
// settings for the tool already is ErrConflict; broken text is ErrUsage.
func Customize(path string, data []byte, tool string, settings any) ([]byte, error) {
	d, err := parseDocument(path, data)
	if err != nil {
		return nil, err
	}
	root := d.tree.Value.(*hujson.Object) // parseDocument takes nothing else
	e := editor{document: d, original: data, newline: lineEnd(data)}
	customizations := member(root, "customizations")
	if customizations == nil {
		return e.add(&d.tree, "customizations", map[string]any{tool: settings})
	}
	object, ok := customizations.Value.Value.(*hujson.Object)
	if !ok {
		return nil, d.fail(d.at("customizations"), `"customizations" is not an object`)
	}
	if member(object, tool) != nil {
		return nil, api.Errorf("change", path+":"+d.at("customizations", tool), api.ErrConflict, "it has settings for "+tool+" already")
	}
	return e.add(&customizations.Value, tool, settings)
}

// Extend returns the text of a devcontainer.json with a member added to the
// settings in customizations.TOOL, which are there. All else stays, as with
// Customize. A member that is there already is ErrConflict.
func Extend(path string, data []byte, tool, name string, value any) ([]byte, error) {
	d, err := parseDocument(path, data)
	if err != nil {
		return nil, err
	}
	at := &d.tree
	for _, key := range []string{"customizations", tool} {
		object, ok := at.Value.(*hujson.Object)
		if !ok {
			return nil, d.fail(d.at("customizations"), `"customizations" is not an object`)
		}
		m := member(object, key)
		if m == nil {
			return nil, api.Errorf("change", path, api.ErrNotExist, "it has no settings for "+tool)
		}
		at = &m.Value
	}
	object, ok := at.Value.(*hujson.Object)
	if !ok {
		return nil, d.fail(d.at("customizations", tool), fmt.Sprintf("%q is not an object", tool))
	}
	if member(object, name) != nil {
		return nil, api.Errorf("change", path+":"+d.at("customizations", tool, name), api.ErrConflict, "it has "+name+" already")
	}
	e := editor{document: d, original: data, newline: lineEnd(data)}
	return e.add(at, name, value)
}

// lineEnd is how the lines of a text end.
func lineEnd(data []byte) string {
	if bytes.Contains(data, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// member returns the last member of that name, which is the one that counts.
func member(o *hujson.Object, name string) *hujson.ObjectMember {
	for i := range slices.Backward(o.Members) {
		if literal, ok := o.Members[i].Name.Value.(hujson.Literal); ok && literal.String() == name {
			return &o.Members[i]
		}
	}
	return nil
}

// editor inserts text into the original of a document.
type editor struct {
	*document
	original []byte
	newline  string
}

// offset turns an offset in the document's text into one in the original.
func (e *editor) offset(at int) int {
	for _, inserted := range slices.Backward(e.inserted) {
		if inserted < at {
			at--
		}
	}
	if bytes.HasPrefix(e.original, byteOrderMark) {
		at += len(byteOrderMark)
	}
	return at
}

// add adds a member to an object, after those that are there: a comma behind the
// last one, the member before the closing brace, so that a comment behind the
// last one stays with it.
func (e *editor) add(v *hujson.Value, name string, value any) ([]byte, error) {
	members := v.Value.(*hujson.Object).Members
	open, brace := e.offset(v.StartOffset), e.offset(v.EndOffset)-1
	end := len(bytes.TrimRight(e.original[:brace], " \t\r\n")) // of what is in the object
	outer := e.indent(open)
	style := style{indent: outer + "  ", unit: "  ", newline: e.newline}
	oneLine := !bytes.Contains(e.original[open:brace], []byte("\n"))
	if len(members) == 0 {
		text, err := style.member(name, value)
		if oneLine {
			text += e.newline + outer
		}
		return e.insert(end, text), err
	}
	style.flat = oneLine
	if before := string(e.line(e.offset(members[0].Name.StartOffset))); !oneLine && strings.Trim(before, " \t") == "" {
		style.indent, style.unit = before, strings.TrimPrefix(before, outer)
	}
	text, err := style.member(name, value)
	last := members[len(members)-1].Value
	out := e.insert(end, text)
	if last.AfterExtra == nil { // no comma behind the last one
		out = slices.Insert(out, e.offset(last.EndOffset), ',')
	}
	return out, err
}

// insert returns the original with text put in.
func (e *editor) insert(at int, text string) []byte {
	return slices.Concat(e.original[:at], []byte(text), e.original[at:])
}

// line returns what is before an offset on its line.
func (e *editor) line(at int) []byte {
	return e.original[bytes.LastIndexByte(e.original[:at], '\n')+1 : at]
}

// indent returns the white space that an offset's line begins with.
func (e *editor) indent(at int) string {
	line := strings.TrimPrefix(string(e.line(at)), string(byteOrderMark))
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// style is how an object's members are written.
type style struct {
	indent, unit, newline string
	flat                  bool // all on one line
}

// member writes a member with the space before it.
func (s style) member(name string, value any) (string, error) {
	if s.flat {
		data, err := json.Marshal(value)
		return fmt.Sprintf(" %q: %s", name, data), err
	}
	data, err := json.MarshalIndent(value, s.indent, cmp.Or(s.unit, "  "))
	return strings.ReplaceAll(fmt.Sprintf("\n%s%q: %s", s.indent, name, data), "\n", s.newline), err
}
