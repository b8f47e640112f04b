package btfc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// beforeC23 guards what became a keyword in C23: bool, true and false.
const beforeC23 = "#if !defined(__cplusplus) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L)\n"

func (w *writer) text(s string) { w.buf = append(w.buf, s...) }

func (w *writer) number(n int) { w.buf = strconv.AppendInt(w.buf, int64(n), 10) }

func (w *writer) indent(n int) {
	for range n {
		w.buf = append(w.buf, '\t')
	}
}

// paragraph begins a definition: an empty line parts it from the one before.
func (w *writer) paragraph() {
	if !w.spaced {
		w.text("\n")
	}
	w.spaced = false
}

// head writes what stands before the types.
func (w *writer) head(h Header) {
	for _, line := range h.About {
		w.text("// " + strings.ReplaceAll(line, "\n", " ") + "\n")
	}
	if h.Guard != "" {
		w.text("#ifndef " + h.Guard + "\n#define " + h.Guard + "\n")
	}
	if h.CORE {
		w.text(`
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif
`)
	}
	for _, macro := range []string{"btf_type_tag", "btf_decl_tag"} {
		if w.macros[macro] {
			w.text("\n#ifdef __has_attribute\n#if __has_attribute(" + macro + ")\n#define __" + macro + "(tag) __attribute__((" + macro + "(tag)))\n#endif\n#endif\n" +
				"#ifndef __" + macro + "\n#define __" + macro + "(tag)\n#endif\n")
		}
	}
	w.text("\n")
}

// foot writes what stands behind the types.
func (w *writer) foot(h Header) {
	if h.CORE {
		w.text(`
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
`)
	}
	if h.Guard != "" {
		w.text("\n#endif /* " + h.Guard + " */\n")
	}
}

// define writes a struct or union that has a tag.
func (w *writer) define(t btf.Type) {
	w.paragraph()
	name := w.names.tag(t)
	w.declared[name] = true
	w.record(t, name, 0)
	w.text(";\n")
}

// record writes a struct or union in full, after its head: "struct foo", or the
// keyword alone.
func (w *writer) record(t btf.Type, head string, indent int) {
	w.records = true
	w.text(head)
	size, _ := sizeOf(t)
	if w.brief {
		w.text(" {...}")
		return
	}
	p := w.planOf(t)
	w.text(" {")
	if size > 0 || len(p.members) > 0 {
		w.text("\n")
	}
	switch {
	case p.opaque:
		w.indent(indent + 1)
		w.text("unsigned char __opaque[")
		w.number(size)
		w.text("];")
		if len(p.members) > 0 {
			w.text(" /* no C has the layout of its members */")
		}
		w.text("\n")
		w.indent(indent)
	case size > 0 || len(p.members) > 0:
		w.members(t, p, indent+1)
		w.indent(indent)
	}
	w.text("}")
	if p.packed {
		w.text(" __attribute__((packed))")
	}
	if p.aligned > 0 {
		w.text(" __attribute__((aligned(")
		w.number(p.aligned)
		w.text(")))")
	}
	switch t := t.(type) {
	case *btf.Struct:
		w.tags(t.Tags)
	case *btf.Union:
		w.tags(t.Tags)
	}
}

func (w *writer) members(t btf.Type, p plan, indent int) {
	_, union := t.(*btf.Union)
	l := w.newLayout(p.packed)
	for _, m := range p.members {
		if len(w.buf) > maxBytes {
			return // Write says so
		}
		if !union {
			from := l.bits
			pad, _ := l.place(m)
			w.pad(from, pad, indent)
		}
		w.member(m, indent)
	}
	if s, ok := t.(*btf.Struct); ok {
		pad, _ := l.end(s.Size)
		w.pad(l.bits, pad, indent)
	}
}

func (w *writer) member(m btf.Member, indent int) {
	name := m.Name
	if name != "" {
		name = ident(name)
	} else if m.BitfieldSize > 0 {
		w.pad(int(m.Offset), int(m.Offset+m.BitfieldSize), indent)
		return
	}
	w.indent(indent)
	if t := embedded(m); t != nil {
		w.record(t, keyword(t), indent)
	} else {
		w.declare(layoutType(m.Type), name, indent)
	}
	if m.BitfieldSize > 0 {
		w.text(": ")
		w.number(int(m.BitfieldSize))
	}
	w.tags(m.Tags)
	w.text(";\n")
}

