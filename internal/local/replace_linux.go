package local

import (
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
)

// replaced is what a load takes the place of: of this target, pinned, or both when
// it is empty.
type replaced struct {
	target *Target
	held   *held // of this target; nil
	pinned bool  // it has pins
	links  map[string][]*attach.Old
	opened []interface{ Close() error }
}

// replaces finds what a project has loaded.
func (t *Target) replaces(project string) (*replaced, error) {
	r := &replaced{target: t, links: map[string][]*attach.Old{}}
	t.mu.Lock()
	if h := t.loads[project]; h != nil && h.object != nil {
		r.held = h
	}
	t.mu.Unlock()
	if r.held != nil {
		for _, a := range r.held.links {
			r.links[a.program] = append(r.links[a.program], &attach.Old{
				Link: a.link, Program: r.held.object.Programs[a.program], Map: structOps(r.held.object.Maps[a.program]),
			})
		}
	}
	pins, err := t.pins.List(project)
	if err != nil {
		return nil, err
	}
	r.pinned = len(pins) > 0
	for _, p := range pins {
		if p.Kind == pin.Links {
			r.open(p)
		}
	}
	return r, nil
}

// open opens a pinned link. One that cannot be opened is not updated, and removed
// all the same.
func (r *replaced) open(p pin.Pin) {
	id, err := pin.Identify(p.Kind, p.Path)
	if err != nil {
		return
	}
	// By its id, so that the library does not take a new pin for a rename.
	l, err := link.NewFromID(link.ID(id.ID))
	if err != nil {
		return
	}
	r.opened = append(r.opened, l)
	old := &attach.Old{Link: l}
	if info, err := l.Info(); err == nil {
		if prog, err := ebpf.NewProgramFromID(info.Program); err == nil {
			r.opened, old.Program = append(r.opened, prog), prog
		}
	}
	// A struct_ops link has the name of its map.
	if m, err := ebpf.LoadPinnedMap(r.target.pins.Path(p.Project, pin.Maps, p.Name), nil); err == nil {
		r.opened, old.Map = append(r.opened, m), structOps(m)
	}
	name, _, _ := strings.Cut(p.Name, ".") // the second link of a program has ".1" after its name
	r.links[name] = append(r.links[name], old)
}

// structOps returns a map of functions; nil for every other.
func structOps(m *ebpf.Map) *ebpf.Map {
	if m == nil || m.Type() != ebpf.StructOpsMap {
		return nil
	}
	return m
}

// close lets go of what was opened to look at.
func (r *replaced) close() {
	for _, o := range r.opened {
		_ = o.Close()
	}
}

// giveWay removes old links that a program cannot be attached beside: its own, or
// else those of programs that the object has no more, or else all. It is false when
// there are none.
func (r *replaced) giveWay(program string, kept []string) bool {
	for _, mayGo := range []func(name string) bool{
		func(name string) bool { return name == program },
		func(name string) bool { return !slices.Contains(kept, name) },
		func(string) bool { return true },
	} {
		removed := false
		for name, list := range r.links {
			for _, old := range list {
				if mayGo(name) && !old.InPlace && !old.Gone && old.Remove() == nil {
					removed = true
				}
			}
		}
		if removed {
			return true
		}
	}
	return false
}

// restore gives the links that were updated their old programs again.
func (r *replaced) restore() {
	for _, list := range r.links {
		for _, old := range list {
			_ = old.Restore()
		}
	}
}

// has reports whether a link is one of the old ones.
func (r *replaced) has(l attach.Link) bool {
	for _, list := range r.links {
		if slices.ContainsFunc(list, func(o *attach.Old) bool { return o.Link == l }) {
			return true
		}
	}
	return false
}

// replacements says how each program that was attached took another's place.
func (r *replaced) replacements(links []attached) []api.Replacement {
	var list []api.Replacement
	for _, name := range slices.Sorted(maps.Keys(r.links)) {
		how := api.ReplacedByNone
		if slices.ContainsFunc(links, func(a attached) bool { return a.program == name }) {
			how = api.ReplacedInPlace
			for _, old := range r.links[name] {
				switch {
				case old.Gone:
					how = api.ReplacedAfterGap
				case !old.InPlace && how == api.ReplacedInPlace:
					how = api.ReplacedOverlap
				}
			}
		}
		list = append(list, api.Replacement{Program: name, How: how})
	}
	return list
}

// remove takes away what was replaced: this target's, and the pins.
func (r *replaced) remove(l *loading) {
	if r.held != nil {
		r.held.links = slices.DeleteFunc(r.held.links, func(a attached) bool {
			return slices.ContainsFunc(l.links, func(n attached) bool { return n.link == a.link })
		})
		r.held.close()
	}
	switch {
	case !r.pinned:
	case l.pinned():
		_, _ = r.target.pins.Settle(l.req.Project)
	default:
		// What runs in place is kept by this target now.
		_, _ = r.target.pins.Drop(l.req.Project)
		r.opened = slices.DeleteFunc(r.opened, func(o interface{ Close() error }) bool {
			return slices.ContainsFunc(l.links, func(n attached) bool { return any(n.link) == any(o) })
		})
	}
}

// commit puts the new pins in the place of the old.
func (l *loading) commit() error {
	if !l.pinned() || !l.old.pinned {
		return nil
	}
	if err := l.target.pins.Commit(l.req.Project); err != nil {
		return err
	}
	for i := range l.res.Programs {
		l.settle(&l.res.Programs[i].Pinned)
	}
	for i := range l.res.Maps {
		l.settle(&l.res.Maps[i].Pinned)
	}
	for i := range l.res.Links {
		l.settle(&l.res.Links[i].Pinned)
	}
	return nil
}

// settle corrects paths that were looked up while old and new pins were there.
func (l *loading) settle(paths *[]string) {
	for i, path := range *paths {
		(*paths)[i] = l.target.pins.Committed(l.req.Project, path)
	}
	slices.Sort(*paths)
	*paths = slices.Compact(*paths)
}
