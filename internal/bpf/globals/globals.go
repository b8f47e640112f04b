// Package globals sets the global variables of an object before it is loaded, by
// their names and types: what a program declares as const volatile to be told.
package globals

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// mostNames is how many names an error lists.
const mostNames = 5

// Set gives variables their values, which are written as btfview reads them: a
// number, true, an enumerator's name, a string, JSON for arrays and structs.
// Errors: ErrUsage (there is no such variable), ErrInvalid (its type has no such
// value).
func Set(spec *ebpf.CollectionSpec, values []api.Global) error {
	for _, v := range values {
		variable := spec.Variables[v.Name]
		if variable == nil {
			return unknown(spec, v.Name)
		}
		var typ btf.Type
		if variable.Type != nil {
			typ = plain(variable.Type.Type)
		}
		raw, err := btfview.Encode(typ, int(variable.Size()), v.Value)
		if err != nil {
			return refused(v, typ, int(variable.Size()), err)
		}
		if err := variable.Set(raw); err != nil {
			return api.E("set", v.Name, api.ErrInvalid, err)
		}
	}
	return nil
}

// plain takes off what matters to the compiler alone: const and volatile.
func plain(t btf.Type) btf.Type {
	for {
		switch q := t.(type) {
		case *btf.Const:
			t = q.Type
		case *btf.Volatile:
			t = q.Type
		default:
			return t
		}
	}
}

// unknown names the variables that may have been meant, or all.
func unknown(spec *ebpf.CollectionSpec, name string) error {
	all := slices.Sorted(maps.Keys(spec.Variables))
	cause := "the object has no such global variable"
	nearest := near.Names(name, all, mostNames)
	switch {
	case len(all) == 0:
		return api.Errorf("set", name, api.ErrUsage, "the object has no global variables")
	case len(nearest) > 0:
		cause += "; near it: " + strings.Join(nearest, ", ")
	default:
		nearest = all
		cause += "; it has " + strings.Join(all[:min(len(all), mostNames)], ", ")
		if more := len(all) - mostNames; more > 0 {
			cause += fmt.Sprintf(" and %d more", more)
		}
	}
	return api.Errorf("set", name, api.ErrUsage, cause).
		WithHint(shell.Join("ebpfdev", "load", "--set", nearest[0]+"=VALUE"))
}

// refused names the type that the value is not of.
func refused(v api.Global, typ btf.Type, size int, err error) error {
	cause := strings.TrimPrefix(err.Error(), "encode: ")
	if typ == nil {
		return api.Errorf("set", v.Name, api.ErrInvalid, fmt.Sprintf("its type is not known, only that it has %d bytes: %s", size, cause)).
			WithHint(shell.Join("ebpfdev", "load", "--set", v.Name+"=hex:"+strings.Repeat("00", min(size, 16))))
	}
	return api.Errorf("set", v.Name, api.ErrInvalid, fmt.Sprintf("it is of type %s: %s", btfview.Name(typ), cause))
}