// embedded returns the struct or union with a name that is a member without one.
// Linux 7.0 and later have such (-fms-extensions); other C has its members in its
// place.
func embedded(m btf.Member) btf.Type {
	if m.Name != "" || m.BitfieldSize > 0 {
		return nil
	}
	if unnamed(m.Type) != nil {
		return nil
	}
	t := btf.UnderlyingType(m.Type)
	if word := keyword(t); word != "struct" && word != "union" {
		return nil
	}
	return t
}

// pad writes bit-fields without names from one bit to another. They do not align
// the struct, and do not cross a boundary of theirs, which C would move them over.
func (w *writer) pad(from, to, indent int) {
	for from < to && len(w.buf) <= maxBytes {
		n := min(to, roundUp(from+1, 64)) - from
		w.indent(indent)
		w.text("long: ")
		w.number(n)
		w.text(";\n")
		from += n
	}
}

// enum writes an enum of its own.
func (w *writer) enum(t *btf.Enum) {
	w.paragraph()
	guarded := t.Name == "" && slices.ContainsFunc(t.Values, func(v btf.EnumValue) bool { return v.Name == "true" || v.Name == "false" })
	if guarded {
		w.text(beforeC23)
	}
	w.enumBody(t, 0)
	w.text(";\n")
	if guarded {
		w.text("#endif\n")
	}
}

// enumBody writes an enum in full. One without constants is only declared, as
// compilers allow.
func (w *writer) enumBody(t *btf.Enum, indent int) {
	if t.Name == "" {
		w.text("enum")
	} else {
		w.text(w.names.tag(t))
		if len(t.Values) == 0 {
			return
		}
	}
	w.text(" {\n")
	for _, v := range t.Values {
		w.indent(indent + 1)
		w.text(w.names.ident(v.Name))
		w.text(" = ")
		w.text(enumValue(t, v.Value))
		w.text(",\n")
	}
	w.indent(indent)
	w.text("}")
	switch {
	case t.Size == 1:
		w.text(" __attribute__((mode(QI)))")
	case t.Size == 2:
		w.text(" __attribute__((mode(HI)))")
	case t.Size == 8 && !wide(t):
		w.text(" __attribute__((mode(DI)))")
	}
}

// wide reports whether C gives an enum 8 bytes by itself.
func wide(t *btf.Enum) bool {
	for _, v := range t.Values {
		if t.Signed && int64(v.Value) != int64(int32(v.Value)) || !t.Signed && v.Value > 1<<32-1 {
			return true
		}
	}
	return false
}

// enumValue writes a constant so that its type in C holds it; of an enum of 8
// bytes all have 8, so that shifting one does what the kernel does.
func enumValue(t *btf.Enum, v uint64) string {
	switch {
	case t.Signed && int64(v) == -1<<63:
		return "(-9223372036854775807LL - 1)"
	case t.Signed && t.Size < 8 && int64(v) == int64(int32(v)):
		return strconv.FormatInt(int64(v), 10)
	case t.Signed:
		return strconv.FormatInt(int64(v), 10) + "LL"
	case t.Size == 8 || v > 1<<32-1:
		return strconv.FormatUint(v, 10) + "ULL"
	case v > 1<<31-1:
		return strconv.FormatUint(v, 10) + "U"
	default:
		return strconv.FormatUint(v, 10)
	}
}

// tags writes what BTF has as declaration tags.
func (w *writer) tags(tags []string) {
	for _, tag := range tags {
		w.macros["btf_decl_tag"] = true
		w.text(" __btf_decl_tag(" + quote(tag) + ")")
	}
}

// quote writes a string as C does.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			b.WriteByte('\\')
			for shift := 6; shift >= 0; shift -= 3 {
				b.WriteByte('0' + c>>shift&7)
			}
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
