// Package btfview shows bytes as the C type that BTF gives them, and turns what
// it shows back into bytes.
//
// It reads no files and makes no system calls. Numbers are little-endian, as on
// every machine that ebpfdev runs on. BTF comes from outside, so a type may lie:
// whatever does not fit its bytes is shown as plain hexadecimal, never a panic.
package btfview

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// maxDepth bounds how deep types are followed. C code stays far below it; BTF
// that somebody made up may have cycles.
const maxDepth = 32

// Name returns a type as C would write it: "struct flow", "__u32", "char[16]",
// "struct event *". It is empty for nil.
func Name(t btf.Type) string {
	if t == nil {
		return ""
	}
	return declare(t, "", 0)
}

// declare writes the declaration of decl as t, from the outside in as C does.
func declare(t btf.Type, decl string, depth int) string {
	if depth >= maxDepth {
		return spaced("...", decl)
	}
	depth++
	switch t := t.(type) {
	case *btf.Pointer:
		switch t.Target.(type) {
		case *btf.Array, *btf.FuncProto:
			return declare(t.Target, "(*"+decl+")", depth)
		}
		return declare(t.Target, "*"+decl, depth)
	case *btf.Array:
		return declare(t.Type, decl+"["+strconv.FormatUint(uint64(t.Nelems), 10)+"]", depth)
	case *btf.Const:
		return qualify("const", t.Type, decl, depth)
	case *btf.Volatile:
		return qualify("volatile", t.Type, decl, depth)
	case *btf.Restrict:
		return declare(t.Type, spaced("restrict", decl), depth)
	case *btf.TypeTag:
		return declare(t.Type, decl, depth)
	case *btf.FuncProto:
		params := make([]string, len(t.Params))
		for i, p := range t.Params {
			params[i] = declare(p.Type, "", depth)
		}
		return declare(t.Return, decl+"("+strings.Join(params, ", ")+")", depth)
	default:
		return spaced(baseName(t), decl)
	}
}

// qualify puts a qualifier where it belongs: behind the star of a pointer,
// before everything else.
func qualify(word string, t btf.Type, decl string, depth int) string {
	if _, ok := t.(*btf.Pointer); ok {
		return declare(t, spaced(word, decl), depth)
	}
	return word + " " + declare(t, decl, depth)
}

func spaced(base, decl string) string {
	if decl == "" || decl[0] == '[' {
		return base + decl
	}
	return base + " " + decl
}

func baseName(t btf.Type) string {
	switch t := t.(type) {
	case nil:
		return "void"
	case *btf.Void:
		return "void"
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.Fwd:
		return tagged(t.Kind.String(), t.Name)
	default:
		return t.TypeName()
	}
}

func tagged(word, name string) string {
	if name == "" {
		return word + " {...}"
	}
	return word + " " + name
}
