package btfc

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/near"
)

// Parse reads BTF as a kernel or a file has it. A module's BTF is split: it goes on
// where its kernel's ends, which is then the base.
func Parse(raw []byte, base *btf.Spec) (spec *btf.Spec, err error) {
	defer func() {
		// A panic of the parser is that library's bug, but the bytes are the cause.
		if r := recover(); r != nil {
			spec, err = nil, fmt.Errorf("the parser broke on it: %v", r)
		}
	}()
	if base == nil {
		return btf.LoadSpecFromReader(bytes.NewReader(raw))
	}
	return btf.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
}

// All returns what a header of all types has: every type of a spec, and of the
// functions those that programs may call.
func All(spec *btf.Spec) ([]btf.Type, error) {
	var list []btf.Type
	for t, err := range spec.All() {
		if err != nil {
			return nil, err
		}
		switch t.(type) {
		case *btf.Func:
			if !IsKfunc(t) {
				continue
			}
		case *btf.Var, *btf.Datasec:
			continue
		}
		list = append(list, t)
	}
	return list, nil
}

// NoTypeError says that there is no type of a name.
type NoTypeError struct {
	Name string
	Near []string // names that may be meant
}

// Error implements error.
func (e *NoTypeError) Error() string {
	text := "there is no type " + e.Name
	if len(e.Near) > 0 {
		text += "; there is " + strings.Join(e.Near, ", ")
	}
	return text
}

// Named returns the types of a name in any of the specs: "task_struct", or with
// its keyword where several have the name, "struct task_struct".
// Errors: *NoTypeError.
func Named(name string, specs ...*btf.Spec) ([]btf.Type, error) {
	word, bare, ok := strings.Cut(strings.TrimSpace(name), " ")
	if !ok || !slices.Contains([]string{"struct", "union", "enum", "typedef"}, word) {
		word, bare = "", strings.TrimSpace(name)
	}
	var list []btf.Type
	for _, spec := range specs {
		found, err := spec.AnyTypesByName(bare)
		if err != nil && !errors.Is(err, btf.ErrNotFound) {
			return nil, err
		}
		for _, t := range found {
			if word == "" || keyword(t) == word {
				list = append(list, t)
			}
		}
	}
	list = withoutForwards(list)
	if len(list) == 0 {
		return nil, &NoTypeError{name, nearNames(bare, specs)}
	}
	return list, nil
}

// withoutForwards leaves forward declarations out where there is more.
func withoutForwards(list []btf.Type) []btf.Type {
	isForward := func(t btf.Type) bool { _, ok := t.(*btf.Fwd); return ok }
	if !slices.ContainsFunc(list, func(t btf.Type) bool { return !isForward(t) }) {
		return list
	}
	return slices.DeleteFunc(list, isForward)
}

func nearNames(name string, specs []*btf.Spec) []string {
	seen := map[string]bool{}
	var names []string
	for _, spec := range specs {
		for t, err := range spec.All() {
			if err != nil {
				break
			}
			if n := t.TypeName(); n != "" && !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	return near.Names(name, names, 3)
}
