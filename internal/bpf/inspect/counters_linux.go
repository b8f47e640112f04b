package inspect

import (
	"context"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Counter is what the kernel has counted of a program since it was loaded.
type Counter struct {
	ID      uint32
	Type    string
	Name    string // 15 bytes of it
	Runs    uint64
	RunTime time.Duration
	Misses  uint64 // runs that were left out because the program was running already
}

// Counters returns the counters of the programs that ids names, or of all, by id:
// one open and one question each, so that it can be asked every second.
func Counters(ctx context.Context, ids []uint32) ([]Counter, error) {
	var list []Counter
	err := walkIDs(ctx, api.ListRequest{IDs: ids}, unix.BPF_PROG_GET_NEXT_ID, func(id uint32) error {
		fd, err := openID(unix.BPF_PROG_GET_FD_BY_ID, id)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		info, err := programInfo(fd)
		if err != nil {
			return err
		}
		list = append(list, Counter{
			ID: id, Type: ProgramType(ebpf.ProgramType(info.typ)), Name: text(info.name[:]),
			Runs: info.runCount, RunTime: time.Duration(info.runTime), Misses: info.recursionMisses,
		})
		return nil
	})
	if err != nil {
		return nil, listError("programs", err)
	}
	return list, nil
}
