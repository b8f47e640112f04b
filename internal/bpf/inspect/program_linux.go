package inspect

import (
	"context"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
)

// Programs returns the programs that a request selects, sorted by id.
// Errors: ErrPermission.
func (v *View) Programs(ctx context.Context, req api.ListRequest) ([]api.Program, error) {
	var (
		list   = []api.Program{}
		found  = v.findPins(pin.Programs)
		owners = findOwners()
		boot   = bootTime()
	)
	next := func(id uint32) (uint32, error) {
		n, err := ebpf.ProgramGetNextID(ebpf.ProgramID(id))
		return uint32(n), err
	}
	err := walkIDs(ctx, req, next, func(id uint32) error {
		p, err := program(id, boot)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r := ref{pin.Programs, id}
		p.Pinned, p.Project, p.Owners = found.paths[r], v.project(pin.Programs, id, found), owners[id]
		if (req.Name == "" || req.Name == p.Name) && (req.Project == "" || req.Project == p.Project) {
			list = append(list, p)
		}
		return nil
	})
	if err != nil {
		return nil, listError("programs", err)
	}
	return list, nil
}

// program reads one program.
func program(id uint32, boot time.Time) (api.Program, error) {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return api.Program{}, err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return api.Program{}, err
	}
	out := api.Program{ID: id, Type: ProgramType(info.Type), Name: info.Name, Tag: info.Tag}
	raw, err := programInfo(p.FD())
	if err != nil {
		return api.Program{}, err
	}
	out.GPL = raw.gplCompatible()
	out.BytesXlated, out.BytesJited = raw.xlatedLen, raw.jitedLen
	out.RunTime, out.RunCount = time.Duration(raw.runTime), raw.runCount
	if since, ok := info.LoadTime(); ok {
		out.LoadedAt = boot.Add(since)
	}
	out.UID, _ = info.CreatedByUID()
	out.BytesMem, _ = info.Memlock()
	out.VerifiedInsns, _ = info.VerifiedInstructions()
	maps, _ := info.MapIDs()
	for _, m := range maps {
		out.MapIDs = append(out.MapIDs, uint32(m))
	}
	slices.Sort(out.MapIDs)
	if b, ok := info.BTFID(); ok {
		out.BTFID = uint32(b)
	}
	return out, nil
}

// bootTime returns when this machine was started, by the clock that the kernel
// stamps loads with: it counts suspended time.
func bootTime() time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(ts.Nano())).Round(0)
}
