package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
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
// AT_execs.
func pick(noun, which, project string, n int, at func(int) named) (int, error) {
	if id, err := strconv.ParseUint(which, 10, 32); err == nil {
		for i := range n {
			if at(i).id == uint32(id) {
				return i, nil
			}
		}
		return 0, notFound(noun, which)
	}
	var mine, all []int
	for i := range n {
		o := at(i)
		if !called(o.name, which) && (noun != "map" || !called(o.name, ofBpftrace(which))) {
			continue
		}
		all = append(all, i)
		if o.project == project && project != "" {
			mine = append(mine, i)
		}
	}
	if len(mine) > 0 {
		all = mine
	}
	switch len(all) {
	case 0:
		return 0, notFound(noun, which)
	case 1:
		return all[0], nil
	default:
		return 0, api.Errorf("find "+noun, which, api.ErrUsage, fmt.Sprintf("%d have this name; use an id", len(all))).
			WithHint(fmt.Sprintf("ebpfdev %s list --name %s", commandOf(noun), which))
	}
}

// called reports whether a name is the one that a person gives, of which the
// kernel may have kept only the beginning.
func called(name, which string) bool {
	return name == which || len(which) > kernelNameLen && name == which[:kernelNameLen]
}

// ofBpftrace returns what the kernel calls a map of a bpftrace program.
func ofBpftrace(which string) string {
	if own, ok := strings.CutPrefix(which, "@"); ok {
		return "AT_" + own
	}
	return which
}

func notFound(noun, which string) error {
	return api.Errorf("find "+noun, which, api.ErrNotExist, "the kernel holds none with this name or id").
		WithHint("ebpfdev " + commandOf(noun) + " list")
}

func commandOf(noun string) string {
	if noun == "program" {
		return "prog"
	}
	return noun
}
