package btfc

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// names gives each type and each constant a C name of its own. Tags (struct,
// union, enum) are apart from all other names, as in C.
type names struct {
	of     map[btf.Type]string // a tag with its keyword, or a typedef's name
	tags   map[string]tag
	idents map[string]bool
	count  map[string]int // how often a name was asked for; tags have a space before
}

type tag struct {
	word    string // struct, union or enum
	defined bool   // taken by a definition, not only by forward declarations
}

func newNames() names {
	return names{of: map[btf.Type]string{}, tags: map[string]tag{}, idents: map[string]bool{}, count: map[string]int{}}
}

// reserve names a type that is asked for, before those that it needs are named.
func (n *names) reserve(t btf.Type) {
	switch t := t.(type) {
	case *btf.Struct, *btf.Union, *btf.Enum, *btf.Fwd:
		if t.TypeName() != "" {
			n.tag(t)
		}
	case *btf.Typedef:
		n.typedef(t)
	}
}

// tag returns "struct foo". A forward declaration has the name of the type that
// it may stand for; another type of that name gets one with a number.
func (n *names) tag(t btf.Type) string {
	if name, ok := n.of[t]; ok {
		return name
	}
	return n.tagAs(t, ident(t.TypeName()))
}

// tagAs gives a type a tag that is like name.
func (n *names) tagAs(t btf.Type, name string) string {
	word := keyword(t)
	_, forward := t.(*btf.Fwd)
	free := func(name string) bool {
		have, used := n.tags[name]
		return !used || have.word == word && (forward || !have.defined)
	}
	first := name
	if !free(name) {
		name = n.numbered(" "+name, name, free)
	}
	if have := n.tags[first]; forward && have.word == word {
		name = first
	}
	n.tags[name] = tag{word, n.tags[name].defined || !forward}
	n.of[t] = word + " " + name
	return n.of[t]
}

// typedef returns the name of a typedef.
func (n *names) typedef(t *btf.Typedef) string {
	if name, ok := n.of[t]; ok {
		return name
	}
	n.of[t] = n.ident(t.Name)
	return n.of[t]
}

// ident returns a name for a typedef, a constant or a function that nothing
// else has.
func (n *names) ident(name string) string {
	name = ident(name)
	free := func(name string) bool { return !n.idents[name] }
	if !free(name) {
		name = n.numbered(name, name, free)
	}
	n.idents[name] = true
	return name
}

// numbered returns the first of name___2, name___3 … that is free.
func (n *names) numbered(key, name string, free func(string) bool) string {
	for i := max(n.count[key], 2); ; i++ {
		candidate := name + "___" + strconv.Itoa(i)
		if free(candidate) {
			n.count[key] = i + 1
			return candidate
		}
	}
}

// ident makes a C identifier of a name: other languages' BTF has names such as
// "Option<u8>", and may use C's keywords.
func ident(name string) string {
	if name == "" {
		return "_"
	}
	clean := true
	for i := range len(name) {
		clean = clean && identByte(name[i], i == 0)
	}
	if !clean {
		name = strings.Map(func(r rune) rune {
			if r < 0x80 && identByte(byte(r), false) {
				return r
			}
			return '_'
		}, name)
		if name[0] >= '0' && name[0] <= '9' {
			name = "_" + name
		}
	}
	if reserved(name) {
		return name + "_"
	}
	return name
}

func identByte(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && c >= '0' && c <= '9'
}

// reserved reports whether a name is a keyword of C17 or, with two underscores,
// one that compilers add.
func reserved(name string) bool {
	switch name {
	case "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
		"float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
		"sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while",
		"_Alignas", "_Alignof", "_Atomic", "_Bool", "_Complex", "_Generic", "_Imaginary", "_Noreturn", "_Static_assert",
		"_Thread_local", "asm", "typeof", "__int128":
		return true
	default:
		return false
	}
}
