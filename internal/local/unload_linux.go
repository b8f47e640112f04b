package local

import (
	"context"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// unloadNames takes back some of a project's programs and maps, and pins by their
// paths.
func (t *Target) unloadNames(req api.UnloadRequest) (api.UnloadResult, error) {
	pins, err := t.pins.List("")
	if err != nil {
		return api.UnloadResult{}, err
	}
	t.mu.Lock()
	h := t.loads[req.Project]
	t.mu.Unlock()
	if h != nil && h.object == nil {
		h = nil
	}
	var chosen []pin.Pin
	for _, name := range req.Names {
		found := slices.Clone(pins)
		found = slices.DeleteFunc(found, func(p pin.Pin) bool { return !chosenBy(name, req.Project, p) })
		if len(found) == 0 && !h.holds(name) {
			return api.UnloadResult{}, t.noSuch(name, req.Project, pins, h)
		}
		chosen = append(chosen, found...)
	}
	var removed []string
	for _, name := range req.Names {
		if h != nil {
			removed = append(removed, h.release(name)...)
		}
	}
	res, err := t.pins.RemoveSome(chosen)
	res.Removed = append(removed, res.Removed...)
	return res, err
}

// chosenBy reports whether a name or a path means a pin. A program's links have its
// name, and ".1" after it from the second one on.
func chosenBy(name, project string, p pin.Pin) bool {
	if strings.HasPrefix(name, "/") {
		return p.Path == name
	}
	if p.Project != project {
		return false
	}
	rest, ok := strings.CutPrefix(p.Name, name)
	return ok && (rest == "" || p.Kind == pin.Links && strings.HasPrefix(rest, "."))
}

// noSuch says what there is instead of a name.
func (t *Target) noSuch(name, project string, pins []pin.Pin, h *held) error {
	if strings.HasPrefix(name, "/") {
		return api.Errorf("unload", name, api.ErrNotExist, "nothing is pinned there by ebpfdev").WithHint("ebpfdev link list")
	}
	var all []string
	for _, p := range pins {
		if p.Project == project && p.Kind != pin.Links {
			all = append(all, p.Name)
		}
	}
	if h != nil {
		all = append(append(all, h.object.ProgramNames()...), h.object.MapNames()...)
	}
	e := api.Errorf("unload", name, api.ErrNotExist, "project "+project+" has no program and no map of this name")
	if nearest := near.Names(name, all, 1); len(nearest) > 0 {
		return e.WithHint(shell.Join("ebpfdev", "unload", nearest[0]))
	}
	return e.WithHint("ebpfdev prog list --project " + shell.Quote(project))
}

// holds reports whether a load of this target has a program or a map.
func (h *held) holds(name string) bool {
	return h != nil && (h.object.Programs[name] != nil || h.object.Maps[name] != nil)
}

// release lets go of a program with its links, or of a map.
func (h *held) release(name string) []string {
	var removed []string
	h.links = slices.DeleteFunc(h.links, func(a attached) bool {
		if a.program != name {
			return false
		}
		_ = a.link.Close()
		removed = append(removed, "link "+name)
		return true
	})
	if p := h.object.Programs[name]; p != nil {
		_ = p.Close()
		delete(h.object.Programs, name)
		removed = append(removed, "program "+name)
	}
	if m := h.object.Maps[name]; m != nil {
		_ = m.Close()
		delete(h.object.Maps, name)
		removed = append(removed, "map "+name)
	}
	return removed
}

// Detach implements api.Loader.
func (t *Target) Detach(ctx context.Context, req api.DetachRequest) (err error) {
	ctx, done := t.call(ctx, "detach")
	defer func() { err = done(err) }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.view().Detach(ctx, req.LinkID)
}
