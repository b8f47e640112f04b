package btfc

import (
	"fmt"
	"io"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// cacheLine is the bytes of a cache line on the machines that ebpfdev runs on.
const cacheLine = 64

// Layout is where a struct or union has its members.
type Layout struct {
	Type    string  `json:"type"`  // as C writes it: "struct bio"
	Bytes   int     `json:"bytes"` // of the whole
	Members []Field `json:"members"`
	Holes   int     `json:"holes"`                  // how many, between members
	Unused  int     `json:"unused_bits"`            // in holes
	Padding int     `json:"padding_bits,omitempty"` // behind the last member
}

// Field is a member. Offsets are from the beginning of the outermost type.
type Field struct {
	Name    string  `json:"name,omitempty"`
	Type    string  `json:"type"`
	Offset  int     `json:"offset"`        // bytes
	Bytes   int     `json:"bytes"`         // of its type
	Bit     int     `json:"bit,omitempty"` // of a bit-field: where it begins in the byte
	Bits    int     `json:"bits,omitempty"`
	Hole    int     `json:"hole_bits,omitempty"` // unused bits before it
	Members []Field `json:"members,omitempty"`   // of a struct or union without a name
	text    string  // the declaration
}

// LayoutOf returns the layout of a struct or union, or of the one behind a
// typedef; false when t is none.
func LayoutOf(t btf.Type) (Layout, bool) {
	v := &viewer{w: newWriter()}
	v.w.brief = true
	under := btf.UnderlyingType(t)
	if keyword(under) != "struct" && keyword(under) != "union" {
		return Layout{}, false
	}
	size, _ := sizeOf(under)
	l := Layout{Type: v.declaration(t, ""), Bytes: size}
	var end int
	l.Members, end = v.fields(under, 0, 0)
	l.Holes, l.Unused = v.holes, v.unused
	if keyword(under) == "struct" {
		l.Padding = max(0, 8*size-end)
	}
	return l, true
}

type viewer struct {
	w             *writer
	holes, unused int
	seen          int // members
}

// declaration writes a declaration in one line; what has no name is "{...}".
func (v *viewer) declaration(t btf.Type, name string) string {
	v.w.buf, v.w.tooDeep = nil, false
	v.w.declare(t, name, 0)
	return string(v.w.buf)
}

// fields returns the members of t, which begins at a bit, and the bit at which the
// last ends.
func (v *viewer) fields(t btf.Type, at, depth int) (list []Field, end int) {
	end = at
	for _, m := range inOrder(membersOf(t)) {
		size, _ := sizeOf(m.Type)
		begin := at + int(m.Offset)
		f := Field{
			Name: m.Name, Type: v.declaration(m.Type, ""), text: v.declaration(m.Type, m.Name),
			Offset: begin / 8, Bytes: size, Bits: int(m.BitfieldSize),
		}
		length := 8 * size
		if f.Bits > 0 {
			f.Bit, length = begin%8, f.Bits
			f.text += fmt.Sprintf(": %d", f.Bits)
		}
		if keyword(t) == "struct" && begin > end {
			f.Hole = begin - end
			v.holes++
			v.unused += f.Hole
		}
		under := unnamed(m.Type)
		if under == nil {
			under = embedded(m)
		}
		if v.seen++; under != nil && depth < maxNested && v.seen < maxFields {
			f.Members, _ = v.fields(under, begin, depth+1)
		}
		end = max(end, begin+length)
		list = append(list, f)
	}
	return list, end
}

// maxNested bounds how deep structs without a name are followed, maxFields how many
// members are looked at. A kernel's nest some ten deep, with some thousand members.
const (
	maxNested = 16
	maxFields = 100_000
)

// unnamed returns the struct or union without a name that a member is made of.
func unnamed(t btf.Type) btf.Type {
	for range maxDepth {
		next, ok := qualified(t)
		if a, is := t.(*btf.Array); is {
			next, ok = a.Type, true
		}
		if !ok {
			break
		}
		t = next
	}
	if t.TypeName() == "" && membersOf(t) != nil {
		return t
	}
	return nil
}

// WriteTo writes a layout as C with offsets and sizes in bytes as comments, and
// with holes and the borders of cache lines.
func (l Layout) WriteTo(out io.Writer) (int64, error) {
	p := &layoutPrinter{width: min(width(l.Members, 1), 72)}
	head := l.Type + " {"
	p.line(0, head+strings.Repeat(" ", max(1, p.width-len(head)+1))+"/*  offset  bytes */")
	p.fields(l.Members, 1)
	about := fmt.Sprintf("size %d, %s", l.Bytes, counted((l.Bytes+cacheLine-1)/cacheLine, "cache line"))
	if l.Holes > 0 {
		about += fmt.Sprintf(", %s of %s", counted(l.Holes, "hole"), bitsInWords(l.Unused))
	}
	if l.Padding > 0 {
		about += ", padding of " + bitsInWords(l.Padding)
	}
	p.line(0, "}; /* "+about+" */")
	n, err := io.WriteString(out, p.text.String())
	return int64(n), err
}

type layoutPrinter struct {
	text  strings.Builder
	width int
	lines int // cache lines whose border was passed
}

const tab = 8

func (p *layoutPrinter) line(depth int, text string) {
	p.text.WriteString(strings.Repeat("\t", depth) + text + "\n")
}

// at writes a declaration with where it is.
func (p *layoutPrinter) at(depth int, text string, f Field) {
	place := fmt.Sprintf("%d", f.Offset)
	if f.Bits > 0 {
		place = fmt.Sprintf("%d:%d", f.Offset, f.Bit)
	}
	pad := max(1, p.width-tab*depth-len(text)+1)
	p.line(depth, fmt.Sprintf("%s%s/* %7s %6d */", text, strings.Repeat(" ", pad), place, f.Bytes))
}

func (p *layoutPrinter) fields(list []Field, depth int) {
	for _, f := range list {
		if f.Hole > 0 {
			p.line(depth, "/* hole of "+bitsInWords(f.Hole)+" */")
		}
		p.border(f.Offset, depth)
		if len(f.Members) == 0 {
			p.at(depth, f.text+";", f)
			continue
		}
		before, after, _ := strings.Cut(f.text, "{...}")
		p.line(depth, strings.TrimSuffix(before, " ")+" {")
		p.fields(f.Members, depth+1)
		p.at(depth, "}"+after+";", f)
	}
}

// border marks where a cache line begins that was not marked yet.
func (p *layoutPrinter) border(offset, depth int) {
	n := offset / cacheLine
	if n <= p.lines {
		return
	}
	p.lines = n
	text := fmt.Sprintf("/* --- cache line %d begins", n)
	if ago := offset - n*cacheLine; ago > 0 {
		text += fmt.Sprintf(" %d bytes before", ago)
	}
	p.line(depth, text+" --- */")
}

// width returns how wide the declarations are at most.
func width(list []Field, depth int) int {
	most := 0
	for _, f := range list {
		if len(f.Members) > 0 {
			_, after, _ := strings.Cut(f.text, "{...}")
			most = max(most, width(f.Members, depth+1), tab*depth+len(after)+2)
			continue
		}
		most = max(most, tab*depth+len(f.text)+1)
	}
	return most
}

func bitsInWords(n int) string {
	switch {
	case n%8 != 0 && n > 8:
		return fmt.Sprintf("%s and %s", counted(n/8, "byte"), counted(n%8, "bit"))
	case n%8 != 0:
		return counted(n, "bit")
	default:
		return counted(n/8, "byte")
	}
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Definition returns the C of one type alone, without what it needs: an enum, a
// typedef, a function, a variable. Structs have a Layout.
func Definition(t btf.Type) string {
	w := newWriter()
	w.brief = true
	switch t := t.(type) {
	case *btf.Enum:
		w.enumBody(t, 0)
	case *btf.Typedef:
		w.text("typedef ")
		w.declare(t.Type, t.Name, 0)
	case *btf.Func:
		w.declare(t.Type, t.Name, 0)
	case *btf.Var:
		w.declare(t.Type, t.Name, 0)
	default:
		w.declare(t, "", 0)
	}
	return string(w.buf) + ";"
}

// SizeOf returns the bytes of a type; false for one that has no size.
func SizeOf(t btf.Type) (int, bool) { return sizeOf(t) }

// Word returns what kind of type t is: "struct", "function".
func Word(t btf.Type) string {
	switch t.(type) {
	case *btf.Int:
		return "int"
	case *btf.Float:
		return "float"
	case *btf.Pointer:
		return "pointer"
	case *btf.Array:
		return "array"
	case *btf.Fwd:
		return "forward"
	case *btf.Const:
		return "const"
	case *btf.Volatile:
		return "volatile"
	case *btf.Restrict:
		return "restrict"
	case *btf.TypeTag:
		return "tag"
	case *btf.Func:
		return "function"
	case *btf.FuncProto:
		return "prototype"
	case *btf.Var:
		return "variable"
	case *btf.Datasec:
		return "section"
	default:
		return keyword(t)
	}
}
