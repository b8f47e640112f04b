package disasm

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func raw(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names() Names {
	return Names{
		CallBase: 0x1000,
		Symbol: func(addr uint64) (string, uint64, bool) {
			return map[uint64]string{0x1010: "helper", 0xffff800080001234: "far", 0xffffffff81000100: "near"}[addr], 0, true
		},
		Map:        func(id uint32) string { return map[uint32]string{7: "counts"}[id] },
		KernelFunc: func(id uint32) string { return map[uint32]string{99: "bpf_kernel"}[id] },
	}
}

// The notation is the kernel's own (kernel/bpf/disasm.c prints the verifier's log).
func TestInsns(t *testing.T) {
	for code, want := range map[string]string{
		"b7 00 0000 ffffffff":                   "(b7) r0 = -1",
		"bc 21 0000 00000000":                   "(bc) w1 = w2",
		"bf 21 0800 00000000":                   "(bf) r1 = (s8)r2",
		"bc 21 1000 00000000":                   "(bc) w1 = (s16)w2",
		"bf 21 0100 01000000":                   "(bf) r1 = addr_space_cast(r2, 0, 1)",
		"bf 21 ffff 00000000":                   "(bf) r1 = &(void __percpu *)(r2)",
		"07 01 0000 fcffffff":                   "(07) r1 += -4",
		"3f 21 0100 00000000":                   "(3f) r1 s/= r2",
		"97 01 0100 0a000000":                   "(97) r1 s%= 10",
		"94 01 0000 0a000000":                   "(94) w1 %= 10",
		"87 01 0000 00000000":                   "(87) r1 = -r1",
		"84 01 0000 00000000":                   "(84) w1 = -w1",
		"dc 01 0000 10000000":                   "(dc) r1 = be16 r1",
		"d4 01 0000 40000000":                   "(d4) r1 = le64 r1",
		"d7 01 0000 20000000":                   "(d7) r1 = bswap32 r1",
		"c7 01 0000 20000000":                   "(c7) r1 s>>= 32",
		"e7 01 0000 20000000":                   "(e7) unknown instruction",
		"79 21 f8ff 00000000":                   "(79) r1 = *(u64 *)(r2 -8)",
		"91 21 0800 00000000":                   "(91) r1 = *(s8 *)(r2 +8)",
		"62 0a fcff 05000000":                   "(62) *(u32 *)(r10 -4) = 5",
		"c2 00 0000 00000000":                   "(c2) nospec",
		"6b 1a feff 00000000":                   "(6b) *(u16 *)(r10 -2) = r1",
		"db 21 0000 00000000":                   "(db) lock *(u64 *)(r1 +0) += r2",
		"c3 21 0400 a0000000":                   "(c3) lock *(u32 *)(r1 +4) ^= r2",
		"db 21 0000 01000000":                   "(db) r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)",
		"c3 21 0000 51000000":                   "(c3) r2 = atomic_fetch_and((u32 *)(r1 +0), r2)",
		"db 21 0000 e1000000":                   "(db) r2 = atomic64_xchg((u64 *)(r1 +0), r2)",
		"db 21 0000 f1000000":                   "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
		"db 21 0000 00010000":                   "(db) r1 = load_acquire((u64 *)(r2 +0))",
		"db 21 0000 10010000":                   "(db) store_release((u64 *)(r1 +0), r2)",
		"db 21 0000 77000000":                   "(db) unknown instruction",
		"30 00 0000 17000000":                   "(30) r0 = *(u8 *)skb[23]",
		"48 20 0000 04000000":                   "(48) r0 = *(u16 *)skb[r2 + 4]",
		"05 00 0200 00000000":                   "(05) goto pc+2 <3>",
		"06 00 0000 02000000":                   "(06) gotol pc+2 <3>",
		"0d 01 0000 00000000":                   "(0d) gotox r1",
		"e5 00 feff 00000000":                   "(e5) may_goto pc-2 <4294967295>",
		"1d 21 0100 00000000":                   "(1d) if r1 == r2 goto pc+1 <2>",
		"c6 01 0100 fbffffff":                   "(c6) if w1 s< 0xfffffffb goto pc+1 <2>",
		"45 01 0100 01000000":                   "(45) if r1 & 0x1 goto pc+1 <2>",
		"95 00 0000 00000000":                   "(95) exit",
		"85 00 0000 10000000":                   "(85) call helper [helper]",
		"85 00 0000 11000000":                   "(85) call unknown#17",
		"85 00 0000 00000000":                   "(85) call of a function whose address is hidden",
		"85 00 0000 0c000000":                   "(85) call bpf_tail_call [bpf_tail_call]",
		"85 20 0000 63000000":                   "(85) call bpf_kernel [bpf_kernel]",
		"85 10 0400 00000000":                   "(85) call pc+4 <5>",
		"85 10 0400 01000000":                   "(85) call pc+6#second <7> [second]",
		"8d 01 0000 00000000":                   "(8d) callx r1",
		"18 11 0000 07000000 00000000 00000000": "(18) r1 = map[id:7 counts] [counts]",
		"18 11 0000 08000000 00000000 00000000": "(18) r1 = map[id:8]",
		"18 21 0000 07000000 00000000 10000000": "(18) r1 = map[id:7 counts][0]+16 [counts]",
		"18 51 0000 01000000 00000000 00000000": "(18) r1 = map[idx:1]",
		"18 61 0000 01000000 00000000 02000000": "(18) r1 = map[idx:1]+2",
		"18 41 0000 06000000 00000000 00000000": "(18) r1 = subprog[+6] <7> [second]",
		"18 01 0000 efcdab89 00000000 67452301": "(18) r1 = 0x123456789abcdef",
		"18 01 0000 00010081 00000000 ffffffff": "(18) r1 = 0xffffffff81000100 [near]",
		"18 01 0000 00010081":                   "(18) unknown instruction", // cut off
	} {
		p := Program{Name: "first", Xlated: raw(t, code), Funcs: []Func{{0, "first"}, {7, "second"}}}
		list := p.Insns(names())
		if len(list) != 1 || list[0].Name != "first" || len(list[0].Lines) != 1 {
			t.Errorf("%s: %+v", code, list)
			continue
		}
		if got := shown(list[0].Lines[0]); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

// shown writes a line with its target and its symbol.
func shown(l api.CodeLine) string {
	text := l.Text
	if l.Target != nil {
		text += " <" + itoa(*l.Target) + ">"
	}
	if l.Symbol != "" {
		text += " [" + l.Symbol + "]"
	}
	return text
}

func itoa(n uint32) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// Functions and source lines are where they begin.
func TestFunctionsAndLines(t *testing.T) {
	p := Program{
		Name: "main", Xlated: raw(t, strings.Repeat("b700000000000000", 3)+"18010000000000000000000000000000"+"9500000000000000"),
		Funcs: []Func{{0, "main"}, {3, "other"}},
		Lines: []Line{{0, api.SourceLine{Line: 1}}, {2, api.SourceLine{Line: 2}}, {4, api.SourceLine{Line: 9}}, {5, api.SourceLine{Line: 3}}},
	}
	list := p.Insns(Names{})
	if len(list) != 2 || list[0].Name != "main" || list[1].Name != "other" || len(list[0].Lines) != 3 || len(list[1].Lines) != 2 {
		t.Fatalf("functions %+v", list)
	}
	lines := append(list[0].Lines, list[1].Lines...)
	for i, want := range []uint32{1, 0, 2, 0, 3} { // 4 is in the middle of a constant
		got := uint32(0)
		if lines[i].Source != nil {
			got = lines[i].Source.Line
		}
		if got != want {
			t.Errorf("instruction %d: source line %d, want %d", lines[i].Offset, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	type c = struct{ machine, code, want string }
	for _, tt := range []c{
		{"x86_64", "f30f1efa", "endbr64"},
		{"x86_64", "55", "push %rbp"},
		{"x86_64", "4889e5", "mov %rsp,%rbp"},
		{"x86_64", "488b85d0ffffff", "mov -0x30(%rbp),%rax"},
		{"x86_64", "48bf0044 7dd18288ffff", "movabs $0xffff8882d17d4400,%rdi"},
		{"x86_64", "48c7c600010081", "mov $near,%rsi [near]"},
		{"x86_64", "b8f9ffffff", "mov $-0x7,%eax"},
		{"x86_64", "7400", "je 0xffffffff81000002"},
		{"x86_64", "74fe", "je 0x0 <0>"},
		{"x86_64", "e8fb000000", "callq near [near]"},
		{"x86_64", "0f", ".byte 0x0f"},
		{"aarch64", "5f2403d5", "bti c"},
		{"aarch64", "fd7bbfa9", "stp x29, x30, [sp,#-16]!"},
		{"aarch64", "02000014", "b 0xffffffff81000008"},
		{"aarch64", "00000014", "b 0x0 <0>"},
		{"aarch64", "c0035fd6", "ret"},
		{"aarch64", "ffffffff", ".inst 0xffffffff"},
		{"aarch64", "c003", ".byte 0xc0"},
		{"aarch64", "6ab99d92 0a00b0f2 0a00d0f2 40013fd6", "blr x10 // far [far]"},
	} {
		p := Program{Name: "f", Machine: tt.machine, Jited: raw(t, tt.code), Addresses: []uint64{0xffffffff81000000}}
		list := p.Code(names())
		if len(list) != 1 || len(list[0].Lines) == 0 {
			t.Errorf("%s: %+v", tt.code, list)
			continue
		}
		lines := list[0].Lines
		last := lines[len(lines)-1]
		if strings.HasPrefix(tt.want, ".byte") {
			last = lines[0]
		}
		if got := shown(last); got != tt.want && !strings.HasPrefix(got, tt.want+" ") {
			t.Errorf("%s: %q, want %q", tt.code, got, tt.want)
		}
	}
	if list := (&Program{Machine: "riscv64", Jited: []byte{1}}).Code(Names{}); list != nil || Known("riscv64") {
		t.Errorf("riscv64: %+v", list)
	}
}

// Functions have their own addresses, and know each other.
func TestCodeFunctions(t *testing.T) {
	p := Program{
		Name: "main", Machine: "x86_64", Jited: raw(t, "e8fb0f000090 c3"),
		Funcs: []Func{{0, "main"}, {9, "other"}}, Addresses: []uint64{0x10000, 0x11000}, Lengths: []uint32{6, 1},
		Lines: []Line{{0, api.SourceLine{Line: 1}}, {9, api.SourceLine{Line: 2}}}, LineAddrs: []uint64{0x10005, 0x11000},
	}
	list := p.Code(Names{})
	if len(list) != 2 || list[1].Name != "other" || list[1].Address != 0x11000 {
		t.Fatalf("%+v", list)
	}
	if l := list[0].Lines[0]; l.Symbol != "other" || l.Text != "callq other" || l.Source != nil {
		t.Errorf("the call is %+v", l)
	}
	if a, b := list[0].Lines[1].Source, list[1].Lines[0].Source; a == nil || a.Line != 1 || b == nil || b.Line != 2 {
		t.Errorf("sources %+v and %+v", a, b)
	}
}

// Whatever the bytes are, all of them are shown, once.
func TestAnyBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		code := make([]byte, 8*(1+random.IntN(8)))
		for i := range code {
			code[i] = byte(random.Uint32())
		}
		for _, machine := range []string{"x86_64", "aarch64"} {
			p := Program{Xlated: code, Jited: code, Machine: machine, Funcs: []Func{{0, ""}, {2, ""}, {2, "x"}, {1 << 31, "y"}}, Lengths: []uint32{9, 1 << 31}}
			for kind, list := range map[string][]api.CodeFunc{"xlated": p.Insns(names()), machine: p.Code(names())} {
				var all []byte
				for _, f := range list {
					for _, l := range f.Lines {
						all = append(all, l.Raw...)
					}
				}
				if string(all) != string(code) {
					t.Fatalf("%s: % x became % x", kind, code, all)
				}
			}
		}
	}
}
