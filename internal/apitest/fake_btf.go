package apitest

import (
	"bytes"
	"context"
	"debug/elf"
	"slices"
	"strconv"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// AddBTF puts a BTF object into the kernel.
func (f *Fake) AddBTF(b api.BTFData) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b.Bytes = uint32(len(b.Data))
	f.btfs = append(f.btfs, b)
	f.touch()
}

// ListBTF implements api.Types.
func (f *Fake) ListBTF(ctx context.Context, req api.BTFRequest) ([]api.BTF, error) {
	if err := f.enter(ctx, "ListBTF"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []api.BTF{}
	for _, b := range f.btfs {
		if selectsBTF(req, b.BTF) {
			list = append(list, f.users(b.BTF))
		}
	}
	slices.SortFunc(list, func(a, b api.BTF) int { return int(a.ID) - int(b.ID) })
	return list, nil
}

func selectsBTF(req api.BTFRequest, b api.BTF) bool {
	return (req.ID == 0 || req.ID == b.ID) && (req.Name == "" || req.Name == b.Name)
}

// users adds the programs and maps that use a BTF object. f.mu is held.
func (f *Fake) users(b api.BTF) api.BTF {
	for _, p := range f.programs {
		if p.BTFID == b.ID {
			b.ProgramIDs = append(b.ProgramIDs, p.ID)
		}
	}
	for _, m := range f.maps {
		if m.info.BTFID == b.ID {
			b.MapIDs = append(b.MapIDs, m.info.ID)
		}
	}
	return b
}

// ReadBTF implements api.Types.
func (f *Fake) ReadBTF(ctx context.Context, req api.BTFRequest) (api.BTFData, error) {
	const op = "read BTF"
	if err := f.enter(ctx, "ReadBTF"); err != nil {
		return api.BTFData{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if req.ID == 0 && req.Name == "" {
		return api.BTFData{}, api.Errorf(op, "", api.ErrUsage, "which? It has neither an id nor a name")
	}
	for _, b := range f.btfs {
		if selectsBTF(req, b.BTF) {
			b.Data = slices.Clone(b.Data)
			return b, nil
		}
	}
	object := req.Name
	if req.ID != 0 {
		object = strconv.FormatUint(uint64(req.ID), 10)
	}
	return api.BTFData{}, api.Errorf(op, object, api.ErrNotExist, "the kernel holds no such BTF").WithHint("ebpfdev btf list")
}

// sampleBTF is the BTF of CountObject, which passes for a kernel's when it has a name.
func sampleBTF(id uint32, name string) api.BTFData {
	file, err := elf.NewFile(bytes.NewReader(countObject))
	if err != nil {
		panic(err) // it is embedded
	}
	data, err := file.Section(".BTF").Data()
	if err != nil {
		panic(err)
	}
	return api.BTFData{BTF: api.BTF{ID: id, Name: name, Kernel: name != "", Bytes: uint32(len(data))}, Data: data}
}
