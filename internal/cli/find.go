package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
)

// kernelNameLen is how much of a name the kernel keeps (BPF_OBJ_NAME_LEN less
// the byte that ends it).
const kernelNameLen = 15

// named is what the objects of the kernel have in common when a person names one.
type named struct {
	id      uint32
	name    string
	project string
}

// findProgram returns the program of an id or a name.
func findProgram(ctx context.Context, s api.Session, which string) (api.Program, error) {
	list, err := s.ListPrograms(ctx, api.ListRequest{})
	if err != nil {
		return api.Program{}, err
	}
	i, err := pick("program", which, s.Info().Project, len(list), func(i int) named {
		return named{list[i].ID, list[i].Name, list[i].Project}
	})
	if err != nil {
		return api.Program{}, err
	}
	return list[i], nil
}

// findMap returns the map of an id or a name.
func findMap(ctx context.Context, s api.Session, which string) (api.Map, error) {
	list, err := s.ListMaps(ctx, api.ListRequest{})
	if err != nil {
		return api.Map{}, err
	}
	i, err := pick("map", which, s.Info().Project, len(list), func(i int) named {
		return named{list[i].ID, list[i].Name, list[i].Project}
	})
	if err != nil {
		return api.Map{}, err
	}
	return list[i], nil
}

// pick finds the one of n objects that a person means: by id; by name, those of
// the workspace's project first. A bpftrace program's @execs is the kernel's
// AT_execs, which may be called execs too where nothing else is.
func pick(noun, which, project string, n int, at func(int) named) (int, error) {
	if id, err := strconv.ParseUint(which, 10, 32); err == nil {
		for i := range n {
			if at(i).id == uint32(id) {
				return i, nil
			}
		}
		return 0, notFound(noun, which, nil)
	}
	names := []string{which}
	if noun == "map" {
		names = append(names, ofBpftrace(which))
	}
	for _, name := range names {
		if found := calledSo(name, project, n, at); len(found) == 1 {
			return found[0], nil
		} else if len(found) > 1 {
			return 0, api.Errorf("find "+noun, which, api.ErrUsage, fmt.Sprintf("%d have this name; use an id", len(found))).
				WithHint(fmt.Sprintf("ebpfdev %s list --name %s", commandOf(noun), at(found[0]).name))
		}
	}
	return 0, notFound(noun, which, nearNames(which, project, n, at))
}

// calledSo returns the objects of a name: those of the project, if it has some.
func calledSo(which, project string, n int, at func(int) named) []int {
	var mine, all []int
	for i := range n {
		o := at(i)
		if !called(o.name, which) {
			continue
		}
		all = append(all, i)
		if o.project == project && project != "" {
			mine = append(mine, i)
		}
	}
	if len(mine) > 0 {
		return mine
	}
	return all
}

// nearNames returns names near one that nothing has: those of the project, if some
// are.
func nearNames(which, project string, n int, at func(int) named) []string {
	const most = 3
	which = strings.TrimPrefix(which, "@")
	written := map[string]string{} // as a bpftrace program has it, by what it is compared by
	var mine, all []string
	for i := range n {
		o := at(i)
		name, isBpftrace := strings.CutPrefix(o.name, atBpftrace)
		if written[name] = name; isBpftrace {
			written[name] = "@" + name
		}
		all = append(all, name)
		if o.project == project && project != "" {
			mine = append(mine, name)
		}
	}
	names := near.Names(which, mine, most)
	if len(names) == 0 {
		names = near.Names(which, all, most)
	}
	for i, name := range names {
		names[i] = written[name]
	}
	return names
}

// called reports whether a name is the one that a person gives, of which the
// kernel may have kept only the beginning.
func called(name, which string) bool {
	return name == which || len(which) > kernelNameLen && name == which[:kernelNameLen]
}

// atBpftrace is what the kernel's name for a bpftrace program's map has for "@".
const atBpftrace = "AT_"

// ofBpftrace returns what the kernel calls a map of a bpftrace program.
func ofBpftrace(which string) string { return atBpftrace + strings.TrimPrefix(which, "@") }

func notFound(noun, which string, others []string) error {
	cause := "the kernel holds none with this name or id"
	if len(others) > 0 {
		cause += "; near: " + strings.Join(others, ", ")
	}
	return api.Errorf("find "+noun, which, api.ErrNotExist, cause).WithHint("ebpfdev " + commandOf(noun) + " list")
}

func commandOf(noun string) string {
	if noun == "program" {
		return "prog"
	}
	return noun
}
