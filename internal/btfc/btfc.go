// Package btfc writes BTF types as C that compiles.
//
// What it writes has the layout that BTF says, bit by bit, for clang's BPF
// target: where C would lay a type out otherwise, it is packed, or padded with
// bit-fields that have no name and therefore show in no BTF. Types come in an
// order that C accepts, with forward declarations where they need each other. C
// has one name for each type, a kernel sometimes several types for a name: the
// second struct foo is struct foo___2, which CO-RE takes for a struct foo.
//
// It reads no files and makes no system calls. BTF comes from outside: what no C
// compiler could have made (a struct within itself) is an error, never a panic.
package btfc

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf/btf"
)

const (
	// maxDepth bounds how deep types nest. The deepest of a kernel's are below 64.
	maxDepth = 512
	// maxBytes bounds what is written. The types of a kernel make some 3 MiB.
	maxBytes = 32 << 20
	// maxParams bounds what the parameters of one declaration make in bytes:
	// functions of functions, each twice, double it with every step.
	maxParams = 64 << 10
)

// Header says what stands around the types.
type Header struct {
	About []string // lines of a comment at the top: where the types come from
	Guard string   // the macro that keeps a second inclusion out; none when empty
	// CORE lets clang record accesses to fields, so that a loader finds them in
	// the kernel that it meets. It is for the kernel's types, not for a program's.
	CORE bool
}

// writer is one header while it is written.
type writer struct {
	buf   []byte
	names names

	written   map[btf.Type]state
	declared  map[string]bool // "struct foo"
	plans     map[btf.Type]plan
	inlined   map[*btf.Enum]bool // enums without a name that stand within other types
	macros    map[string]bool    // those that it uses, for tags
	late      []btf.Type         // functions and variables: they come last
	current   btf.Type           // the struct or union with a name whose members are looked at
	depth     int
	declaring int  // how deep the declaration nests that is written
	params    int  // bytes of parameters in it
	tooDeep   bool // one nested deeper than it may
	brief     bool // what has no name is written as {...}
	records   bool // a struct or union was written
	spaced    bool // the last line is empty
}

type state byte

const (
	unknown state = iota
	inProgress
	done
)

// Write writes C declarations of the types and of all that they need. A
// function becomes a prototype, a variable a declaration.
func Write(out io.Writer, types []btf.Type, h Header) error {
	w := newWriter()
	if err := w.write(types, h); err != nil {
		return err
	}
	_, err := out.Write(w.buf)
	return err
}

func newWriter() *writer {
	return &writer{
		names: newNames(), written: map[btf.Type]state{}, declared: map[string]bool{},
		macros: map[string]bool{}, spaced: true, plans: map[btf.Type]plan{}, inlined: map[*btf.Enum]bool{},
	}
}

func (w *writer) write(types []btf.Type, h Header) error {
	for _, t := range types {
		w.names.reserve(t)
		w.findInlined(t)
	}
	for _, t := range types {
		if err := w.root(t); err != nil {
			return fmt.Errorf("write %s as C: %w", describe(t), err)
		}
	}
	w.prototypes()
	h.CORE = h.CORE && w.records // clang warns of a pragma without an object
	body := w.buf
	w.buf = nil
	w.head(h)
	w.text(string(body))
	w.foot(h)
	return w.limits()
}

// limits says whether more was to be written than may be.
func (w *writer) limits() error {
	switch {
	case w.tooDeep:
		return errDeep
	case len(w.buf) > maxBytes:
		return errTooMuch
	default:
		return nil
	}
}

var (
	errDeep    = errors.New("it nests too deep")
	errTooMuch = fmt.Errorf("the types make more than %d MiB of C", maxBytes>>20)
)

// root writes one of the types that are asked for.
func (w *writer) root(t btf.Type) error {
	if err := w.limits(); err != nil {
		return err
	}
	switch t := t.(type) {
	case *btf.Struct, *btf.Union:
		if t.TypeName() == "" {
			return nil // stands where it is used
		}
		return w.complete(t)
	case *btf.Enum:
		if t.Name == "" && !w.inlined[t] {
			w.enum(t)
			return nil
		}
		return w.complete(t)
	case *btf.Typedef, *btf.Fwd:
		return w.mention(t)
	case *btf.Func:
		w.late = append(w.late, t)
		return w.mention(t.Type)
	case *btf.Var:
		w.late = append(w.late, t)
		return w.mention(t.Type)
	default:
		return nil // it has no name, or is the compiler's own
	}
}

// findInlined takes note of the enums without a name that a type is made of.
func (w *writer) findInlined(t btf.Type) {
	for _, child := range children(t) {
		for range maxDepth {
			if e, ok := child.(*btf.Enum); ok && e.Name == "" {
				w.inlined[e] = true
			}
			next, ok := inner(child)
			if !ok {
				break
			}
			child = next
		}
	}
}

// children returns the types that stand in the definition of t.
func children(t btf.Type) []btf.Type {
	var list []btf.Type
	switch t := t.(type) {
	case *btf.Struct:
		list = memberTypes(t.Members)
	case *btf.Union:
		list = memberTypes(t.Members)
	case *btf.FuncProto:
		list = append(list, t.Return)
		for _, p := range t.Params {
			list = append(list, p.Type)
		}
	case *btf.Typedef:
		list = append(list, t.Type)
	}
	return list
}

func memberTypes(members []btf.Member) []btf.Type {
	list := make([]btf.Type, len(members))
	for i, m := range members {
		list[i] = m.Type
	}
	return list
}

// inner returns what a type without a name of its own is built around.
func inner(t btf.Type) (btf.Type, bool) {
	switch t := t.(type) {
	case *btf.Pointer:
		return t.Target, true
	case *btf.Array:
		return t.Type, true
	default:
		return qualified(t)
	}
}

// qualified returns the type behind one qualifier or tag.
func qualified(t btf.Type) (btf.Type, bool) {
	switch t := t.(type) {
	case *btf.Const:
		return t.Type, true
	case *btf.Volatile:
		return t.Type, true
	case *btf.Restrict:
		return t.Type, true
	case *btf.TypeTag:
		return t.Type, true
	default:
		return t, false
	}
}

// describe names a type in an error.
func describe(t btf.Type) string {
	word := keyword(t)
	if word == "" {
		return fmt.Sprintf("%q", t.TypeName())
	}
	if t.TypeName() == "" {
		return "a " + word + " without a name"
	}
	return word + " " + t.TypeName()
}

func keyword(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Struct:
		return "struct"
	case *btf.Union:
		return "union"
	case *btf.Enum:
		return "enum"
	case *btf.Fwd:
		return t.Kind.String()
	case *btf.Typedef:
		return "typedef"
	default:
		return ""
	}
}
