package apitest

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// btf reads the kernel's own types, by name and by id.
func (s *suite) btf(t *testing.T) {
	ctx, target := s.target(t)
	list, err := target.ListBTF(ctx, api.BTFRequest{})
	must(t, "ListBTF", err)
	i := slices.IndexFunc(list, func(b api.BTF) bool { return b.Name == api.KernelBTF })
	if i < 0 || !list[i].Kernel || list[i].Split() || list[i].Bytes == 0 {
		t.Fatalf("ListBTF = %+v, want the kernel's", list)
	}
	if !slices.IsSortedFunc(list, func(a, b api.BTF) int { return int(a.ID) - int(b.ID) }) {
		t.Errorf("ListBTF is not sorted: %+v", list)
	}
	byName, err := target.ReadBTF(ctx, api.BTFRequest{Name: api.KernelBTF})
	must(t, "ReadBTF", err)
	if !isBTF(byName) || byName.Name != api.KernelBTF || !byName.Kernel {
		t.Errorf("ReadBTF = %+v with %d bytes, which do not begin as BTF", byName.BTF, len(byName.Data))
	}
	only, err := target.ListBTF(ctx, api.BTFRequest{Name: api.KernelBTF})
	must(t, "ListBTF by name", err)
	if len(only) != 1 || only[0].Name != api.KernelBTF {
		t.Errorf("ListBTF by name = %+v", only)
	}
	if list[i].ID == 0 { // before Linux 5.11, which is older than any kernel of CI's
		if ci, _ := os.LookupEnv("CI"); ci == "true" {
			t.Fatal("the kernel's BTF has no id")
		}
		t.Skip("this kernel has no id for its own BTF")
	}
	byID, err := target.ReadBTF(ctx, api.BTFRequest{ID: list[i].ID})
	must(t, "ReadBTF by id", err)
	if !bytes.Equal(byID.Data, byName.Data) || byID.Name != api.KernelBTF || byID.ID != list[i].ID {
		t.Errorf("ReadBTF by id = %+v with %d bytes, by name %+v with %d", byID.BTF, len(byID.Data), byName.BTF, len(byName.Data))
	}
}

// isBTF looks at the first two bytes: the magic number, and the length.
func isBTF(b api.BTFData) bool {
	return len(b.Data) == int(b.Bytes) && bytes.HasPrefix(b.Data, []byte{0x9f, 0xeb})
}

func (s *suite) btfErrors(t *testing.T) {
	ctx, target := s.target(t)
	for _, req := range []api.BTFRequest{{Name: "no such module"}, {Name: "../kernel"}, {ID: 1<<31 - 1}} {
		_, err := target.ReadBTF(ctx, req)
		wantKind(t, "ReadBTF of what is not there", err, api.ErrNotExist)
		list, err := target.ListBTF(ctx, req)
		if err != nil || len(list) != 0 {
			t.Errorf("ListBTF of what is not there = %+v, %v", list, err)
		}
	}
	_, err := target.ReadBTF(ctx, api.BTFRequest{})
	wantKind(t, "ReadBTF of nothing", err, api.ErrUsage)
}

// btfOfPrograms finds what came with an object by its program, and who uses it.
func (s *suite) btfOfPrograms(t *testing.T) {
	ctx, target, loaded := s.loaded(t)
	progs, err := target.ListPrograms(ctx, api.ListRequest{IDs: []uint32{loaded.Programs[0].ID}})
	must(t, "ListPrograms", err)
	if len(progs) != 1 || progs[0].BTFID == 0 {
		t.Fatalf("ListPrograms = %+v, want one with BTF", progs)
	}
	list, err := target.ListBTF(ctx, api.BTFRequest{ID: progs[0].BTFID})
	must(t, "ListBTF", err)
	if len(list) != 1 || list[0].Kernel || !slices.Contains(list[0].ProgramIDs, progs[0].ID) {
		t.Errorf("ListBTF = %+v, want program %d among its users", list, progs[0].ID)
	}
	data, err := target.ReadBTF(ctx, api.BTFRequest{ID: progs[0].BTFID})
	must(t, "ReadBTF", err)
	if !isBTF(data) || !bytes.Contains(data.Data, []byte(CountProgram)) {
		t.Errorf("ReadBTF = %+v with %d bytes, want the object's BTF", data.BTF, len(data.Data))
	}
	maps, err := target.ListMaps(ctx, api.ListRequest{Name: CountsMap, Project: loaded.Project})
	must(t, "ListMaps", err)
	if len(maps) != 1 || maps[0].BTFID == 0 {
		t.Fatalf("ListMaps = %+v, want one with BTF", maps)
	}
	list, err = target.ListBTF(ctx, api.BTFRequest{ID: maps[0].BTFID})
	must(t, "ListBTF of a map", err)
	if len(list) != 1 || !slices.Contains(list[0].MapIDs, maps[0].ID) {
		t.Errorf("ListBTF = %+v, want map %d among its users", list, maps[0].ID)
	}
}
