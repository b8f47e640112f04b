package btfc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// declare writes the declaration of a name as a t, from the inside out as C reads
// it: the base comes first, stars and brackets around the name.
func (w *writer) declare(t btf.Type, name string, indent int) {
	if w.declaring == 0 {
		w.params = 0
	}
	w.declaring++
	defer func() { w.declaring-- }()
	if w.declaring > maxDepth || w.params > maxParams {
		w.text("void *" + name)
		w.tooDeep = true
		return
	}
	d := declarator{text: name}
	for range maxDepth {
		switch v := t.(type) {
		case *btf.Const:
			d.qualify("const")
			t = v.Type
		case *btf.Volatile:
			d.qualify("volatile")
			t = v.Type
		case *btf.Restrict:
			d.restrict = true
			t = v.Type
		case *btf.TypeTag:
			if !strings.HasPrefix(v.Value, addressSpace) {
				w.macros["btf_type_tag"] = true
				d.tags = append(d.tags, "__btf_type_tag("+quote(v.Value)+")")
			}
			t = v.Type
		case *btf.Pointer:
			d.pointer()
			t = v.Target
		case *btf.Array:
			d.suffix("[" + strconv.FormatUint(uint64(v.Nelems), 10) + "]")
			t = v.Type
		case *btf.FuncProto:
			d.suffix(w.parameters(v, indent))
			d.quals, d.tags = nil, nil // a function has none
			t = v.Return
		default:
			w.base(t, d, indent)
			return
		}
	}
	w.base(&btf.Void{}, d, indent)
}

// base writes the type that a declaration begins with, and the declarator.
func (w *writer) base(t btf.Type, d declarator, indent int) {
	for _, q := range d.quals {
		w.text(q + " ")
	}
	switch t := t.(type) {
	case *btf.Struct, *btf.Union:
		if name := t.TypeName(); name != "" || w.names.of[t] != "" {
			w.text(w.names.tag(t))
		} else {
			w.record(t, keyword(t), indent)
		}
	case *btf.Enum:
		switch {
		case t.Name == "":
			w.enumBody(t, indent)
		case len(t.Values) == 0 && w.declaring == 1 && !strings.ContainsAny(d.text, "*("): // a value needs it complete
			w.text("/* " + w.names.tag(t) + " */ " + numberName(t.Size, btf.Unsigned))
		default:
			w.text(w.names.tag(t))
		}
	case *btf.Fwd:
		w.text(w.names.tag(t))
	case *btf.Typedef:
		if t.Name == vaList {
			w.text(vaList)
		} else {
			w.text(w.names.typedef(t))
		}
	case *btf.Int:
		w.text(w.intName(t))
	case *btf.Float:
		w.text(floatName(t.Size))
	default:
		w.text("void")
	}
	for _, tag := range d.tags {
		w.text(" " + tag)
	}
	if d.text != "" {
		w.text(" " + d.text)
	}
}

// declarator is what stands around a name, with the qualifiers that wait for what
// they are about: a pointer or the base.
type declarator struct {
	text     string
	quals    []string
	tags     []string
	restrict bool
	star     bool // a pointer was the last that came
}

func (d *declarator) qualify(word string) {
	if !slices.Contains(d.quals, word) {
		d.quals = append(d.quals, word)
	}
}

// addressSpace begins what is no tag: newer BTF has whole attributes in their
// place, which are about the BPF target's address spaces.
const addressSpace = "address_space("

func (d *declarator) pointer() {
	words := slices.Concat(d.quals, d.tags)
	if d.restrict {
		words = append(words, "restrict")
	}
	text := "*" + strings.Join(words, " ")
	if d.text != "" && len(words) > 0 {
		text += " "
	}
	*d = declarator{text: text + d.text, star: true}
}

func (d *declarator) suffix(text string) {
	if d.star {
		d.text = "(" + d.text + ")"
	}
	d.text += text
	d.star = false
}

// parameters returns the parameters of a function.
func (w *writer) parameters(t *btf.FuncProto, indent int) string {
	if len(t.Params) == 0 || len(t.Params) == 1 && isVoid(t.Params[0].Type) {
		return "(void)" // clang has one parameter of type void where C has none
	}
	saved := w.buf
	w.buf = nil
	for i, p := range t.Params {
		if i > 0 {
			w.text(", ")
		}
		if isVoid(p.Type) && p.Name == "" {
			w.text("...")
			continue
		}
		name := p.Name
		if name != "" {
			name = ident(name)
		}
		w.declare(p.Type, name, indent)
	}
	text := "(" + string(w.buf) + ")"
	w.params += len(text)
	w.buf = saved
	return text
}

