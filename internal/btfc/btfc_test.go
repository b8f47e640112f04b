package btfc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

var (
	tChar  = &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	tInt   = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	tUint  = &btf.Int{Name: "unsigned int", Size: 4}
	tLong  = &btf.Int{Name: "long unsigned int", Size: 8}
	tVoid  = (*btf.Void)(nil)
	tTask  = &btf.Struct{Name: "task", Size: 8}
	toTask = &btf.Pointer{Target: tTask}
)

func init8() *btf.Struct { // a list that is made of itself
	tTask.Members = []btf.Member{{Name: "next", Type: toTask}}
	return tTask
}

func field(name string, at int, t btf.Type) btf.Member {
	return btf.Member{Name: name, Type: t, Offset: btf.Bits(8 * at)}
}

func bits(name string, at, n int, t btf.Type) btf.Member {
	return btf.Member{Name: name, Type: t, Offset: btf.Bits(at), BitfieldSize: btf.Bits(n)}
}

func array(t btf.Type, n uint32) btf.Type { return &btf.Array{Index: tUint, Type: t, Nelems: n} }

func pointer(t btf.Type) btf.Type { return &btf.Pointer{Target: t} }

func proto(ret btf.Type, params ...btf.Type) btf.Type {
	p := &btf.FuncProto{Return: ret}
	for _, t := range params {
		p.Params = append(p.Params, btf.FuncParam{Type: t})
	}
	return p
}

