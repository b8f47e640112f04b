package local

import (
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/bpf/attach"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/bpf/process"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// held is what the target knows of a load that it made. For one that is pinned
// only the types are kept: the kernel forgets those of ring buffers.
type held struct {
	object *load.Object    // nil when it is pinned, or a process's
	loader *process.Loader // a process that lives as long as the target
	links  []attached
	types  map[uint32]btf.Type            // of records, by the map's id
	names  map[pin.Kind]map[uint32]string // by id, in the object
}

// attached is a program's link. One that has several is its links in order.
type attached struct {
	program string
	link    attach.Link
}

// close detaches the programs and lets go of everything.
func (h *held) close() {
	for _, a := range h.links {
		_ = a.link.Close()
	}
	if h.object != nil {
		h.object.Close()
	}
	if h.loader != nil {
		_ = h.loader.Close() // nothing of it is left
	}
}

// session reports whether the load lives as long as the target.
func (h *held) session() bool { return h.object != nil || h.loader != nil }

// hold makes what the target keeps of a load.
func hold(obj *load.Object, links []attached) *held {
	h := &held{
		object: obj, links: links, types: map[uint32]btf.Type{},
		names: map[pin.Kind]map[uint32]string{pin.Programs: {}, pin.Maps: {}, pin.Links: {}},
	}
	for name, p := range obj.Programs {
		h.name(pin.Programs, p, name)
	}
	for _, a := range links {
		h.name(pin.Links, a.link, a.program)
	}
	for name, m := range obj.Maps {
		id := h.name(pin.Maps, m, name)
		if spec := obj.Spec.Maps[name]; inspect.CarriesRecords(spec.Type) {
			if typ := btfview.RecordType(obj.Spec.Types, name, spec.Value); typ != nil {
				h.types[id] = typ
			}
		}
	}
	return h
}

// name remembers what an object is called and returns its id.
func (h *held) name(kind pin.Kind, what any, name string) uint32 {
	id, err := pin.Of(what)
	if err == nil { // an attachment without a link (before Linux 5.15) has no id
		h.names[kind][id.ID] = name
	}
	return id.ID
}

// ours tells of an object that a load of this session holds.
func (t *Target) ours(kind pin.Kind, id uint32) (project, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for project, h := range t.loads {
		if name, ok := h.names[kind][id]; ok && h.session() {
			return project, name
		}
	}
	return "", ""
}