func isVoid(t btf.Type) bool {
	_, ok := t.(*btf.Void)
	return ok
}

// intAlias defines an integer that C does not know by its name, as other languages
// and compilers have them ("u32", "__Poly8_t").
func (w *writer) intAlias(t *btf.Int) {
	if cInt(t) != "" || w.written[t] == done {
		return
	}
	w.written[t] = done
	w.names.of[t] = w.names.ident(t.Name)
	w.paragraph()
	if base := numberName(t.Size, t.Encoding); base != "" {
		w.text("typedef " + base + " " + w.names.of[t] + ";\n")
		return
	}
	w.text("typedef unsigned char " + w.names.of[t] + "[")
	w.number(int(t.Size))
	w.text("];\n")
}

func (w *writer) intName(t *btf.Int) string {
	if name := cInt(t); name != "" {
		return name
	}
	if name := w.names.of[t]; name != "" {
		return name
	}
	return numberName(t.Size, t.Encoding)
}

// cInt returns what C calls an integer: its own name, when that has the same size
// on the BPF target (a 32-bit kernel's long has not). It is "" for a name that C
// does not have.
func cInt(t *btf.Int) string {
	size := uint32(0)
	switch t.Name {
	case "char", "signed char", "unsigned char", "_Bool":
		size = 1
	case "short", "short int", "signed short", "unsigned short", "short unsigned int", "unsigned short int":
		size = 2
	case "int", "signed int", "unsigned int", "unsigned":
		size = 4
	case "long", "long int", "unsigned long", "long unsigned int", "unsigned long int",
		"long long", "long long int", "unsigned long long", "long long unsigned int", "unsigned long long int":
		size = 8
	case "__int128", "__int128 unsigned", "unsigned __int128":
		size = 16
	case "bool":
		if t.Size == 1 {
			return "_Bool"
		}
		return ""
	default:
		return ""
	}
	if size == t.Size {
		return t.Name
	}
	return numberName(t.Size, t.Encoding)
}

// numberName returns C's name for an integer of some bytes; "" when there is none.
func numberName(size uint32, encoding btf.IntEncoding) string {
	if encoding == btf.Bool && size == 1 {
		return "_Bool"
	}
	name := ""
	switch size {
	case 1:
		if encoding == btf.Signed {
			return "signed char"
		}
		name = "char"
	case 2:
		name = "short"
	case 4:
		name = "int"
	case 8:
		name = "long long"
	case 16:
		name = "__int128"
	default:
		return ""
	}
	if encoding == btf.Signed {
		return name
	}
	return "unsigned " + name
}

// floatName returns a type of a float's size. The BPF target has no long double of
// 16 bytes and no half.
func floatName(size uint32) string {
	switch size {
	case 4:
		return "float"
	case 8:
		return "double"
	default:
		return numberName(size, btf.Unsigned)
	}
}

// prototypes writes the functions and variables that were asked for. Kfuncs, which
// programs call, come as libbpf wants them.
func (w *writer) prototypes() {
	if len(w.late) == 0 {
		return
	}
	kfuncs := false
	for _, t := range w.late {
		kfuncs = kfuncs || IsKfunc(t)
	}
	w.paragraph()
	if kfuncs {
		w.text("#ifndef BPF_NO_KFUNC_PROTOTYPES\n" +
			"#ifndef __ksym\n#define __ksym __attribute__((section(\".ksyms\")))\n#endif\n" +
			"#ifndef __weak\n#define __weak __attribute__((weak))\n#endif\n\n")
	}
	for _, t := range w.late {
		w.prototype(t)
	}
	if kfuncs {
		w.text("#endif\n")
	}
}

func (w *writer) prototype(t btf.Type) {
	name := ident(t.TypeName())
	if w.names.idents[name] {
		return // the second of two static functions, or one with the name of a constant
	}
	w.names.idents[name] = true
	w.text("extern ")
	switch t := t.(type) {
	case *btf.Func:
		w.declare(t.Type, name, 0)
		if IsKfunc(t) {
			w.text(" __weak __ksym")
		}
	case *btf.Var:
		w.declare(t.Type, name, 0)
	}
	w.text(";\n")
}

// IsKfunc reports whether t is a function of the kernel's that programs may call.
// pahole 1.26 and later mark them.
func IsKfunc(t btf.Type) bool {
	f, ok := t.(*btf.Func)
	return ok && slices.Contains(f.Tags, "bpf_kfunc")
}
