package btfview

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestRecordType(t *testing.T) {
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	spec := func(names ...string) *btf.Spec {
		b, err := btf.NewBuilder(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			s := &btf.Struct{Name: name, Size: 4, Members: []btf.Member{{Name: "pid", Type: u32}}}
			if _, err := b.Add(s); err != nil {
				t.Fatal(err)
			}
		}
		s, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	tests := map[string]struct {
		types    *btf.Spec
		name     string
		declared btf.Type
		want     string
	}{
		"declared":       {spec("event"), "events", u32, "unsigned int"},
		"singular":       {spec("exec", "event"), "execs", nil, "exec"},
		"same name":      {spec("rb", "other"), "rb", nil, "rb"},
		"any map":        {spec("event"), "rb", nil, "event"},
		"Rust":           {spec("ExecEvent", "Event"), "exec_events", nil, "ExecEvent"},
		"Rust, any map":  {spec("Event"), "RECORDS", nil, "Event"},
		"nothing":        {spec("other"), "rb", nil, ""},
		"no types known": {nil, "events", nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if typ := RecordType(tt.types, tt.name, tt.declared); typ != nil {
				got = typ.TypeName()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
