package btfc

import (
	"errors"

	"github.com/cilium/ebpf/btf"
)

// vaList is the compiler's own: it may not be defined, and on the BPF target it is
// another type than the kernel's.
const vaList = "__builtin_va_list"

// complete writes what has to be there before something can have the type t, or
// be an array of it.
func (w *writer) complete(t btf.Type) error {
	if w.depth++; w.depth > maxDepth {
		return errDeep
	}
	defer func() { w.depth-- }()
	switch t := t.(type) {
	case *btf.Struct, *btf.Union:
		return w.completeRecord(t)
	case *btf.Typedef:
		if err := w.mention(t); err != nil {
			return err
		}
		return w.complete(t.Type)
	case *btf.Array:
		return w.complete(t.Type)
	case *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag:
		next, _ := qualified(t)
		return w.complete(next)
	default:
		return w.mention(t)
	}
}

// completeRecord writes a struct or union with all that it is made of. One
// without a name is written where it is used.
func (w *writer) completeRecord(t btf.Type) error {
	switch w.written[t] {
	case done:
		return nil
	case inProgress:
		return errors.New(describe(t) + " is part of itself")
	}
	w.written[t] = inProgress
	defer func() { w.written[t] = done }()
	if t.TypeName() != "" {
		outer := w.current
		w.current = t
		defer func() { w.current = outer }()
	}
	for _, m := range membersOf(t) {
		if err := w.completeMember(m); err != nil {
			return err
		}
	}
	w.planOf(t)
	if t.TypeName() != "" || w.names.of[t] != "" {
		w.define(t)
	}
	return nil
}

// completeMember is complete, but of a va_list only what it is made of is used.
func (w *writer) completeMember(m btf.Member) error {
	return w.complete(layoutType(m.Type))
}

// layoutType returns the type that a member is written as: what is behind the
// name of a va_list, whose size depends on the compiler's target.
func layoutType(t btf.Type) btf.Type {
	next := t
	for range maxDepth {
		td, ok := next.(*btf.Typedef)
		if !ok {
			break
		}
		if next = td.Type; td.Name == vaList {
			return next
		}
	}
	return t
}

func membersOf(t btf.Type) []btf.Member {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	default:
		return nil
	}
}

// mention writes what has to be there before t can stand behind a pointer or in a
// prototype: of structs and unions a forward declaration.
func (w *writer) mention(t btf.Type) error {
	if w.depth++; w.depth > maxDepth {
		return errDeep
	}
	defer func() { w.depth-- }()
	switch t := t.(type) {
	case *btf.Pointer:
		return w.mention(t.Target)
	case *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag:
		next, _ := qualified(t)
		return w.mention(next)
	case *btf.Array:
		return w.complete(t.Type) // C has no arrays of what is incomplete, not even behind pointers
	case *btf.FuncProto:
		return w.mentionProto(t)
	case *btf.Typedef:
		return w.typedef(t)
	case *btf.Struct, *btf.Union:
		if t.TypeName() == "" && w.names.of[t] == "" {
			return w.complete(t) // it stands here in full
		}
		if t != w.current { // its own definition declares it
			w.forward(t)
		}
	case *btf.Fwd:
		w.forward(t)
	case *btf.Enum:
		if t.Name != "" && w.written[t] == unknown {
			w.written[t] = done
			w.enum(t)
		}
	case *btf.Int:
		w.intAlias(t)
	}
	return nil
}

func (w *writer) mentionProto(t *btf.FuncProto) error {
	if w.written[t] != unknown {
		return nil
	}
	w.written[t] = inProgress
	defer func() { w.written[t] = done }()
	if err := w.mention(t.Return); err != nil {
		return err
	}
	for _, p := range t.Params {
		if err := w.mention(p.Type); err != nil {
			return err
		}
	}
	return nil
}

// forward declares a struct or union, once.
func (w *writer) forward(t btf.Type) {
	name := w.names.tag(t)
	if w.declared[name] {
		return
	}
	w.declared[name] = true
	w.text(name)
	w.text(";\n")
	w.spaced = false
}

// typedef writes a typedef. One whose struct has no name but needs the typedef's
// gets a tag: C could not have said it otherwise.
func (w *writer) typedef(t *btf.Typedef) error {
	switch w.written[t] {
	case done:
		return nil
	case inProgress:
		return w.breakCycle(t)
	}
	if t.Name == vaList {
		return nil
	}
	w.written[t] = inProgress
	outer := w.current
	w.current = nil
	err := w.mention(t.Type)
	w.current = outer
	if err != nil {
		return err
	}
	if w.written[t] == done { // breakCycle did it
		return nil
	}
	w.written[t] = done
	name := w.names.typedef(t)
	guarded := name == "bool" // a keyword of C23
	w.paragraph()
	if guarded {
		w.text(beforeC23)
	}
	w.text("typedef ")
	w.declare(t.Type, name, 0)
	w.tags(t.Tags)
	w.text(";\n")
	if guarded {
		w.text("#endif\n")
	}
	return nil
}

// breakCycle is asked for a typedef by what it is made of.
func (w *writer) breakCycle(t *btf.Typedef) error {
	switch t.Type.(type) {
	case *btf.Struct, *btf.Union:
	default:
		return errors.New(describe(t) + " is made of itself")
	}
	if t.Type.TypeName() == "" {
		w.names.tagAs(t.Type, ident(t.Name))
	}
	w.forward(t.Type)
	w.text("typedef " + w.names.tag(t.Type) + " " + w.names.typedef(t) + ";\n")
	w.written[t] = done
	return nil
}
