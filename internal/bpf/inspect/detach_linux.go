package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Detach ends the attachment that a link is (Linux 5.9).
func (v *View) Detach(ctx context.Context, id uint32) error {
	const op = "detach"
	name := fmt.Sprintf("link %d", id)
	fd, err := openID(unix.BPF_LINK_GET_FD_BY_ID, id)
	if err == nil {
		defer unix.Close(fd)
		attr := struct{ fd uint32 }{uint32(fd)}
		if _, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_DETACH, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr)); errno != 0 {
			err = errno
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return api.Errorf(op, name, api.ErrNotExist, "no such link").WithHint("ebpfdev link list")
	case errors.Is(err, os.ErrPermission):
		return api.E(op, name, api.ErrPermission, err).WithHint("ebpfdev doctor")
	case errors.Is(err, unix.EOPNOTSUPP):
		return v.heldBy(ctx, op, name, id)
	case errors.Is(err, unix.EINVAL):
		return api.Errorf(op, name, api.ErrNotSupported, "this kernel detaches no links (Linux 5.9)")
	default:
		return api.E(op, name, api.ErrFailed, err)
	}
}

// heldBy says who has to let go of a link that the kernel does not detach.
func (v *View) heldBy(ctx context.Context, op, name string, id uint32) error {
	cause, hint := "the kernel ends this type of link with who holds it", ""
	list, err := v.Links(ctx, api.ListRequest{IDs: []uint32{id}})
	if err != nil || len(list) == 0 {
		return api.Errorf(op, name, api.ErrNotSupported, cause)
	}
	l := list[0]
	cause = "the kernel ends links of type " + l.Type + " with who holds them"
	switch {
	case l.Project != "":
		cause += ": project " + l.Project
		hint = shell.Join("ebpfdev", "unload", "--project", l.Project)
	case len(l.Pinned) > 0:
		cause += ": the pin " + strings.Join(l.Pinned, ", ")
		hint = shell.Join(append([]string{"sudo", "rm"}, l.Pinned...)...)
	default:
		progs, err := v.Programs(ctx, api.ListRequest{IDs: []uint32{l.ProgramID}})
		if err == nil && len(progs) > 0 && len(progs[0].Owners) > 0 {
			o := progs[0].Owners[0]
			cause += fmt.Sprintf(": %s (pid %d)", o.Comm, o.PID)
			hint = fmt.Sprintf("kill %d", o.PID)
		}
	}
	return api.Errorf(op, name, api.ErrNotSupported, cause).WithHint(hint)
}