// types that the tests write, with what has to come out behind the head.
func cases() map[string]struct {
	types []btf.Type
	want  string
} {
	anonymous := &btf.Union{Size: 8, Members: []btf.Member{field("a", 0, tInt), field("b", 0, tLong)}}
	small := &btf.Struct{Name: "small", Size: 8, Members: []btf.Member{field("a", 0, tInt), field("b", 4, tChar)}}
	cell := &btf.Typedef{Name: "cell_t"}
	cell.Type = &btf.Struct{Size: 8, Members: []btf.Member{field("next", 0, pointer(cell))}}
	vaTag := &btf.Struct{Name: "__va_list_tag", Size: 24, Members: []btf.Member{field("p", 16, pointer(tVoid))}}
	builtin := &btf.Typedef{Name: vaList, Type: array(vaTag, 1)}
	twice := func(size uint32) *btf.Struct { return &btf.Struct{Name: "twice", Size: size} }
	first, second := twice(1), twice(2)
	type c = struct {
		types []btf.Type
		want  string
	}
	return map[string]c{
		"itself":  {[]btf.Type{init8()}, "struct task {\n\tstruct task *next;\n};\n"},
		"forward": {[]btf.Type{&btf.Struct{Name: "a", Size: 16, Members: []btf.Member{field("u", 0, pointer(&btf.Fwd{Name: "gone", Kind: btf.FwdUnion})), field("t", 8, toTask)}}}, "union gone;\nstruct task;\n\nstruct a {\n\tunion gone *u;\n\tstruct task *t;\n};\n"},
		"order":   {[]btf.Type{&btf.Struct{Name: "big", Size: 8, Members: []btf.Member{field("s", 0, small)}}, small}, "struct small {\n\tint a;\n\tchar b;\n};\n\nstruct big {\n\tstruct small s;\n};\n"},
		"anonymous": {
			[]btf.Type{&btf.Struct{Name: "s", Size: 16, Members: []btf.Member{field("", 0, anonymous), field("named", 8, anonymous)}}},
			"struct s {\n\tunion {\n\t\tint a;\n\t\tlong unsigned int b;\n\t};\n\tunion {\n\t\tint a;\n\t\tlong unsigned int b;\n\t} named;\n};\n",
		},
		"embedded": {
			[]btf.Type{&btf.Struct{Name: "s", Size: 16, Members: []btf.Member{field("", 0, small), field("", 8, &btf.Typedef{Name: "rest_t", Type: &btf.Union{Size: 8, Members: []btf.Member{field("c", 0, tLong)}}})}}},
			"struct small {\n\tint a;\n\tchar b;\n};\n\ntypedef union {\n\tlong unsigned int c;\n} rest_t;\n\nstruct s {\n\tstruct {\n\t\tint a;\n\t\tchar b;\n\t};\n\tunion {\n\t\tlong unsigned int c;\n\t};\n};\n",
		},
		"packed":       {[]btf.Type{&btf.Struct{Name: "s", Size: 5, Members: []btf.Member{field("a", 0, tChar), field("b", 1, tInt)}}}, "struct s {\n\tchar a;\n\tint b;\n} __attribute__((packed));\n"},
		"packed gap":   {[]btf.Type{&btf.Struct{Name: "s", Size: 11, Members: []btf.Member{field("a", 0, tChar), field("b", 3, tInt)}}}, "struct s {\n\tchar a;\n\tlong: 16;\n\tint b;\n\tlong: 8;\n\tlong: 24;\n} __attribute__((packed));\n"},
		"padding":      {[]btf.Type{&btf.Struct{Name: "s", Size: 32, Members: []btf.Member{field("a", 0, tInt), field("b", 16, tInt)}}}, "struct s {\n\tint a;\n\tlong: 32;\n\tlong: 64;\n\tint b;\n\tlong: 32;\n\tlong: 64;\n};\n"},
		"no members":   {[]btf.Type{&btf.Struct{Name: "s", Size: 8}, &btf.Struct{Name: "e"}, &btf.Union{Name: "u", Size: 3}}, "struct s {\n\tlong: 64;\n};\n\nstruct e {};\n\nunion u {\n\tunsigned char __opaque[3];\n};\n"},
		"overlap":      {[]btf.Type{&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{field("a", 0, tLong), field("b", 4, tInt)}}}, "struct s {\n\tunsigned char __opaque[8]; /* no C has the layout of its members */\n};\n"},
		"any order":    {[]btf.Type{&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{field("b", 4, tInt), field("a", 0, tInt)}}}, "struct s {\n\tint a;\n\tint b;\n};\n"},
		"aligned":      {[]btf.Type{&btf.Union{Name: "u", Size: 64, Members: []btf.Member{field("a", 0, tInt)}}}, "union u {\n\tint a;\n} __attribute__((aligned(64)));\n"},
		"packed union": {[]btf.Type{&btf.Union{Name: "u", Size: 6, Members: []btf.Member{field("a", 0, tInt), field("b", 0, array(tChar, 6))}}}, "union u {\n\tint a;\n\tchar b[6];\n} __attribute__((packed));\n"},
		"bits": {
			[]btf.Type{&btf.Struct{Name: "s", Size: 12, Members: []btf.Member{bits("a", 0, 3, tUint), bits("b", 5, 4, tUint), bits("c", 32, 1, tUint), field("d", 8, tInt)}}},
			"struct s {\n\tunsigned int a: 3;\n\tlong: 2;\n\tunsigned int b: 4;\n\tlong: 23;\n\tunsigned int c: 1;\n\tint d;\n};\n",
		},
		"bits across": {[]btf.Type{&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{bits("a", 0, 30, tUint), bits("b", 30, 4, tUint)}}}, "struct s {\n\tunsigned int a: 30;\n\tunsigned int b: 4;\n\tlong: 30;\n} __attribute__((packed));\n"},
		"enum":        {[]btf.Type{&btf.Enum{Name: "e", Size: 4, Signed: true, Values: []btf.EnumValue{{Name: "A", Value: ^uint64(0)}, {Name: "B", Value: 7}}}}, "enum e {\n\tA = -1,\n\tB = 7,\n};\n"},
		"enum large":  {[]btf.Type{&btf.Enum{Name: "e", Size: 4, Values: []btf.EnumValue{{Name: "A", Value: 1<<32 - 1}}}}, "enum e {\n\tA = 4294967295U,\n};\n"},
		"enum64": {
			[]btf.Type{&btf.Enum{Name: "e", Size: 8, Values: []btf.EnumValue{{Name: "A", Value: 1<<64 - 1}}}, &btf.Enum{Name: "s", Size: 8, Signed: true, Values: []btf.EnumValue{{Name: "L", Value: 1 << 63}, {Name: "M", Value: 1<<64 - 5}}}},
			"enum e {\n\tA = 18446744073709551615ULL,\n};\n\nenum s {\n\tL = (-9223372036854775807LL - 1),\n\tM = -5LL,\n};\n",
		},
		"enum small":   {[]btf.Type{&btf.Enum{Name: "b", Size: 1, Values: []btf.EnumValue{{Name: "A"}}}, &btf.Enum{Name: "d", Size: 8, Values: []btf.EnumValue{{Name: "D"}}}}, "enum b {\n\tA = 0,\n} __attribute__((mode(QI)));\n\nenum d {\n\tD = 0ULL,\n} __attribute__((mode(DI)));\n"},
		"enum forward": {[]btf.Type{&btf.Struct{Name: "s", Size: 16, Members: []btf.Member{field("p", 0, pointer(&btf.Enum{Name: "e", Size: 4})), field("v", 8, &btf.Enum{Name: "v", Size: 4})}}}, "enum e;\n\nenum v;\n\nstruct s {\n\tenum e *p;\n\t/* enum v */ unsigned int v;\n};\n"},
		"constants twice": {
			[]btf.Type{&btf.Enum{Name: "a", Size: 4, Values: []btf.EnumValue{{Name: "X"}}}, &btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "X", Value: 1}}}, &btf.Typedef{Name: "X", Type: tInt}},
			"enum a {\n\tX___2 = 0,\n};\n\nenum {\n\tX___3 = 1,\n};\n\ntypedef int X;\n",
		},
		"names twice": {
			[]btf.Type{first, second, &btf.Union{Name: "twice", Size: 3, Members: []btf.Member{field("a", 0, array(tChar, 3))}}, &btf.Fwd{Name: "twice"}},
			"struct twice {\n\tlong: 8;\n};\n\nstruct twice___2 {\n\tlong: 16;\n};\n\nunion twice___3 {\n\tchar a[3];\n};\n",
		},
		"functions": {[]btf.Type{
			&btf.Typedef{Name: "none", Type: pointer(proto(tVoid))},
			&btf.Typedef{Name: "clangs_none", Type: pointer(proto(tVoid, tVoid))},
			&btf.Typedef{Name: "printf_t", Type: pointer(proto(tInt, pointer(&btf.Const{Type: tChar}), tVoid))},
			&btf.Typedef{Name: "handler", Type: pointer(proto(pointer(proto(tVoid, tInt)), tInt, toTask))},
			&btf.Typedef{Name: "table", Type: array(pointer(proto(tInt)), 4)},
		}, "typedef void (*none)(void);\n\ntypedef void (*clangs_none)(void);\n\ntypedef int (*printf_t)(const char *, ...);\nstruct task;\n\n" +
			"typedef void (*(*handler)(int, struct task *))(int);\n\ntypedef int (*table[4])(void);\n"},
		"arrays": {[]btf.Type{
			&btf.Typedef{Name: "grid", Type: array(array(tInt, 3), 2)},
			&btf.Typedef{Name: "row", Type: pointer(array(&btf.Const{Type: tInt}, 3))},
			&btf.Struct{Name: "f", Size: 4, Members: []btf.Member{field("n", 0, tInt), field("data", 4, array(tChar, 0))}},
		}, "typedef int grid[2][3];\n\ntypedef const int (*row)[3];\n\nstruct f {\n\tint n;\n\tchar data[0];\n};\n"},
		"qualifiers": {
			[]btf.Type{&btf.Typedef{Name: "q", Type: &btf.Const{Type: pointer(&btf.Volatile{Type: &btf.Const{Type: tChar}})}}, &btf.Typedef{Name: "r", Type: &btf.Restrict{Type: pointer(tVoid)}}, &btf.Typedef{Name: "a", Type: &btf.Const{Type: array(tInt, 2)}}},
			"typedef volatile const char *const q;\n\ntypedef void *restrict r;\n\ntypedef const int a[2];\n",
		},
		"tags": {
			[]btf.Type{&btf.Struct{Name: "s", Size: 8, Tags: []string{"a\"b"}, Members: []btf.Member{{Name: "p", Type: pointer(&btf.TypeTag{Value: "rcu", Type: tInt}), Tags: []string{"m"}}}}},
			"struct s {\n\tint __btf_type_tag(\"rcu\") *p __btf_decl_tag(\"m\");\n} __btf_decl_tag(\"a\\\"b\");\n",
		},
		"typedef cycle":   {[]btf.Type{cell}, "struct cell_t;\ntypedef struct cell_t cell_t;\n\nstruct cell_t {\n\tcell_t *next;\n};\n"},
		"typedef chain":   {[]btf.Type{&btf.Typedef{Name: "a", Type: &btf.Typedef{Name: "b", Type: &btf.Typedef{Name: "c", Type: tInt}}}}, "typedef int c;\n\ntypedef c b;\n\ntypedef b a;\n"},
		"typedef by need": {[]btf.Type{&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{field("v", 0, &btf.Typedef{Name: "small_t", Type: small})}}}, "struct small;\n\ntypedef struct small small_t;\n\nstruct small {\n\tint a;\n\tchar b;\n};\n\nstruct s {\n\tsmall_t v;\n};\n"},
		"va_list": {
			[]btf.Type{builtin, &btf.Struct{Name: "s", Size: 24, Members: []btf.Member{field("v", 0, &btf.Typedef{Name: "va_list", Type: builtin})}}},
			"struct __va_list_tag {\n\tlong: 64;\n\tlong: 64;\n\tvoid *p;\n};\n\nstruct s {\n\tstruct __va_list_tag v[1];\n};\n",
		},
		"numbers": {[]btf.Type{
			&btf.Typedef{Name: "f", Type: &btf.Float{Name: "float", Size: 4}}, &btf.Typedef{Name: "ld", Type: &btf.Float{Name: "long double", Size: 16}},
			&btf.Typedef{Name: "u128", Type: &btf.Int{Name: "__int128 unsigned", Size: 16}}, &btf.Typedef{Name: "l32", Type: &btf.Int{Name: "long int", Size: 4, Encoding: btf.Signed}},
			&btf.Struct{Name: "p", Size: 3, Members: []btf.Member{field("x", 0, &btf.Int{Name: "__Poly8_t", Size: 1}), field("y", 1, &btf.Int{Name: "i24", Size: 2, Encoding: btf.Signed})}},
		}, "typedef float f;\n\ntypedef unsigned __int128 ld;\n\ntypedef __int128 unsigned u128;\n\ntypedef int l32;\n\ntypedef unsigned char __Poly8_t;\n\ntypedef short i24;\n\nstruct p {\n\t__Poly8_t x;\n\ti24 y;\n} __attribute__((packed));\n"},
		"bool":            {[]btf.Type{&btf.Typedef{Name: "bool", Type: &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}}}, beforeC23 + "typedef _Bool bool;\n#endif\n"},
		"other languages": {[]btf.Type{&btf.Struct{Name: "Option<&str>", Size: 8, Members: []btf.Member{field("0", 0, tInt), field("int", 4, tInt)}}}, "struct Option__str_ {\n\tint _0;\n\tint int_;\n};\n"},
		"functions of the kernel": {[]btf.Type{
			&btf.Func{Name: "bpf_it", Type: &btf.FuncProto{Return: tInt, Params: []btf.FuncParam{{Name: "t", Type: toTask}}}, Tags: []string{"bpf_kfunc"}}, &btf.Var{Name: "jiffies", Type: tLong},
		}, "struct task;\n\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n#ifndef __ksym\n#define __ksym __attribute__((section(\".ksyms\")))\n#endif\n#ifndef __weak\n#define __weak __attribute__((weak))\n#endif\n\n" +
			"extern int bpf_it(struct task *t) __weak __ksym;\nextern long unsigned int jiffies;\n#endif\n"},
	}
}

