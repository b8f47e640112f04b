package btfview

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// What bpftrace 0.23 says of @[1, comm] and of @[comm].
func TestOfBpftrace(t *testing.T) {
	int8 := &btf.Int{Name: "int8", Size: 1, Encoding: btf.Signed}
	int64 := &btf.Int{Name: "int64", Size: 8, Encoding: btf.Signed}
	comm := &btf.Array{Index: &btf.Int{Name: "int32", Size: 4}, Type: int8, Nelems: 16}
	pair := &btf.Struct{Size: 24, Members: []btf.Member{{Type: int64}, {Type: comm, Offset: 64}}}
	nested := &btf.Struct{Size: 32, Members: []btf.Member{{Type: int64}, {Type: pair, Offset: 64}}}
	bash := append([]byte("bash"), make([]byte, 12)...)
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	for _, c := range []struct {
		typ              btf.Type
		raw              []byte
		name, text, json string
	}{
		{comm, bash, "char[16]", `"bash"`, `"bash"`},
		{pair, append(bytes.Clone(one), bash...), "struct {...}", `{_0: 1, _1: "bash"}`, `{"_0":1,"_1":"bash"}`},
		{nested, append(bytes.Clone(one), append(bytes.Clone(one), bash...)...), "struct {...}", `{_0: 1, _1: {_0: 1, _1: "bash"}}`, `{"_0":1,"_1":{"_0":1,"_1":"bash"}}`},
		{int64, one, "int64", "1", "1"},
		{int8, []byte{65}, "int8", "65", "65"},
		{nil, one, "", "1 (01 00 00 00 00 00 00 00)", ""},
	} {
		typ := OfBpftrace(c.typ)
		if typ != nil && Name(typ) != c.name {
			t.Errorf("the type is %q, want %q", Name(typ), c.name)
		}
		d := Decode(typ, c.raw)
		if d.Text != c.text || string(d.JSON) != c.json {
			t.Errorf("Decode = %s, %s; want %s, %s", d.Text, d.JSON, c.text, c.json)
		}
		back, err := Encode(typ, len(c.raw), d.Text)
		if err != nil || !bytes.Equal(back, c.raw) {
			t.Errorf("Encode(%q) = %x, %v", d.Text, back, err)
		}
	}
	if comm.Type != btf.Type(int8) || pair.Members[0].Name != "" {
		t.Error("the kernel's own description was changed")
	}
	loop := &btf.Struct{Size: 8}
	loop.Members = []btf.Member{{Type: loop}}
	OfBpftrace(loop) // ends
}
