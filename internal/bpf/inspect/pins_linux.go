package inspect

import (
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	cpin "github.com/cilium/ebpf/pin"

	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
)

// ref names an object of the kernel.
type ref struct {
	kind pin.Kind
	id   uint32
}

// pins is what a walk over the BPF file system found.
type pins struct {
	paths   map[ref][]string
	project map[ref]string
	name    map[ref]string // in the object, of what is pinned by us
}

// findPins walks the BPF file system once. What cannot be opened is left out:
// a listing is not the place to fail about somebody else's pin.
func (v *View) findPins(want pin.Kind) *pins {
	p := &pins{paths: map[ref][]string{}, project: map[ref]string{}, name: map[ref]string{}}
	if !pin.Is(v.BPFFS) {
		return p
	}
	_ = filepath.WalkDir(v.BPFFS, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what cannot be read is not listed
		}
		if r, ok := open(path, want); ok {
			p.paths[r] = append(p.paths[r], path)
		}
		return nil
	})
	ours, _ := pin.New(v.BPFFS).List("")
	for _, o := range ours {
		if o.Kind != want {
			continue
		}
		for r, paths := range p.paths {
			for _, path := range paths {
				if path == o.Path {
					p.project[r], p.name[r] = o.Project, o.Name
				}
			}
		}
	}
	return p
}

// open tells what a pin holds, if it is of the wanted kind.
func open(path string, want pin.Kind) (ref, bool) {
	obj, err := cpin.Load(path, nil)
	if err != nil {
		return ref{}, false
	}
	defer obj.Close()
	var id pin.Identity
	kind := pin.Kind("")
	switch o := obj.(type) {
	case *ebpf.Program:
		kind, id, err = pin.Programs, pin.Identity{}, nil
		if kind == want {
			id, err = pin.OfProgram(o)
		}
	case *ebpf.Map:
		kind = pin.Maps
		if kind == want {
			id, err = pin.OfMap(o)
		}
	case link.Link:
		kind = pin.Links
		if kind == want {
			id, err = pin.OfLink(o)
		}
	}
	return ref{kind, id.ID}, kind == want && err == nil
}
