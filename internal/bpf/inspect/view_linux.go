package inspect

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
)

// View lists the kernel's objects.
type View struct {
	// BPFFS is where pins are looked for.
	BPFFS string
	// Ours, when set, tells of an object that a load of ours holds without a pin:
	// the project and the name in the object. Both are "" for all others.
	Ours func(kind pin.Kind, id uint32) (project, name string)
}

// walkIDs calls fn with every id that a request asks for: those that it names,
// or all that the kernel gives for a command, one of BPF_*_GET_NEXT_ID.
func walkIDs(ctx context.Context, req api.ListRequest, command uintptr, fn func(uint32) error) error {
	if len(req.IDs) > 0 {
		ids := slices.Clone(req.IDs)
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(id); err != nil {
				return err
			}
		}
		return nil
	}
	for id := uint32(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := nextID(command, id)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(n); err != nil {
			return err
		}
		id = n
	}
}

// vanished reports whether an object ended while it was read, or is a link that
// is only just being made (EAGAIN).
func vanished(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EAGAIN)
}

// listError gives an error of a listing its kind.
func listError(what string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, os.ErrPermission) {
		return api.E("list", what, api.ErrPermission, err).WithHint("ebpfdev doctor")
	}
	return api.E("list", what, api.ErrFailed, err)
}

// ours returns whose an object is and its name in full, of which the kernel
// keeps 15 bytes; a name that is not ours stays as it is.
func (v *View) ours(kind pin.Kind, id uint32, found *pins, kernelName string) (project, name string) {
	r := ref{kind, id}
	project, name = found.project[r], found.name[r]
	if project == "" && v.Ours != nil {
		project, name = v.Ours(kind, id)
	}
	return project, cmp.Or(name, kernelName)
}
