package inspect

import (
	"context"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
)

// Links returns the links that a request selects, sorted by id.
// Errors: ErrPermission, ErrNotSupported (before Linux 5.8 links have no ids).
func (v *View) Links(ctx context.Context, req api.ListRequest) ([]api.Link, error) {
	list, found := []api.Link{}, v.findPins(pin.Links)
	w := newWords()
	var owners map[uint32][]api.Owner
	if req.Owners {
		owners = findOwners("anon_inode:bpf_link", "link_id:")
	}
	err := walkIDs(ctx, req, unix.BPF_LINK_GET_NEXT_ID, func(id uint32) error {
		l, err := link.NewFromID(link.ID(id))
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		defer l.Close()
		out, ok := w.describe(id, l)
		if !ok {
			return nil
		}
		r := ref{pin.Links, id}
		out.Pinned, out.Owners = found.paths[r], owners[id]
		out.Project, out.Program = v.ours(pin.Links, id, found, out.Program)
		if (req.Name == "" || req.Name == out.Program) && (req.Project == "" || req.Project == out.Project) {
			list = append(list, out)
		}
		return nil
	})
	if err != nil {
		return nil, listError("links", err)
	}
	return list, nil
}

// describe reads one link; false when it vanished.
func (w *words) describe(id uint32, l link.Link) (api.Link, bool) {
	out := api.Link{ID: id}
	var raw linkInfo
	if l, ok := l.(interface{ FD() int }); ok {
		var err error
		if raw, err = linkInfoOf(l.FD()); err != nil {
			return out, false
		}
		out.Type, out.ProgramID = LinkType(link.Type(raw.typ)), raw.progID
	}
	// What follows is for people; an old kernel that does not tell leaves it empty.
	if info, err := l.Info(); err == nil {
		out.Target = w.target(out.Type, info)
	}
	if words := raw.target(); words != "" {
		out.Target = words
	}
	out.Program = w.programName(out.ProgramID)
	return out, true
}

// programName returns the name of a program by id, "" when it is gone.
func (w *words) programName(id uint32) string {
	if name, ok := w.programs[id]; ok {
		return name
	}
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return ""
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return ""
	}
	w.programs[id] = info.Name
	return info.Name
}
