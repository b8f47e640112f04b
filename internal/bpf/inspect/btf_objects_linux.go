package inspect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// sysBTF has the BTF of the kernel and its modules in files that everybody may
// read (Linux 5.4, modules 5.11).
const sysBTF = "/sys/kernel/btf"

// maxBTF is how large a BTF object may be, in bytes; the largest kernels' have
// some 15 MiB.
const maxBTF = 128 << 20

// btfInfo is struct bpf_btf_info. The name and whether it is the kernel's came
// with Linux 5.11.
type btfInfo struct {
	data     unsafe.Pointer // the kernel reads 64 bits of it
	_        [8 - unsafe.Sizeof(uintptr(0))]byte
	size, id uint32
	name     unsafe.Pointer
	_        [8 - unsafe.Sizeof(uintptr(0))]byte
	nameLen  uint32
	kernel   uint32
}

// BTFs returns the BTF objects that a request selects, sorted by id, with who uses
// them. Without privilege it returns what is in files.
func (v *View) BTFs(ctx context.Context, req api.BTFRequest) ([]api.BTF, error) {
	list, ids := []api.BTF{}, []uint32(nil)
	if req.ID != 0 {
		ids = []uint32{req.ID}
	}
	err := walkIDs(ctx, api.ListRequest{IDs: ids}, unix.BPF_BTF_GET_NEXT_ID, func(id uint32) error {
		b, err := readBTF(id, false)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if req.Name == "" || req.Name == b.Name {
			list = append(list, b.BTF)
		}
		return nil
	})
	switch {
	case unprivileged(err) && req.ID == 0:
		return btfFiles(req.Name), nil
	case err != nil:
		return nil, listError("BTF", err)
	}
	if req.ID == 0 {
		list = withFiles(list, btfFiles(req.Name))
	}
	return list, addUsers(ctx, list)
}

// withFiles adds, in front, what has a file but no id: the kernel's own before
// Linux 5.11.
func withFiles(list, files []api.BTF) []api.BTF {
	files = slices.DeleteFunc(files, func(f api.BTF) bool {
		return slices.ContainsFunc(list, func(b api.BTF) bool { return b.Name == f.Name })
	})
	return append(files, list...)
}

// unprivileged reports whether the kernel does not tell ids: it is not allowed, or
// the kernel is older than the question.
func unprivileged(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EINVAL)
}

// btfFiles returns the BTF of the kernel and its modules without asking bpf(2).
func btfFiles(name string) []api.BTF {
	list := []api.BTF{}
	entries, _ := os.ReadDir(sysBTF)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && (name == "" || name == e.Name()) {
			list = append(list, api.BTF{Name: e.Name(), Kernel: true, Bytes: uint32(min(info.Size(), maxBTF))})
		}
	}
	slices.SortStableFunc(list, func(a, b api.BTF) int { // the kernel's own first, as by ids
		return boolToInt(b.Name == api.KernelBTF) - boolToInt(a.Name == api.KernelBTF)
	})
	return list
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// addUsers takes note of which programs, maps and processes use the objects.
func addUsers(ctx context.Context, list []api.BTF) error {
	at := map[uint32]*api.BTF{}
	for i := range list {
		if list[i].ID != 0 {
			at[list[i].ID] = &list[i]
		}
	}
	err := btfUsers(ctx, unix.BPF_PROG_GET_NEXT_ID, unix.BPF_PROG_GET_FD_BY_ID, func(fd int, id uint32) {
		info, err := programInfo(fd)
		if b := at[info.btfID]; err == nil && b != nil {
			b.ProgramIDs = append(b.ProgramIDs, id)
		}
	})
	if err != nil {
		return listError("programs", err)
	}
	err = btfUsers(ctx, unix.BPF_MAP_GET_NEXT_ID, unix.BPF_MAP_GET_FD_BY_ID, func(fd int, id uint32) {
		info, err := mapInfoOf(fd)
		if b := at[info.btfID]; err == nil && b != nil {
			b.MapIDs = append(b.MapIDs, id)
		}
	})
	if err != nil {
		return listError("maps", err)
	}
	for id, owners := range findOwners("anon_inode:btf", "btf_id:") {
		if b := at[id]; b != nil {
			b.Owners = owners
		}
	}
	return nil
}

