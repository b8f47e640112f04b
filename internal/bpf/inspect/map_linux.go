package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// Maps returns the maps that a request selects, sorted by id.
// Errors: ErrPermission.
func (v *View) Maps(ctx context.Context, req api.ListRequest) ([]api.Map, error) {
	list, found := []api.Map{}, v.findPins(pin.Maps)
	var owners map[uint32][]api.Owner
	if req.Owners {
		owners = findOwners("anon_inode:bpf-map", "map_id:")
	}
	err := walkIDs(ctx, req, unix.BPF_MAP_GET_NEXT_ID, func(id uint32) error {
		out, err := describe(id)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r := ref{pin.Maps, id}
		out.Pinned, out.Owners = found.paths[r], owners[id]
		out.Project, out.Name = v.ours(pin.Maps, id, found, out.Name)
		if (req.Name == "" || called(out, req.Name)) && (req.Project == "" || req.Project == out.Project) {
			list = append(list, out)
		}
		return nil
	})
	if err != nil {
		return nil, listError("maps", err)
	}
	return list, nil
}

// bpftracePrefix is what bpftrace has for the @ in its maps' names.
const bpftracePrefix = "AT_"

// called reports whether a map has a name: its own, or the one that a bpftrace
// program has for it. bpftrace calls @execs AT_execs, of which the kernel keeps
// 15 bytes.
func called(m api.Map, name string) bool {
	if m.Name == name {
		return true
	}
	own, ok := strings.CutPrefix(name, "@")
	if !ok {
		return false
	}
	own = bpftracePrefix + own
	return m.Name == own[:min(len(own), nameSize-1)]
}

// describe reads one map.
func describe(id uint32) (api.Map, error) {
	fd, err := openID(unix.BPF_MAP_GET_FD_BY_ID, id)
	if err != nil {
		return api.Map{}, err
	}
	defer unix.Close(fd)
	info, err := mapInfoOf(fd)
	if err != nil {
		return api.Map{}, err
	}
	typ := ebpf.MapType(info.typ)
	out := api.Map{
		ID: id, Type: MapType(typ), Name: text(info.name[:]), Flags: info.flags,
		KeySize: info.keySize, ValueSize: info.valueSize, MaxEntries: info.maxEntries,
		BTFID: info.btfID, PerCPU: perCPU(typ), Readable: readable(typ, info.flags),
	}
	out.BytesMem, out.Frozen = fdInfo(fd)
	if key, value, err := info.types(); err == nil {
		out.KeyType, out.ValueType = typeName(key), typeName(value)
	}
	return out, nil
}

func typeName(t btf.Type) string {
	if t == nil {
		return ""
	}
	return btfview.Name(t)
}

// MapTypes returns the C types of a map's keys and values, each nil where the
// map has none. A map without BTF gives two nils and no error.
func MapTypes(m *ebpf.Map) (key, value btf.Type, _ error) {
	info, err := mapInfoOf(m.FD())
	if err != nil {
		return nil, nil, err
	}
	if info.vmlinuxValue != 0 {
		value, err = kernelType(info.vmlinuxValue)
		return nil, value, err
	}
	return info.types()
}

// kernelType returns a type of the kernel's own BTF, as struct_ops maps have it.
// One of a module has a number that the kernel's BTF lacks, and is an error.
func kernelType(id uint32) (btf.Type, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's BTF: %w", err)
	}
	return typeByID(spec, id)
}

// types returns the types of keys and values out of the map's BTF.
func (info *mapInfo) types() (key, value btf.Type, _ error) {
	if info.btfID == 0 || info.vmlinuxValue != 0 {
		return nil, nil, nil
	}
	h, err := btf.NewHandleFromID(btf.ID(info.btfID))
	if err != nil {
		return nil, nil, fmt.Errorf("open BTF %d: %w", info.btfID, err)
	}
	defer h.Close()
	spec, err := h.Spec(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("read BTF %d: %w", info.btfID, err)
	}
	key, err1 := typeByID(spec, info.keyTypeID)
	value, err2 := typeByID(spec, info.valueTypeID)
	if strings.HasPrefix(text(info.name[:]), bpftracePrefix) {
		key, value = btfview.OfBpftrace(key), btfview.OfBpftrace(value)
	}
	return key, value, errors.Join(err1, err2)
}

func typeByID(spec *btf.Spec, id uint32) (btf.Type, error) {
	if id == 0 {
		return nil, nil
	}
	return spec.TypeByID(btf.TypeID(id))
}
