package btfc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func writeFile(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// compile compiles C with clang for the BPF target and returns the object's path.
func compile(t testing.TB, dir, source string, args ...string) string {
	t.Helper()
	writeFile(t, filepath.Join(dir, "test.c"), []byte(source))
	args = append([]string{"-target", "bpf", "-g", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-c", "test.c", "-o", "test.o"}, args...)
	cmd := exec.Command("clang", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang %s: %v\n%.4000s", strings.Join(args, " "), err, out)
	}
	return filepath.Join(dir, "test.o")
}

// record is a struct or union and what to call it in C.
type record struct {
	t    btf.Type
	name string
}

// records returns every struct and union that has a name, by a tag or a typedef.
func records(types []btf.Type, w *writer) []record {
	var list []record
	for _, t := range types {
		switch t := t.(type) {
		case *btf.Struct, *btf.Union:
			if t.TypeName() != "" {
				list = append(list, record{t, w.names.of[t]})
			}
		case *btf.Typedef:
			if t.Type.TypeName() == "" && membersOf(t.Type) != nil && w.names.of[t.Type] == "" {
				list = append(list, record{t.Type, w.names.of[t]})
			}
		}
	}
	return list
}

// asserts returns C that does not compile unless the types have the sizes and
// offsets that BTF says, by C's own sizeof and offsetof, and the enums their sizes.
func asserts(types []btf.Type, w *writer) string {
	var src strings.Builder
	assert := func(format string, args ...any) {
		fmt.Fprintf(&src, "_Static_assert("+format+", \"\");\n", args...)
	}
	for _, r := range records(types, w) {
		size, _ := sizeOf(r.t)
		assert("sizeof(%s) == %d", r.name, size)
		if w.planOf(r.t).opaque {
			continue
		}
		for _, m := range allMembers(r.t, 0) {
			if m.BitfieldSize == 0 {
				assert("__builtin_offsetof(%s, %s) == %d", r.name, m.Name, m.Offset/8)
			}
		}
	}
	for _, typ := range types {
		if e, ok := typ.(*btf.Enum); ok && e.Name != "" && len(e.Values) > 0 {
			assert("sizeof(%s) == %d", w.names.of[e], e.Size)
		}
	}
	return src.String()
}

// allMembers returns the members with names, also of structs without one, as C
// names them from outside.
func allMembers(t btf.Type, at btf.Bits) []btf.Member {
	var list []btf.Member
	for _, m := range membersOf(t) {
		m.Offset += at
		if m.Name != "" {
			m.Name = ident(m.Name)
			list = append(list, m)
			continue
		}
		list = append(list, allMembers(bare(m.Type), m.Offset)...)
	}
	return list
}

// bare returns what is behind typedefs, qualifiers and arrays.
func bare(t btf.Type) btf.Type {
	for {
		t = btf.UnderlyingType(t)
		a, ok := t.(*btf.Array)
		if !ok {
			return t
		}
		t = a.Type
	}
}
