// Package definition is about how maps are defined: it overrules what an object
// says, and compares that with a map of the kernel.
package definition

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Override sets what options say of an object's maps; pins are the caller's matter.
// Errors: ErrUsage (no such map, two options for one).
func Override(spec *ebpf.CollectionSpec, opts []api.MapOption) error {
	seen := map[string]bool{}
	for _, o := range opts {
		m := spec.Maps[o.Name]
		if m == nil {
			return unknown(spec, o.Name)
		}
		if seen[o.Name] {
			return api.Errorf("load map", o.Name, api.ErrUsage, "two options are for it")
		}
		seen[o.Name] = true
		if o.MaxEntries == 0 {
			continue
		}
		if strings.HasPrefix(o.Name, ".") {
			return api.Errorf("load map", o.Name, api.ErrUsage, "it holds the object's variables: it has one entry").
				WithHint("ebpfdev load --set NAME=VALUE")
		}
		m.MaxEntries = o.MaxEntries
	}
	return nil
}

func unknown(spec *ebpf.CollectionSpec, name string) error {
	all := slices.DeleteFunc(slices.Sorted(maps.Keys(spec.Maps)), func(n string) bool { return strings.HasPrefix(n, ".") })
	if len(all) == 0 {
		return api.Errorf("load map", name, api.ErrUsage, "the object has no maps")
	}
	nearest := near.Names(name, all, 1)
	if len(nearest) == 0 {
		nearest = all
	}
	return api.Errorf("load map", name, api.ErrUsage, "the object has no such map; it has "+strings.Join(all, ", ")).
		WithHint(shell.Join("ebpfdev", "load", "--map", nearest[0]+"=max_entries:1024"))
}

// Differences tells in words how a map of the kernel is defined in another way than
// an object wants it; none when it can take its place.
func Differences(spec *ebpf.MapSpec, m *ebpf.Map) []string {
	var list []string
	differs := func(what string, is, wanted any) {
		if is != wanted {
			list = append(list, fmt.Sprintf("%s: it has %v, the object %v", what, is, wanted))
		}
	}
	differs("type", inspect.MapType(m.Type()), inspect.MapType(spec.Type))
	differs("key size", m.KeySize(), spec.KeySize)
	differs("value size", m.ValueSize(), spec.ValueSize)
	differs("max entries", m.MaxEntries(), spec.MaxEntries)
	if m.Flags() != spec.Flags {
		differs("flags", fmt.Sprintf("%#x", m.Flags()), fmt.Sprintf("%#x", spec.Flags))
	}
	if err := spec.Compatible(m); err == nil {
		list = nil // the library knows of numbers that the kernel sets itself
	} else if len(list) == 0 {
		list = append(list, err.Error())
	}
	if key, value, err := inspect.MapTypes(m); err == nil {
		if spec.Key != nil && key != nil {
			differs("key", layout(key, 0), layout(spec.Key, 0))
		}
		if spec.Value != nil && value != nil {
			differs("value", layout(value, 0), layout(spec.Value, 0))
		}
	}
	return list
}

// deepest is how far types are compared: pointers are not followed.
const deepest = 8

// layout writes a type with what matters for the bytes of a value: "struct {u32 a;
// u64 b}". Types that are written the same have the same meaning.
func layout(t btf.Type, depth int) string {
	t = btf.UnderlyingType(t)
	if depth > deepest {
		return "…"
	}
	switch t := t.(type) {
	case *btf.Struct:
		return "struct " + members(t.Members, depth)
	case *btf.Union:
		return "union " + members(t.Members, depth)
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", layout(t.Type, depth+1), t.Nelems)
	case *btf.Int:
		return fmt.Sprintf("%s%d", map[bool]string{true: "s", false: "u"}[t.Encoding == btf.Signed], 8*t.Size)
	case *btf.Enum:
		return fmt.Sprintf("u%d", 8*t.Size)
	case *btf.Pointer:
		return "pointer"
	default:
		return btfview.Name(t)
	}
}

func members(list []btf.Member, depth int) string {
	parts := make([]string, 0, len(list))
	for _, m := range list {
		part := layout(m.Type, depth+1) + " " + m.Name
		if m.BitfieldSize > 0 {
			part += fmt.Sprintf(":%d", m.BitfieldSize)
		}
		parts = append(parts, strings.TrimSpace(part))
	}
	return "{" + strings.Join(parts, "; ") + "}"
}
