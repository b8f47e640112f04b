package apitest

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/cilium/ebpf/btf"

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

// ModuleBTF is the BTF of a kernel module with one type of its own, struct
// probe_state, which has a struct event of the sample kernel's in it.
func ModuleBTF(id uint32, name string) api.BTFData {
	base := sampleBTF(0, "").Data
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(base))
	if err != nil {
		panic(err) // it is embedded
	}
	event, err := spec.AnyTypeByName("event")
	if err != nil {
		panic(err)
	}
	inner, err := spec.TypeID(event)
	if err != nil {
		panic(err)
	}
	const (
		strings  = "probe_state\x00last\x00"
		lastAt   = uint32(len("probe_state\x00"))
		oneField = 4<<24 | 1 // a struct with one member
	)
	first := binary.LittleEndian.Uint32(base[20:]) // the base's strings end here
	data := binary.LittleEndian.AppendUint16(nil, 0xeb9f)
	data = append(data, 1, 0) // version and flags
	for _, n := range []uint32{
		24, 0, 24, 24, uint32(len(strings)), // the header's size; types and strings, each offset and size
		first, oneField, 32, first + lastAt, uint32(inner), 0, // the struct of 32 bytes, its member at bit 0
	} {
		data = binary.LittleEndian.AppendUint32(data, n)
	}
	data = append(data, strings...)
	return api.BTFData{BTF: api.BTF{ID: id, Name: name, Kernel: true, Bytes: uint32(len(data))}, Data: data}
}
