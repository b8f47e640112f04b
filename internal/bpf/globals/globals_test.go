package globals_test

import (
	_ "embed"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/globals"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/globals.bpf.c -o testdata/globals.bpf.o
//go:generate llvm-strip -g testdata/globals.bpf.o

//go:embed testdata/globals.bpf.o
var data []byte

func parse(t *testing.T) *ebpf.CollectionSpec {
	t.Helper()
	spec, err := object.Parse(api.Object{Name: "globals.bpf.o", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestSet(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"number", "0x10", "16"},
		{"negative", "-3", "-3"},
		{"enabled", "true", "true"},
		{"mode", "MODE_ON", "MODE_ON"},
		{"mode", "7", "MODE_ON"},
		{"name", "bash", `"bash"`},
		{"name", `"ba sh"`, `"ba sh"`},
		{"list", "[1, 2, 3]", "[1, 2, 3]"},
		{"rule", `{"from": 1, "ports": [80, 443]}`, "{from: 1, to: 0, ports: [80, 443]}"},
		{"counted", "9", "9"},
		{"zeroed", "9", "9"},
	} {
		spec := parse(t)
		if err := globals.Set(spec, []api.Global{{Name: test.name, Value: test.value}}); err != nil {
			t.Errorf("%s=%s: %v", test.name, test.value, err)
			continue
		}
		v := spec.Variables[test.name]
		if got := btfview.Decode(v.Type.Type, v.Value).Text; got != test.want {
			t.Errorf("%s=%s gives %s, want %s", test.name, test.value, got, test.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name, value string
		kind        api.Kind
		texts       []string
	}{
		{"nubmer", "1", api.ErrUsage, []string{"near it: number"}},
		{"xxxxxxxxxxxxxxxx", "1", api.ErrUsage, []string{"it has counted, enabled", "and 4 more"}},
		{"number", "4294967296", api.ErrInvalid, []string{"it is of type unsigned int"}},
		{"number", "many", api.ErrInvalid, []string{"unsigned int"}},
		{"enabled", "perhaps", api.ErrInvalid, []string{"it is of type _Bool"}},
		{"mode", "MODE_NONE", api.ErrInvalid, []string{"enum mode"}},
		{"name", "a very long name", api.ErrInvalid, []string{"char[8]"}},
		{"list", "[1, 2, 3, 4]", api.ErrInvalid, []string{"int[3]"}},
		{"rule", `{"form": 1}`, api.ErrInvalid, []string{"struct rule", "form"}},
	} {
		err := globals.Set(parse(t), []api.Global{{Name: test.name, Value: test.value}})
		if !errors.Is(err, test.kind) {
			t.Errorf("%s=%s: %v, want %s", test.name, test.value, err, test.kind)
			continue
		}
		for _, text := range test.texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s=%s: %v does not say %q", test.name, test.value, err, text)
			}
		}
	}
	if err := globals.Set(&ebpf.CollectionSpec{}, []api.Global{{Name: "x", Value: "1"}}); !errors.Is(err, api.ErrUsage) {
		t.Errorf("an object without variables: %v", err)
	}
	// Without types, as some compilers leave it, a value is bytes or a number.
	plain := &ebpf.CollectionSpec{Variables: map[string]*ebpf.VariableSpec{"x": {Name: "x", Value: make([]byte, 4)}}}
	if err := globals.Set(plain, []api.Global{{Name: "x", Value: "hex:01000000"}}); err != nil || plain.Variables["x"].Value[0] != 1 {
		t.Errorf("a variable without a type: %v", err)
	}
	if err := globals.Set(plain, []api.Global{{Name: "x", Value: "{}"}}); !errors.Is(err, api.ErrInvalid) || api.HintOf(err) == "" {
		t.Errorf("a variable without a type: %v", err)
	}
}
