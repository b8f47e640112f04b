package btfview

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// types loads the BTF that clang made of testdata/types.bpf.c.
func types(t testing.TB) *btf.Spec {
	t.Helper()
	spec, err := btf.LoadSpec("testdata/types.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// variable returns the type of a global.
func variable(t testing.TB, spec *btf.Spec, name string) btf.Type {
	t.Helper()
	var v *btf.Var
	if err := spec.TypeByName(name, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v.Type
}

func unhexed(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestName(t *testing.T) {
	spec := types(t)
	for name, want := range map[string]string{
		"u32_value":              "__u32",
		"s64_value":              "__s64",
		"event_value":            "struct event",
		"string_value":           "char[16]",
		"state_value":            "enum state",
		"pointer_value":          "struct event *",
		"const_pointer_value":    "struct event *const *",
		"array_pointer_value":    "char (*)[16]",
		"function_pointer_value": "int (*)(struct event *, const char *)",
		"names_value":            "const char *const[3]",
		"int128_value":           "__int128",
	} {
		if got := Name(variable(t, spec, name)); got != want {
			t.Errorf("Name(%s) = %q, want %q", name, got, want)
		}
	}
	loop := &btf.Pointer{}
	loop.Target = loop
	for typ, want := range map[btf.Type]string{
		nil:                       "",
		&btf.Void{}:               "void",
		&btf.Pointer{Target: nil}: "void *",
		&btf.Struct{}:             "struct {...}",
		&btf.Fwd{Name: "sock"}:    "struct sock",
		&btf.Array{Type: &btf.Array{Type: &btf.Int{Name: "int"}, Nelems: 3}, Nelems: 2}: "int[2][3]",
	} {
		if got := Name(typ); got != want {
			t.Errorf("Name(%v) = %q, want %q", typ, got, want)
		}
	}
	if got := Name(loop); !strings.HasPrefix(got, "... ") {
		t.Errorf("Name of a pointer to itself = %q", got)
	}
}

func TestDecode(t *testing.T) {
	spec := types(t)
	for _, c := range []struct{ name, raw, text, json string }{
		{"u32_value", "bb010000", "443", "443"},
		{"s64_value", "ffffffffffffffff", "-1", "-1"},
		{"be16_value", "01bb", "443", "443"},
		{"be32_value", "0a000001", "10.0.0.1", `"10.0.0.1"`},
		{"bool_value", "01", "true", "true"},
		{"bool_value", "02", "2", "2"},
		{"state_value", "07000000", "STATE_BUSY", `"STATE_BUSY"`},
		{"state_value", "ffffffff", "STATE_GONE", `"STATE_GONE"`},
		{"state_value", "08000000", "8", "8"},
		{"pointer_value", "00c0adde00000000", "0xdeadc000", `"0xdeadc000"`},
		{"double_value", "000000000000f83f", "1.5", "1.5"},
		{"double_value", "000000000000f0ff", "-Inf", `"-Inf"`},
		{"double_value", "000000000000f87f", "hex:000000000000f87f", `"hex:000000000000f87f"`},
		{"bytes_value", "01020304", "[1, 2, 3, 4]", "[1,2,3,4]"},
		{"int128_value", "fefffffffffffffffffffffffffffffF", "-2", "-2"},
		{"in6_value", "20010db8000000000000000000000001", "2001:db8::1", `"2001:db8::1"`},
		{"string_value", "73680000000000000000000000000000", `"sh"`, `"sh"`},
		{"string_value", "736800626173680000000000000000ff", `"sh"`, `"sh"`},
		{"string_value", "1b5d30220a5c00000000000000000000", `"\x1b]0\"\n\\"`, `"\u001b]0\"\u000a\\"`},
		{
			"string_value", "ff410000000000000000000000000000", `"\xffA"`,
			"[-1,65,0,0,0,0,0,0,0,0,0,0,0,0,0,0]",
		},
		{
			"event_value",
			"07000000 feffffff 0100000000000000 73680000000000000000000000000000 6100000000000000 6262626262626262",
			`{pid: 7, code: -2, when: 1, comm: "sh", lines: ["a", "bbbbbbbb"]}`,
			`{"pid":7,"code":-2,"when":1,"comm":"sh","lines":["a","bbbbbbbb"]}`,
		},
		{
			"event_value",
			"07000000 feffffff 0100000000000000 73680000000000000000000000000000 6100000000000000 0000000000000000",
			`{pid: 7, code: -2, when: 1, comm: "sh", lines: ["a"]}`,
			`{"pid":7,"code":-2,"when":1,"comm":"sh","lines":["a",""]}`,
		},
		{
			"flow_value",
			"7f000001 08080808 01bb 0035 00000005 0242ac110002 aabbccddeeff" +
				"fe800000000000000000000000000001 00000000000000000000ffff0a000001",
			"{saddr: 127.0.0.1, daddr: 8.8.8.8, sport: 443, dport: 53, seq: 5, h_source: 02:42:ac:11:00:02, " +
				"smac: aa:bb:cc:dd:ee:ff, from: fe80::1, ip6_dst: ::ffff:10.0.0.1}",
			`{"saddr":"127.0.0.1","daddr":"8.8.8.8","sport":443,"dport":53,"seq":5,"h_source":"02:42:ac:11:00:02",` +
				`"smac":"aa:bb:cc:dd:ee:ff","from":"fe80::1","ip6_dst":"::ffff:10.0.0.1"}`,
		},
		{"bits_value", "fd170000", "{low: 5, mid: -1, kind: STATE_BUSY, high: 1}", `{"low":5,"mid":-1,"kind":"STATE_BUSY","high":1}`},
	} {
		d := Decode(variable(t, spec, c.name), unhexed(t, c.raw))
		if d.Text != c.text || string(d.JSON) != c.json {
			t.Errorf("Decode(%s, %s)\n got %s\n     %s\nwant %s\n     %s", c.name, c.raw, d.Text, d.JSON, c.text, c.json)
		}
	}
}

// TestEnum64: kernels and compilers since 2022 know which enums are signed, and
// have wide ones.
func TestEnum64(t *testing.T) {
	typ := &btf.Enum{Name: "wide", Size: 8, Signed: true, Values: []btf.EnumValue{
		{Name: "LOW", Value: 1 << 63}, {Name: "MINUS", Value: ^uint64(0)}, {Name: "ONE", Value: 1},
	}}
	for raw, want := range map[string]string{
		"0000000000000080": "LOW",
		"ffffffffffffffff": "MINUS",
		"0100000000000000": "ONE",
		"feffffffffffffff": "-2",
		"0100000001000000": "4294967297",
	} {
		if got := Decode(typ, unhexed(t, raw)).Text; got != want {
			t.Errorf("Decode(%s) = %s, want %s", raw, got, want)
		}
		roundTrip(t, typ, unhexed(t, raw))
	}
	if Order(typ, 8)(unhexed(t, "ffffffffffffffff"), unhexed(t, "0100000000000000")) >= 0 {
		t.Error("MINUS is not before ONE")
	}
}

func TestDecodeUnion(t *testing.T) {
	typ := variable(t, types(t), "nested_value")
	raw, err := Encode(typ, size(t, typ), `{one: {a: 1, b: 2}, halves: [1, 2], named: {number: 1}, state: STATE_BUSY, yes: true}`)
	if err != nil {
		t.Fatal(err)
	}
	got := Decode(typ, raw).Text
	want := "{one: {a: 1, b: 2}, two: [{a: 0, b: 0}, {a: 0, b: 0}], word: 131073, halves: [1, 2], " +
		"first: 1, second: 0, third: 2, fourth: 0, named: {number: 1, real: 5e-324}, state: STATE_BUSY"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s…", got, want)
	}
}

func TestDecodeWithoutType(t *testing.T) {
	spec := types(t)
	for _, c := range []struct {
		typ       btf.Type
		raw, text string
	}{
		{nil, "05000000", "5 (05 00 00 00)"},
		{nil, "ff", "255 (ff)"},
		{nil, "0102030405", "01 02 03 04 05"},
		{nil, "626173680000", `"bash" (62 61 73 68 00 00)`},
		{nil, "6261736800000000000000000000000000", `"bash"`},
		{nil, "22280a", "22 28 0a"},
		{nil, "616220282263", `"ab (\"c" (61 62 20 28 22 63)`},
		{nil, "410000", "41 00 00"},
		{nil, "616200620000", "61 62 00 62 00 00"},
		{nil, "ff6162", "ff 61 62"},
		{nil, "", ""},
		{variable(t, spec, "u32_value"), "0102", "513 (01 02)"},
		{variable(t, spec, "event_value"), "010203", "01 02 03"},
		{&btf.Void{}, "01", "1 (01)"},
		{&btf.Fwd{Name: "gone"}, "010203", "01 02 03"},
	} {
		d := Decode(c.typ, unhexed(t, c.raw))
		if d.Text != c.text || d.JSON != nil {
			t.Errorf("Decode(%v, %s) = %q, %s; want %q and no JSON", c.typ, c.raw, d.Text, d.JSON, c.text)
		}
		back, err := Encode(c.typ, len(d.Raw), d.Text)
		if err != nil || !bytes.Equal(back, d.Raw) {
			t.Errorf("Encode(%q) = %x, %v; want %s", d.Text, back, err, c.raw)
		}
	}
}

// TestFlexibleArray: records of different lengths.
func TestFlexibleArray(t *testing.T) {
	typ := &btf.Struct{Name: "packet", Size: 4, Members: []btf.Member{
		{Name: "len", Type: &btf.Int{Name: "__u32", Size: 4}},
		{Name: "data", Type: &btf.Array{Type: &btf.Int{Name: "unsigned short", Size: 2}}, Offset: 32},
	}}
	for raw, want := range map[string]string{
		"02000000":         "{len: 2, data: []}",
		"0200000001000200": "{len: 2, data: [1, 2]}",
		"02000000010002":   "{len: 2, data: [1]}",
		"020000":           "02 00 00",
	} {
		d := Decode(typ, unhexed(t, raw))
		if d.Text != want {
			t.Errorf("Decode(%s) = %s, want %s", raw, d.Text, want)
		}
		if len(raw)%8 == 0 {
			roundTrip(t, typ, unhexed(t, raw))
		}
	}
	if !Flexible(typ) || Flexible(&btf.Struct{}) || Flexible(nil) {
		t.Error("Flexible")
	}
}

func TestDecodeSection(t *testing.T) {
	typ := &btf.Datasec{Name: ".bss", Size: 12, Vars: []btf.VarSecinfo{
		{Type: &btf.Var{Name: "hits", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}, Offset: 0, Size: 4},
		{Type: &btf.Var{Name: "on", Type: &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}}, Offset: 8, Size: 1},
	}}
	raw := unhexed(t, "050000000000000001000000")
	d := Decode(typ, raw)
	if d.Text != "{hits: 5, on: true}" || string(d.JSON) != `{"hits":5,"on":true}` {
		t.Errorf("got %s, %s", d.Text, d.JSON)
	}
	back, err := Encode(typ, 12, d.Text)
	if err != nil || !bytes.Equal(back, raw) {
		t.Errorf("Encode = %x, %v", back, err)
	}
}

// roundTripped are the types without padding, so that every byte is shown.
var roundTripped = []string{
	"scalars_value", "event_value", "flow_value", "bits_value", "u32_value", "s64_value", "be16_value", "be32_value",
	"string_value", "bytes_value", "bool_value", "state_value", "pointer_value", "names_value", "in6_value",
	"double_value", "int128_value", "nested_value",
}

// TestRoundTrip: what is shown can be typed back, as text and as JSON.
func TestRoundTrip(t *testing.T) {
	spec := types(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range roundTripped {
		typ := variable(t, spec, name)
		for range 300 {
			raw := make([]byte, size(t, typ))
			for i := range raw {
				raw[i] = byte(rnd.UintN(256))
			}
			canonical(typ, raw)
			roundTrip(t, typ, raw)
		}
	}
}

func roundTrip(t *testing.T, typ btf.Type, raw []byte) {
	t.Helper()
	d := Decode(typ, raw)
	if !json.Valid(d.JSON) {
		t.Fatalf("%s of %x: invalid JSON %s", Name(typ), raw, d.JSON)
	}
	for _, text := range []string{d.Text, string(d.JSON), "hex:" + d.Raw.String()} {
		back, err := Encode(typ, len(raw), text)
		if err != nil {
			t.Fatalf("%s: Encode(%s): %v", Name(typ), text, err)
		}
		if !bytes.Equal(back, raw) {
			t.Fatalf("%s: Encode(%s)\n got %x\nwant %x", Name(typ), text, back, raw)
		}
	}
}

// canonical clears what C strings hide: the bytes behind their NUL.
func canonical(t btf.Type, raw []byte) {
	under, _ := strip(t)
	switch u := under.(type) {
	case *btf.Array:
		if isText(u, "") {
			clear(raw[len(cut(raw)):])
			return
		}
		n, _ := btf.Sizeof(u.Type)
		for i := 0; i+n <= len(raw) && n > 0; i += n {
			canonical(u.Type, raw[i:i+n])
		}
	case *btf.Struct:
		for _, m := range u.Members {
			if sub, ok := sized(m.Type, raw, int(m.Offset.Bytes())); ok && m.BitfieldSize == 0 {
				canonical(m.Type, sub)
			}
		}
	}
}

func size(t testing.TB, typ btf.Type) int {
	t.Helper()
	n, err := btf.Sizeof(typ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEncode(t *testing.T) {
	spec := types(t)
	for _, c := range []struct{ name, text, raw string }{
		{"u32_value", "0x1F", "1f000000"},
		{"u32_value", " 010 ", "0a000000"},
		{"u32_value", "0b101", "05000000"},
		{"u32_value", `"7"`, "07000000"},
		{"u32_value", "hex:01 02 03 04", "01020304"},
		{"u32_value", "hex:01:02:03:04", "01020304"},
		{"s64_value", "-0x10", "f0ffffffffffffff"},
		{"be32_value", "1", "00000001"},
		{"be32_value", "10.1.2.3", "0a010203"},
		{"be16_value", "80", "0050"},
		{"state_value", "7", "07000000"},
		{"state_value", "-1", "ffffffff"},
		{"string_value", "ab, {c}", "61622c207b637d000000000000000000"},
		{"string_value", `"hex:41"`, "6865783a343100000000000000000000"},
		{"string_value", "0123456789abcdef", "30313233343536373839616263646566"},
		{"string_value", `"\u00e9\ud83d\ude00\x01"`, "c3a9f09f98800100 0000000000000000"},
		{"bytes_value", `"ab"`, "61620000"},
		{"bytes_value", "[0x10, 2]", "10020000"},
		{"bits_value", "{mid: -16, high: 0xfffff}", "80f0ffff"},
		{"in6_value", "::1", "00000000000000000000000000000001"},
	} {
		typ := variable(t, spec, c.name)
		got, err := Encode(typ, size(t, typ), c.text)
		if err != nil || !bytes.Equal(got, unhexed(t, c.raw)) {
			t.Errorf("Encode(%s, %q) = %x, %v; want %s", c.name, c.text, got, err, c.raw)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	spec := types(t)
	for _, c := range []struct{ name, text, want string }{
		{"u32_value", "4294967296", "encode: 4294967296 does not fit __u32, which holds 0 to 4294967295"},
		{"u32_value", "-1", "-1 does not fit __u32, which holds 0 to 4294967295"},
		{"u32_value", "", "a value is missing (at character 1)"},
		{"u32_value", "many", `"many" is no __u32`},
		{"u32_value", "{a: 1}", "takes one value"},
		{"u32_value", "hex:01", "1 bytes are given, 4 are needed"},
		{"u32_value", "hex:zz", "is not pairs of hexadecimal digits"},
		{"s64_value", "9223372036854775808", "which holds -9223372036854775808 to 9223372036854775807"},
		{"int128_value", "170141183460469231731687303715884105728", "which holds -170141183460469231731687303715884105728 to"},
		{"state_value", "STATE_LOST", `enum state has no value "STATE_LOST", it has STATE_IDLE, STATE_BUSY, STATE_GONE`},
		{"string_value", "seventeen letters", "a string of 17 bytes does not fit char[16]"},
		{"string_value", `"open`, "the string has no closing quote"},
		{"bytes_value", "[1,2,3,4,5]", "__u8[4] holds 4, 5 are given"},
		{"bytes_value", "[1,256]", "[1]: 256 does not fit __u8, which holds 0 to 255"},
		{"bytes_value", "7", "takes a list of 4"},
		{"event_value", "7", "struct event takes fields"},
		{"event_value", "{pid: 1, uid: 2}", `struct event has no field "uid", it has pid, code, when, comm, lines`},
		{"event_value", "{pid: 1", "expected ',' or '}' (at character 8)"},
		{"event_value", "{pid: 1} x", `"x" follows the end of the value`},
		{"event_value", "{pid}", "expected a field's name and ':'"},
		{"event_value", "{pid: 1, pid: 2}", "pid: contradicts another field"},
		{"bits_value", "{mid: 16}", "16 does not fit 5 bits of __s32, which holds -16 to 15"},
		{"flow_value", "{smac: 1}", "is no MAC address"},
		{"flow_value", "{saddr: 1.2.3}", "is no IP address"},
		{"flow_value", "{from: fe80::1%lo}", "is no IP address"},
		{"nested_value", "{word: 1, halves: [2, 0]}", "halves: [0]: contradicts another field in the same bytes"},
		{"in6_value", "nowhere", "is no IP address"},
		{"double_value", "1e999", "1e999 does not fit double"},
		{"bool_value", "maybe", `"maybe" is no _Bool`},
	} {
		typ := variable(t, spec, c.name)
		got, err := Encode(typ, size(t, typ), c.text)
		if !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Encode(%s, %q) = %x, %v; want %q", c.name, c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"5 (06 00 00 00)", "x", "01 02 03", "-1", `"12345"`, `"ab" (61 62 00 01)`, `"ab" (x)`} {
		if b, err := Encode(nil, 4, text); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("Encode(nil, 4, %q) = %x, %v; want an error", text, b, err)
		}
	}
}

func TestElements(t *testing.T) {
	got, ok := Elements(` [ {a: [1, 2]}, "x,]", 10.0.0.1 ]`)
	want := []string{"{a: [1, 2]}", `"x,]"`, "10.0.0.1"}
	if !ok || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("Elements = %q, %v", got, ok)
	}
	for _, text := range []string{"", "1", "{a: 1}", "[1", "[1] 2"} {
		if got, ok := Elements(text); ok {
			t.Errorf("Elements(%q) = %q", text, got)
		}
	}
}

func TestOrder(t *testing.T) {
	spec := types(t)
	for _, c := range []struct{ name, less, more string }{
		{"u32_value", "02000000", "00010000"},
		{"s64_value", "ffffffffffffffff", "0000000000000000"},
		{"be16_value", "0002", "0100"},
		{"be32_value", "0a000001", "0a000100"},
		{"string_value", "61000000000000000000000000000062", "61620000000000000000000000000000"},
		{"double_value", "000000000000f8bf", "000000000000f83f"},
		{"int128_value", "feffffffffffffffffffffffffffffff", "01000000000000000000000000000000"},
		{"bits_value", "f8000000", "00000000"},
		{"event_value", "07000000 feffffff" + zeros(40), "07000000 01000000" + zeros(40)},
		{"scalars_value", zeros(16) + "02000000" + zeros(12), zeros(16) + "00010000" + zeros(12)},
	} {
		typ := variable(t, spec, c.name)
		less, more := unhexed(t, c.less), unhexed(t, c.more)
		order := Order(typ, len(less))
		if order(less, more) >= 0 || order(more, less) <= 0 || order(less, less) != 0 {
			t.Errorf("%s: %s is not before %s", c.name, c.less, c.more)
		}
	}
	if Order(nil, 2)([]byte{2, 0}, []byte{0, 1}) >= 0 || Order(nil, 3)([]byte{2, 0, 0}, []byte{0, 1, 0}) <= 0 {
		t.Error("without a type: 2 bytes are a number, 3 are bytes")
	}
}

func zeros(n int) string { return strings.Repeat("00", n) }

// TestInventedTypes: BTF comes from files that anybody may have made.
func TestInventedTypes(t *testing.T) {
	loop := &btf.Struct{Name: "loop", Size: 4}
	loop.Members = []btf.Member{{Name: "again", Type: loop}, {Name: "more", Type: loop}}
	unnamed := &btf.Struct{Size: 4}
	unnamed.Members = []btf.Member{{Type: unnamed}, {Type: unnamed}}
	def := &btf.Typedef{Name: "self"}
	def.Type = def
	i := &btf.Int{Name: "int", Size: 4}
	for _, typ := range []btf.Type{
		loop, unnamed, def,
		&btf.Struct{Size: 1, Members: []btf.Member{{Name: "rest", Type: &btf.Array{Type: loop}, Offset: 1 << 31}}},
		&btf.Struct{Members: []btf.Member{{Name: "rest", Type: &btf.Array{Type: loop}}}},
		&btf.Struct{Size: 4, Members: []btf.Member{{Name: "far", Type: i, Offset: 800}, {Name: "b", Type: i, Offset: 30, BitfieldSize: 64}}},
		&btf.Array{Type: &btf.Struct{}, Nelems: 1 << 31},
		&btf.Int{Name: "odd", Size: 3},
		&btf.Enum{Size: 4},
		&btf.Datasec{Size: 4, Vars: []btf.VarSecinfo{{Type: &btf.Var{Name: "v", Type: i}, Offset: 3}}},
	} {
		for n := range 5 {
			raw := make([]byte, n)
			d := Decode(typ, raw)
			if d.JSON != nil && !json.Valid(d.JSON) {
				t.Errorf("%T: invalid JSON %.80s", typ, d.JSON)
			}
			_, _ = Encode(typ, n, `{again: {again: 1}, far: 1, b: 1, v: 1}`)
			Order(typ, n)(raw, raw)
		}
	}
}

func FuzzEncode(f *testing.F) {
	spec := types(f)
	for _, text := range []string{"1", `"a\u1234"`, "{pid: 1, comm: sh}", `[1,{"a":"b"}]`, "hex:00", "5 (05 00 00 00)", "::1"} {
		f.Add(0, text)
	}
	f.Fuzz(func(t *testing.T, which int, text string) {
		names := roundTripped
		typ := variable(t, spec, names[uint(which)%uint(len(names))])
		raw, err := Encode(typ, size(t, typ), text)
		if err != nil {
			if !errors.Is(err, api.ErrInvalid) {
				t.Fatalf("%v is not ErrInvalid", err)
			}
			return
		}
		canonical(typ, raw)
		roundTrip(t, typ, raw)
	})
}

func BenchmarkAppendText(b *testing.B) {
	typ := variable(b, types(b), "event_value")
	raw := make([]byte, size(b, typ))
	var buf []byte
	for b.Loop() {
		buf = AppendText(buf[:0], typ, raw)
	}
}
