package btfc

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestLayout(t *testing.T) {
	inside := &btf.Struct{Size: 12, Members: []btf.Member{field("x", 0, tInt), field("y", 8, tInt)}}
	s := &btf.Struct{Name: "s", Size: 96, Members: []btf.Member{
		field("c", 0, tChar), bits("low", 8, 3, tUint), bits("high", 13, 4, tUint), field("n", 4, tInt),
		field("", 8, &btf.Union{Size: 8, Members: []btf.Member{field("a", 0, tInt), field("b", 0, tLong)}}),
		field("list", 16, array(inside, 3)), field("late", 72, toTask), field("end", 80, tChar),
	}}
	want := `struct s {                          /*  offset  bytes */
	char c;                     /*       0      1 */
	unsigned int low: 3;        /*     1:0      4 */
	/* hole of 2 bits */
	unsigned int high: 4;       /*     1:5      4 */
	/* hole of 1 byte and 7 bits */
	int n;                      /*       4      4 */
	union {
		int a;              /*       8      4 */
		long unsigned int b;/*       8      8 */
	};                          /*       8      8 */
	struct {
		int x;              /*      16      4 */
		/* hole of 4 bytes */
		int y;              /*      24      4 */
	} list[3];                  /*      16     36 */
	/* hole of 20 bytes */
	/* --- cache line 1 begins 8 bytes before --- */
	struct task *late;          /*      72      8 */
	char end;                   /*      80      1 */
}; /* size 96, 2 cache lines, 4 holes of 26 bytes and 1 bit, padding of 15 bytes */
`
	l, ok := LayoutOf(&btf.Typedef{Name: "s_t", Type: &btf.Const{Type: s}})
	if !ok || l.Type != "s_t" || l.Bytes != 96 {
		t.Fatalf("LayoutOf a typedef = %+v, %v", l, ok)
	}
	if l, ok = LayoutOf(s); !ok {
		t.Fatal("no layout")
	}
	var b strings.Builder
	if _, err := l.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	// The columns are the widest declaration's; what is compared is the rest.
	got, want := strings.Join(strings.Fields(b.String()), " "), strings.Join(strings.Fields(strings.ReplaceAll(want, ";/*", "; /*")), " ")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	columns := map[int]bool{}
	for line := range strings.Lines(strings.ReplaceAll(b.String(), "\t", "        ")) {
		if i := strings.Index(line, " /*"); i > 0 && !strings.HasPrefix(line, "}") && !strings.HasPrefix(strings.TrimSpace(line), "/*") {
			columns[i] = true
		}
	}
	if len(columns) != 1 {
		t.Errorf("the comments begin in columns %v:\n%s", columns, &b)
	}
	if _, ok := LayoutOf(tInt); ok {
		t.Error("an int has a layout")
	}
}

func TestDefinition(t *testing.T) {
	for want, typ := range map[string]btf.Type{
		"typedef int (*cb)(int);":         &btf.Typedef{Name: "cb", Type: pointer(proto(tInt, tInt))},
		"enum e {\n\tA = 1,\n};":          &btf.Enum{Name: "e", Size: 4, Values: []btf.EnumValue{{Name: "A", Value: 1}}},
		"int f(struct task *t);":          &btf.Func{Name: "f", Type: &btf.FuncProto{Return: tInt, Params: []btf.FuncParam{{Name: "t", Type: toTask}}}},
		"int v;":                          &btf.Var{Name: "v", Type: tInt},
		"typedef union {...} u;":          &btf.Typedef{Name: "u", Type: &btf.Union{}},
		"unsigned int;":                   tUint,
		"struct gone;":                    &btf.Fwd{Name: "gone"},
		"typedef const char *const word;": &btf.Typedef{Name: "word", Type: &btf.Const{Type: pointer(&btf.Const{Type: tChar})}},
	} {
		if got := Definition(typ); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
