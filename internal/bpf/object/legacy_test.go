package object

import (
	_ "embed"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/legacy.bpf.c -o testdata/legacy.bpf.o
//go:generate clang -target bpf -O2 -g -Wall -Werror -DINNER -ffile-prefix-map=$PWD=. -c testdata/legacy.bpf.c -o testdata/inner.bpf.o
//go:generate llvm-strip -g testdata/legacy.bpf.o testdata/inner.bpf.o

var (
	//go:embed testdata/legacy.bpf.o
	legacy []byte
	//go:embed testdata/inner.bpf.o
	inner []byte
)

func TestLegacyMaps(t *testing.T) {
	spec, err := Parse(api.Object{Name: "legacy.bpf.o", Data: legacy})
	if err != nil {
		t.Fatal(err)
	}
	m := spec.Maps["pinned"]
	if m == nil || m.Type != ebpf.Hash || m.MaxEntries != 16 || m.Extra != nil || m.Pinning != ebpf.PinNone {
		t.Errorf("the map is %+v", m)
	}
	_, err = Parse(api.Object{Name: "inner.bpf.o", Data: inner})
	if !errors.Is(err, api.ErrInvalid) || !strings.HasSuffix(err.Error(), "map outer: word 7 of its definition in section maps is not understood (0x7)") {
		t.Errorf("a map with an inner one: %v", err)
	}
}
