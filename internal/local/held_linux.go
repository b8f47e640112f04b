package local

import (
	"slices"

	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// held is what the target knows of a load that it made. For one that is pinned
// only the types are kept: the kernel forgets those of ring buffers.
type held struct {
	object *load.Object // nil when it is pinned
	links  []attached
	types  map[uint32]btf.Type // of records, by the map's id
	ids    map[pin.Kind][]uint32
}

// attached is a program's link.
type attached struct {
	program string
	link    link.Link
}

// close detaches the programs and lets go of everything.
func (h *held) close() {
	for _, a := range h.links {
		_ = a.link.Close()
	}
	if h.object != nil {
		h.object.Close()
	}
}

// session reports whether the load lives as long as the target.
func (h *held) session() bool { return h.object != nil }

// note remembers the ids of what was loaded and the types of records.
func (h *held) note(obj *load.Object, res api.LoadResult) {
	h.ids = map[pin.Kind][]uint32{}
	for _, p := range res.Programs {
		h.ids[pin.Programs] = append(h.ids[pin.Programs], p.ID)
	}
	for _, l := range res.Links {
		h.ids[pin.Links] = append(h.ids[pin.Links], l.ID)
	}
	h.types = map[uint32]btf.Type{}
	for name, m := range obj.Maps {
		id, err := pin.OfMap(m)
		if err != nil {
			continue
		}
		h.ids[pin.Maps] = append(h.ids[pin.Maps], id.ID)
		spec := obj.Spec.Maps[name]
		if !inspect.CarriesRecords(spec.Type) {
			continue
		}
		if typ := btfview.RecordType(obj.Spec.Types, spec.Name, spec.Value); typ != nil {
			h.types[id.ID] = typ
		}
	}
}

// projectOf returns the project of the session's load that holds an object.
func (t *Target) projectOf(kind pin.Kind, id uint32) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for project, h := range t.loads {
		if h.session() && slices.Contains(h.ids[kind], id) {
			return project
		}
	}
	return ""
}
