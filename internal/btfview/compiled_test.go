package btfview

import (
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestPrinter: a printer writes what Decode writes, for each type of the test
// object and for bytes of every sort.
func TestPrinter(t *testing.T) {
	spec := types(t)
	random := rand.New(rand.NewPCG(1, 2))
	n := 0
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		size, err := btf.Sizeof(typ)
		if err != nil || size == 0 || size > 1<<16 {
			continue
		}
		n++
		for _, size := range []int{size, size + 4} {
			p := NewPrinter(typ, size)
			for i := range 20 {
				raw := make([]byte, size)
				for j := range raw {
					switch i % 3 {
					case 0:
						raw[j] = byte(random.Uint32())
					case 1:
						raw[j] = "abc\x00\"\\/7"[random.IntN(8)]
					}
				}
				same(t, p, typ, raw)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d types", n)
	}
	for _, size := range []int{0, 1, 3, 4, 8, 16} {
		same(t, NewPrinter(nil, size), nil, make([]byte, size))
	}
}

func same(t *testing.T, p *Printer, typ btf.Type, raw []byte) {
	t.Helper()
	want := Decode(typ, raw)
	text, _ := p.Append(nil, raw, false)
	if string(text) != want.Text {
		t.Errorf("%s: text %s, want %s", Name(typ), text, want.Text)
	}
	js, ok := p.Append(nil, raw, true)
	if ok != (want.JSON != nil) || ok && string(js) != string(want.JSON) {
		t.Errorf("%s: JSON %s (%v), want %s", Name(typ), js, ok, want.JSON)
	}
	if p.Same() && string(text) != string(js) {
		t.Errorf("%s: %s and %s are not the same", Name(typ), text, js)
	}
}
