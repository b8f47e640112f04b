package local

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/definition"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
)

// instead holds the maps that a load uses instead of new ones, by name.
type instead struct {
	maps map[string]*ebpf.Map
}

func (i *instead) close() {
	for _, m := range i.maps {
		_ = m.Close()
	}
}

// mapsInstead opens the maps that are pinned where a request says and, when it
// asks for that, those of what it replaces.
func (t *Target) mapsInstead(spec *ebpf.CollectionSpec, req api.LoadRequest, old *replaced) (_ *instead, err error) {
	i := &instead{maps: map[string]*ebpf.Map{}}
	defer func() {
		if err != nil {
			i.close()
		}
	}()
	if req.ReuseMaps {
		if err := i.takeOver(spec, old, t.pins, req.Project); err != nil {
			return nil, err
		}
	}
	for _, o := range req.Maps {
		if o.Pin == "" {
			continue
		}
		if !filepath.IsAbs(o.Pin) {
			return nil, api.Errorf("pin map", o.Name, api.ErrUsage, o.Pin+" is no path from the root, in a BPF file system")
		}
		m, err := ebpf.LoadPinnedMap(o.Pin, nil)
		if err == nil {
			m, err = unpinned(m)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && req.Lifetime == api.LifetimeSession:
			return nil, api.Errorf("pin map", o.Name, api.ErrUsage, "nothing is pinned at "+o.Pin+", and what ends with its command pins nothing").
				WithHint("ebpfdev load")
		case errors.Is(err, fs.ErrNotExist):
			continue // made by pinOutside
		case err != nil:
			return nil, api.E("open map", o.Pin, api.ErrFailed, err)
		}
		if before := i.maps[o.Name]; before != nil {
			_ = before.Close()
		}
		i.maps[o.Name] = m
		if err := fits(spec.Maps[o.Name], m, o.Name, "the map at "+o.Pin); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// takeOver opens the maps of what is replaced: this target's, or the pinned ones.
// Those of variables, whose names begin with a dot, are the object's own.
func (i *instead) takeOver(spec *ebpf.CollectionSpec, old *replaced, pins *pin.Store, project string) error {
	open := map[string]func() (*ebpf.Map, error){}
	if old.held != nil {
		for name, m := range old.held.object.Maps {
			open[name] = m.Clone
		}
	}
	list, err := pins.List(project)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Kind == pin.Maps && !p.Outside() {
			open[p.Name] = func() (*ebpf.Map, error) { return ebpf.LoadPinnedMap(p.Path, nil) }
		}
	}
	for name, get := range open {
		want := spec.Maps[name]
		if want == nil || want.Type == ebpf.StructOpsMap || strings.HasPrefix(name, ".") {
			continue
		}
		m, err := get()
		if err != nil {
			return api.E("take over map", name, api.ErrFailed, err)
		}
		if i.maps[name], err = unpinned(m); err != nil {
			return api.E("take over map", name, api.ErrFailed, err)
		}
		if err := fits(want, i.maps[name], name, "the map of before"); err != nil {
			return err
		}
	}
	return nil
}

// unpinned opens a map once more, by its id: one that knows the path that it was
// opened by is not pinned a second time by the library, but renamed.
func unpinned(m *ebpf.Map) (*ebpf.Map, error) {
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	id, _ := info.ID()
	return ebpf.NewMapFromID(id)
}

// fits refuses a map that is defined in another way than the object wants it.
func fits(want *ebpf.MapSpec, m *ebpf.Map, name, which string) error {
	differences := definition.Differences(want, m)
	if len(differences) == 0 {
		return nil
	}
	return api.Errorf("use map", name, api.ErrConflict, which+" is defined in another way: "+strings.Join(differences, "; ")).
		WithHint("ebpfdev load --replace")
}

// pinOutside pins maps where the request says, and keeps what pinned them there
// before.
func (l *loading) pinOutside() error {
	for _, o := range l.req.Maps {
		if o.Pin == "" {
			continue
		}
		m := l.obj.Maps[o.Name]
		if l.old.pinned {
			p, kept, err := l.target.pins.KeepAt(l.req.Project, o.Name, o.Pin, m)
			if err != nil {
				return err
			}
			if kept {
				l.kept = append(l.kept, p)
				continue
			}
		}
		if existing, err := ebpf.LoadPinnedMap(o.Pin, nil); err == nil {
			_ = existing.Close()
			continue // it was used, and is somebody's
		}
		dup, err := unpinnedClone(m)
		if err != nil {
			return api.E("pin map", o.Name, api.ErrFailed, err)
		}
		p, err := l.target.pins.PinAt(l.req.Project, l.old.pinned, o.Name, o.Pin, dup)
		_ = dup.Close()
		if err != nil {
			return err
		}
		l.pins = append(l.pins, p)
		l.res.Pins = append(l.res.Pins, p.Path)
	}
	return nil
}

func unpinnedClone(m *ebpf.Map) (*ebpf.Map, error) {
	dup, err := m.Clone()
	if err != nil {
		return nil, err
	}
	return unpinned(dup)
}