func body(t *testing.T, types []btf.Type) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, types, Header{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if i := strings.LastIndex(text, "_tag(tag)\n#endif\n"); i >= 0 {
		text = text[i+len("_tag(tag)\n#endif\n"):]
	}
	return strings.TrimPrefix(text, "\n")
}

func TestWrite(t *testing.T) {
	for name, tt := range cases() {
		t.Run(name, func(t *testing.T) {
			if got := body(t, tt.types); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// What is written compiles, and has the layout that it says, where there is a clang.
func TestWriteCompiles(t *testing.T) {
	if _, err := exec.LookPath("clang"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no clang")
	}
	for name, tt := range cases() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := newWriter()
			if err := w.write(tt.types, Header{Guard: "G", CORE: true, About: []string{"a test\nof it"}}); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, "vmlinux.h"), w.buf)
			compile(t, dir, "#include \"vmlinux.h\"\n"+asserts(tt.types, w))
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	self := &btf.Struct{Name: "self", Size: 8}
	self.Members = []btf.Member{field("s", 0, self)}
	loop := &btf.Typedef{Name: "loop"}
	loop.Type = pointer(loop)
	ring := &btf.Pointer{}
	ring.Target = ring
	wide := proto(tInt)
	for range 40 {
		wide = proto(pointer(wide), pointer(wide), pointer(wide))
	}
	var nested btf.Type = tInt
	for range maxDepth + 1 {
		nested = &btf.Struct{Size: 4, Members: []btf.Member{field("", 0, nested)}}
	}
	for name, bad := range map[string]btf.Type{
		"struct self is part of itself": self, "typedef loop is made of itself": loop,
		"nests too deep": &btf.Typedef{Name: "r", Type: ring}, "it nests too deep": &btf.Typedef{Name: "n", Type: nested},
		"nests too": &btf.Typedef{Name: "w", Type: wide},
	} {
		err := Write(&bytes.Buffer{}, []btf.Type{bad}, Header{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
	}
}

func TestHeader(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, []btf.Type{init8()}, Header{About: []string{"Linux 6.18"}, Guard: "__VMLINUX_H__", CORE: true}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"// Linux 6.18\n#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n",
		"#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n",
		"#pragma clang attribute pop\n#endif\n\n#endif /* __VMLINUX_H__ */\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in:\n%s", want, text)
		}
	}
}

// specOf encodes types and parses them, as they come from a kernel.
func specOf(t *testing.T, types ...btf.Type) *btf.Spec {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestNamed(t *testing.T) {
	spec := specOf(t, init8(), &btf.Typedef{Name: "task", Type: tInt}, &btf.Fwd{Name: "task"}, &btf.Fwd{Name: "only"}, &btf.Func{Name: "f", Type: proto(tVoid)})
	for name, want := range map[string]int{"task": 2, "struct task": 1, "typedef task": 1, "struct only": 1, "only": 1, "f": 1} {
		if got, err := Named(name, spec); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v; want %d", name, got, err, want)
		}
	}
	_, err := Named("union taks", spec)
	var missing *NoTypeError
	if !errors.As(err, &missing) || len(missing.Near) != 1 || missing.Near[0] != "task" {
		t.Errorf("error %v, want one with task near", err)
	}
	if all, err := All(spec); err != nil || len(all) != 8 {
		t.Errorf("All: %v, %v", all, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, raw := range []string{"", "text", "\x9f\xeb\x01\x00"} {
		if _, err := Parse([]byte(raw), nil); err == nil {
			t.Errorf("%q: no error", raw)
		}
	}
}

// A module's types go on where the kernel's end, and bring what they need of those.
func TestSplit(t *testing.T) {
	base := specOf(t, init8())
	id, err := base.TypeID(mustNamed(t, base, "struct task")[0])
	if err != nil {
		t.Fatal(err)
	}
	all, err := All(base)
	if err != nil {
		t.Fatal(err)
	}
	raw := splitStruct(t, uint32(len("\x00task\x00next\x00")), "module_task", "inner", uint32(id))
	spec, err := Parse(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	own, err := All(spec)
	if err != nil || len(own) != 1 || len(all) == 1 {
		t.Fatalf("All: %v, %v", own, err)
	}
	want := "struct task {\n\tstruct task *next;\n};\n\nstruct module_task {\n\tstruct task inner;\n};\n"
	if got := body(t, own); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, name := range []string{"module_task", "struct task"} {
		if list, err := Named(name, spec, base); err != nil || len(list) != 1 {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

func mustNamed(t *testing.T, spec *btf.Spec, name string) []btf.Type {
	t.Helper()
	list, err := Named(name, spec)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// splitStruct encodes a struct of 8 bytes with one member of a type of the base,
// whose strings end at a offset.
func splitStruct(t *testing.T, strings uint32, name, member string, typ uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	text := name + "\x00" + member + "\x00"
	put := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	put(uint16(0xeb9f))
	put([]uint8{1, 0})
	put([]uint32{24, 0, 24, 24, uint32(len(text))})                // header's size; types and strings, each offset and size
	put([]uint32{strings, 4<<24 | 1, 8})                           // struct with 1 member
	put([]uint32{strings + uint32(len(name)) + 1, typ, 0 /*bit*/}) // the member
	b.WriteString(text)
	return b.Bytes()
}
