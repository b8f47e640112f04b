package btfview

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestPrefix(t *testing.T) {
	be32 := &btf.Typedef{Name: "__be32", Type: &btf.Int{Name: "__u32", Size: 4}}
	own := &btf.Struct{Name: "key", Size: 8, Members: []btf.Member{
		{Name: "len", Type: &btf.Int{Name: "__u32", Size: 4}}, {Name: "net", Type: be32, Offset: 32},
	}}
	for _, typ := range []btf.Type{nil, own} {
		p := Prefix(typ, 8)
		raw, err := Encode(p, 8, "10.1.0.0/16")
		if err != nil || !slices.Equal(raw, []byte{16, 0, 0, 0, 10, 1, 0, 0}) {
			t.Fatalf("Encode = %v, %v", raw, err)
		}
		if d := Decode(p, raw); d.Text != "10.1.0.0/16" || string(d.JSON) != `"10.1.0.0/16"` {
			t.Errorf("Decode = %+v", d)
		}
		raw[0] = 33
		if d := Decode(p, raw); d.Text != "hex:210000000a010000" {
			t.Errorf("a length that no address has: %+v", d)
		}
		for _, text := range []string{"10.0.0.0/33", "10.0.0/8", "fd00::/8", "10.0.0.0/-1", "x"} {
			if _, err := Encode(p, 8, text); err == nil {
				t.Errorf("Encode(%q) is no error", text)
			}
		}
	}
	wide := Prefix(nil, 20)
	raw, err := Encode(wide, 20, "fd00::/8")
	if err != nil || Decode(wide, raw).Text != "fd00::/8" {
		t.Errorf("%v, %v", Decode(wide, raw), err)
	}
	three := &btf.Struct{Name: "key", Size: 8, Members: append(slices.Clone(own.Members), btf.Member{Name: "more"})}
	if got := Prefix(three, 8); got != three {
		t.Errorf("a key of three members became %v", got)
	}
	nets := [][]byte{{8, 0, 0, 0, 10, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0}, {16, 0, 0, 0, 10, 0, 0, 0}}
	slices.SortFunc(nets, Order(Prefix(nil, 8), 8))
	if nets[0][0] != 0 || nets[1][0] != 8 {
		t.Errorf("order = %v", nets)
	}
}

func TestTotal(t *testing.T) {
	u32 := &btf.Int{Name: "__u32", Size: 4}
	s64 := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	counts := &btf.Struct{Name: "counts", Size: 24, Members: []btf.Member{
		{Name: "packets", Type: u32},
		{Name: "drift", Type: s64, Offset: 64},
		{Name: "sizes", Type: &btf.Array{Type: u32, Nelems: 2}, Offset: 128},
	}}
	total, ok := NewTotal(counts, 24)
	if !ok {
		t.Fatal("no total")
	}
	a, err1 := Encode(counts, 24, "{packets: 4294967295, drift: -5, sizes: [1, 2]}")
	b, err2 := Encode(counts, 24, "{packets: 1, drift: 2, sizes: [10, 20]}")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	got := Decode(total.Type(), total.Of([][]byte{a, b})).Text
	if want := "{packets: 4294967296, drift: -3, sizes: [11, 22]}"; got != want {
		t.Errorf("sum = %s, want %s", got, want)
	}
	for _, typ := range []btf.Type{
		nil, &btf.Pointer{}, &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}, Nelems: 4},
		&btf.Enum{Size: 4}, &btf.Int{Size: 4, Encoding: btf.Bool},
	} {
		if _, ok := NewTotal(typ, 4); ok {
			t.Errorf("%v has a total", typ)
		}
	}
}