// btfUsers calls fn with every object of a kind; what vanishes is left out.
func btfUsers(ctx context.Context, next, get uintptr, fn func(fd int, id uint32)) error {
	return walkIDs(ctx, api.ListRequest{}, next, func(id uint32) error {
		fd, err := openID(get, id)
		if vanished(err) {
			return nil
		}
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		fn(fd, id)
		return nil
	})
}

// BTF returns one BTF object with its bytes: the kernel's and modules' by name from
// their files, all others by id.
// Errors: ErrUsage, ErrNotExist, ErrPermission.
func (v *View) BTF(ctx context.Context, req api.BTFRequest) (api.BTFData, error) {
	const op = "read BTF"
	if err := ctx.Err(); err != nil {
		return api.BTFData{}, err
	}
	switch {
	case req.ID != 0:
		b, err := readBTF(req.ID, true)
		return b, btfError(op, strconv.FormatUint(uint64(req.ID), 10), err)
	case req.Name == "":
		return api.BTFData{}, api.Errorf(op, "", api.ErrUsage, "which? It has neither an id nor a name").WithHint("ebpfdev btf list")
	case strings.ContainsRune(req.Name, '/') || req.Name == "." || req.Name == "..":
		return api.BTFData{}, api.Errorf(op, req.Name, api.ErrNotExist, "a kernel module has no such name").WithHint("ebpfdev btf list")
	}
	data, err := os.ReadFile(filepath.Join(sysBTF, req.Name))
	switch {
	case errors.Is(err, os.ErrNotExist) && req.Name == api.KernelBTF:
		return api.BTFData{}, api.Errorf(op, req.Name, api.ErrNotExist, "this kernel has no BTF of its own (CONFIG_DEBUG_INFO_BTF is off)").WithHint("ebpfdev doctor")
	case err != nil:
		return api.BTFData{}, btfError(op, req.Name, err)
	case len(data) > maxBTF:
		return api.BTFData{}, btfError(op, req.Name, errTooLarge)
	}
	return api.BTFData{BTF: api.BTF{Name: req.Name, Kernel: true, Bytes: uint32(len(data))}, Data: data}, nil
}

var errTooLarge = errors.New("it is larger than any BTF")

func btfError(op, object string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return api.Errorf(op, object, api.ErrNotExist, "the kernel holds no such BTF").WithHint("ebpfdev btf list")
	case errors.Is(err, os.ErrPermission):
		return api.E(op, object, api.ErrPermission, err).WithHint("ebpfdev doctor")
	default:
		return api.E(op, object, api.ErrFailed, err)
	}
}

// readBTF reads what the kernel tells of one object, with its bytes or without.
func readBTF(id uint32, bytes bool) (api.BTFData, error) {
	fd, err := openID(unix.BPF_BTF_GET_FD_BY_ID, id)
	if err != nil {
		return api.BTFData{}, err
	}
	defer unix.Close(fd)
	var name [64]byte // a module's has at most 55
	info := &btfInfo{name: unsafe.Pointer(&name), nameLen: uint32(len(name))}
	if err := objectInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info)); err != nil {
		return api.BTFData{}, err
	}
	b := api.BTFData{BTF: api.BTF{ID: id, Name: text(name[:]), Kernel: info.kernel != 0, Bytes: info.size}}
	if !bytes || info.size == 0 {
		return b, nil
	}
	if info.size > maxBTF {
		return b, errTooLarge
	}
	b.Data = make([]byte, info.size)
	again := &btfInfo{data: unsafe.Pointer(&b.Data[0]), size: info.size}
	if err := objectInfo(fd, unsafe.Pointer(again), unsafe.Sizeof(*again)); err != nil {
		return api.BTFData{}, err
	}
	return b, nil
}
