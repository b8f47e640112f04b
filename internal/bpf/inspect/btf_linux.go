package inspect

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// TypesUsing returns the BTF of the programs that use a map, each once: the types
// that the kernel does not keep with the map. What may not be read is left out.
func TypesUsing(ctx context.Context, mapID uint32) ([]*btf.Spec, error) {
	var ids []uint32
	err := walkIDs(ctx, api.ListRequest{}, unix.BPF_PROG_GET_NEXT_ID, func(id uint32) error {
		btfID, err := typesOfUser(id, mapID)
		if err != nil && !vanished(err) {
			return err
		}
		if btfID != 0 && !slices.Contains(ids, btfID) {
			ids = append(ids, btfID)
		}
		return nil
	})
	if err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, listError("programs", err)
	}
	var all []*btf.Spec
	for _, id := range ids {
		if types, err := typesByID(id); err == nil {
			all = append(all, types)
		}
	}
	return all, nil
}

// typesOfUser returns the id of a program's BTF when it uses the map, else 0.
func typesOfUser(id, mapID uint32) (uint32, error) {
	fd, err := openID(unix.BPF_PROG_GET_FD_BY_ID, id)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	info, err := programInfo(fd)
	if err != nil {
		return 0, err
	}
	maps, err := programMaps(fd, info.mapIDs)
	if err != nil || !slices.Contains(maps, mapID) {
		return 0, err
	}
	return info.btfID, nil
}

func typesByID(id uint32) (*btf.Spec, error) {
	h, err := btf.NewHandleFromID(btf.ID(id))
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Spec(nil)
}
