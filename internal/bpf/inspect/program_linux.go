package inspect

import (
	"context"
	"encoding/hex"
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
		owners = findOwners("anon_inode:bpf-prog", "prog_id:")
		boot   = bootTime()
	)
	err := walkIDs(ctx, req, unix.BPF_PROG_GET_NEXT_ID, func(id uint32) error {
		p, err := program(id, boot)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r := ref{pin.Programs, id}
		p.Pinned, p.Owners = found.paths[r], owners[id]
		p.Project, p.Name = v.ours(pin.Programs, id, found, p.Name)
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
	fd, err := openID(unix.BPF_PROG_GET_FD_BY_ID, id)
	if err != nil {
		return api.Program{}, err
	}
	defer unix.Close(fd)
	info, err := programInfo(fd)
	if err != nil {
		return api.Program{}, err
	}
	maps, err := programMaps(fd, info.mapIDs)
	if err != nil {
		return api.Program{}, err
	}
	slices.Sort(maps)
	memory, _ := fdInfo(fd)
	return api.Program{
		ID: id, Type: ProgramType(ebpf.ProgramType(info.typ)), Name: programName(&info),
		Tag: hex.EncodeToString(info.tag[:]), GPL: info.gplCompatible(),
		LoadedAt: boot.Add(time.Duration(info.loadTime)), UID: info.uid,
		BytesXlated: info.xlatedLen, BytesJited: info.jitedLen, BytesMem: memory,
		VerifiedInsns: info.verifiedInsns, MapIDs: maps, BTFID: info.btfID,
		RunTime: time.Duration(info.runTime), RunCount: info.runCount,
	}, nil
}

// nameSize is the room that the kernel has for a name, its zero byte included.
const nameSize = 16

// programName returns a program's name: where the kernel had to cut it, the one
// that its function has in BTF.
func programName(info *progInfo) string {
	name := text(info.name[:])
	if len(name) < nameSize-1 || info.btfID == 0 {
		return name
	}
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(info.id))
	if err != nil {
		return name
	}
	defer p.Close()
	if full, err := p.Info(); err == nil {
		return full.Name
	}
	return name
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
