//go:build kernel

package definition_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/definition"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func pair(first, second string) *btf.Struct {
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	return &btf.Struct{Name: "pair", Size: 8, Members: []btf.Member{
		{Name: first, Type: u32}, {Name: second, Type: &btf.Typedef{Name: "__u32", Type: u32}, Offset: 32},
	}}
}

func spec() *ebpf.MapSpec {
	return &ebpf.MapSpec{
		Name: "pairs", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16,
		Key: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Value: pair("from", "to"),
	}
}

func TestDifferences(t *testing.T) {
	kerneltest.Require(t)
	m, err := ebpf.NewMap(spec())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for name, test := range map[string]struct {
		change func(*ebpf.MapSpec)
		want   []string
	}{
		"same":    {func(*ebpf.MapSpec) {}, nil},
		"type":    {func(s *ebpf.MapSpec) { s.Type = ebpf.LRUHash }, []string{"type: it has hash, the object lru_hash"}},
		"sizes":   {func(s *ebpf.MapSpec) { s.MaxEntries = 32 }, []string{"max entries: it has 16, the object 32"}},
		"key":     {func(s *ebpf.MapSpec) { s.Key = &btf.Int{Name: "unsigned", Size: 4} }, []string{"key: it has s32, the object u32"}},
		"flags":   {func(s *ebpf.MapSpec) { s.Flags = 1 }, []string{"flags: it has 0x0, the object 0x1"}},
		"members": {func(s *ebpf.MapSpec) { s.Value = pair("to", "from") }, []string{"value: it has struct {u32 from; u32 to}, the object struct {u32 to; u32 from}"}},
		"untyped": {func(s *ebpf.MapSpec) { s.Key, s.Value = nil, nil }, nil},
	} {
		want := spec()
		test.change(want)
		if got := definition.Differences(want, m); strings.Join(got, "; ") != strings.Join(test.want, "; ") {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestOverride(t *testing.T) {
	coll := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{"pairs": spec(), ".bss": {MaxEntries: 1}}}
	if err := definition.Override(coll, []api.MapOption{{Name: "pairs", MaxEntries: 99}}); err != nil || coll.Maps["pairs"].MaxEntries != 99 {
		t.Errorf("%d entries, %v", coll.Maps["pairs"].MaxEntries, err)
	}
	for _, opts := range [][]api.MapOption{
		{{Name: "pears", MaxEntries: 1}}, {{Name: ".bss", MaxEntries: 2}}, {{Name: "pairs"}, {Name: "pairs"}},
	} {
		if err := definition.Override(coll, opts); !errors.Is(err, api.ErrUsage) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	err := definition.Override(coll, []api.MapOption{{Name: "pears"}})
	if api.HintOf(err) != "ebpfdev load --map pairs=max_entries:1024" {
		t.Errorf("hint %q", api.HintOf(err))
	}
}
