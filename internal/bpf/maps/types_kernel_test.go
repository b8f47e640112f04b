//go:build kernel && linux

package maps

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestPerCPU(t *testing.T) {
	cpus := ebpf.MustPossibleCPU()
	for _, typ := range []ebpf.MapType{ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash} {
		src := newMap(t, &ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 8}, u32(), u32())
		for key := range uint32(3) {
			values := make([]uint32, cpus)
			for i := range values {
				values[i] = 10*key + uint32(i)
			}
			values[0] = 100 - key // the first CPU's order is not the sum's
			values[cpus-1] += 1000 * key
			if err := src.Map.Put(key, values); err != nil {
				t.Fatal(err)
			}
		}
		page := query(t, src, api.QueryRequest{Order: "-value", Limit: 2})
		if got := page.Entries[0].Key.Text + " " + page.Entries[1].Key.Text; got != "2 1" {
			t.Errorf("%v: by sum the first keys are %s, want 2 1", typ, got)
		}
		e := page.Entries[0]
		if len(e.PerCPU) != cpus || e.Value.Text != "98" || len(e.Value.Raw) != 4 {
			t.Errorf("%v: entry = %+v", typ, e)
		}
		if last := e.PerCPU[cpus-1].Text; last != fmt.Sprint(20+cpus-1+2000) {
			t.Errorf("%v: the last CPU has %s", typ, last)
		}

		edit(t, src, api.Edit{Op: api.EditSet, Key: "1", Value: "7"})
		list := make([]string, cpus)
		for i := range list {
			list[i] = fmt.Sprint(i + 50)
		}
		edit(t, src, api.Edit{Op: api.EditSet, Key: "2", Value: "[" + strings.Join(list, ", ") + "]"})
		page = query(t, src, api.QueryRequest{Order: "key"})
		for i := range cpus {
			if page.Entries[1].PerCPU[i].Text != "7" || page.Entries[2].PerCPU[i].Text != list[i] {
				t.Errorf("%v: CPU %d has %s and %s", typ, i, page.Entries[1].PerCPU[i].Text, page.Entries[2].PerCPU[i].Text)
			}
		}
		_, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{{Op: api.EditSet, Key: "1", Value: "[1,2,3,4,5,6,7,8,9,10,11,12]"}}})
		if cpus != 12 && !errors.Is(err, api.ErrInvalid) {
			t.Errorf("12 values for %d CPUs: %v", cpus, err)
		}
	}
}

func TestWriteOnly(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: writeOnlyFlag}, u32(), u64())
	if _, err := Query(t.Context(), src, api.QueryRequest{}); !errors.Is(err, api.ErrPermission) {
		t.Errorf("Query: %v, want ErrPermission", err)
	}
}

const writeOnlyFlag = 1 << 4

func TestUnreadable(t *testing.T) {
	for typ, spec := range map[ebpf.MapType]ebpf.MapSpec{
		ebpf.BloomFilter:    {ValueSize: 4, MaxEntries: 4},
		ebpf.PerfEventArray: {KeySize: 4, ValueSize: 4, MaxEntries: 4},
		ebpf.XSKMap:         {KeySize: 4, ValueSize: 4, MaxEntries: 4},
	} {
		spec.Type = typ
		src := newMap(t, &spec, nil, nil)
		if Readable(typ) {
			t.Errorf("%v is readable", typ)
		}
		_, err := Query(t.Context(), src, api.QueryRequest{})
		if !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("Query of %v: %v", typ, err)
		}
		if _, err := Export(t.Context(), src, api.ExportRequest{}, nil); !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("Export of %v: %v", typ, err)
		}
		if _, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{{Op: api.EditSet, Key: "0", Value: "0"}}}); !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("Edit of %v: %v", typ, err)
		}
	}
}

func program(t *testing.T) *ebpf.Program {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = prog.Close() })
	return prog
}

// TestIDs: maps that hold programs and maps show and take their ids.
func TestIDs(t *testing.T) {
	prog := program(t)
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	progID, _ := info.ID()
	inner := &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	innerMap := newMap(t, inner.Copy(), nil, nil)
	innerInfo, err := innerMap.Map.Info()
	if err != nil {
		t.Fatal(err)
	}
	mapID, _ := innerInfo.ID()
	for typ, id := range map[ebpf.MapType]uint32{
		ebpf.ProgramArray: uint32(progID), ebpf.ArrayOfMaps: uint32(mapID), ebpf.HashOfMaps: uint32(mapID),
	} {
		spec := &ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 8}
		if typ != ebpf.ProgramArray {
			spec.InnerMap = inner
		}
		src := newMap(t, spec, u32(), nil)
		edit(t, src, api.Edit{Op: api.EditSet, Key: "5", Value: fmt.Sprint(id)})
		page := query(t, src, api.QueryRequest{})
		if got, want := texts(page), fmt.Sprintf("5=%d", id); got != want {
			t.Errorf("%v: entries = %s, want %s", typ, got, want)
		}
		t.Logf("%v is read by %s", typ, page.Method)
		edit(t, src, api.Edit{Op: api.EditDelete, Key: "5"})
		if page := query(t, src, api.QueryRequest{}); page.Matched != 0 {
			t.Errorf("%v: %d entries after a delete", typ, page.Matched)
		}
		_, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{{Op: api.EditSet, Key: "5", Value: "4294967290"}}})
		if !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%v: an id that nothing has: %v", typ, err)
		}
	}
}

// TestOtherTypes reads the rest of what can be read.
func TestOtherTypes(t *testing.T) {
	for typ, c := range map[ebpf.MapType]struct {
		spec       ebpf.MapSpec
		key, value string
		want       string
	}{
		ebpf.LRUHash:            {ebpf.MapSpec{KeySize: 4, ValueSize: 8}, "7", "9", "7=9 batch"},
		ebpf.LPMTrie:            {ebpf.MapSpec{KeySize: 8, ValueSize: 8, Flags: 1}, "10.0.0.0/8", "9", "10.0.0.0/8=9 batch"},
		ebpf.DevMap:             {ebpf.MapSpec{KeySize: 4, ValueSize: 4}, "3", "1", "3=1 index"},
		ebpf.DevMapHash:         {ebpf.MapSpec{KeySize: 4, ValueSize: 4}, "3", "1", "3=1 next-key"},
		ebpf.CPUMap:             {ebpf.MapSpec{KeySize: 4, ValueSize: 4, MaxEntries: 1}, "0", "192", "0=192 index"},
		ebpf.StackTrace:         {ebpf.MapSpec{KeySize: 4, ValueSize: 8}, "", "", " next-key"},
		ebpf.SockHash:           {ebpf.MapSpec{KeySize: 4, ValueSize: 8}, "", "", " next-key"},
		ebpf.SockMap:            {ebpf.MapSpec{KeySize: 4, ValueSize: 8}, "", "", " index"},
		ebpf.ReusePortSockArray: {ebpf.MapSpec{KeySize: 4, ValueSize: 8}, "", "", " index"},
	} {
		spec := c.spec
		spec.Type = typ
		spec.MaxEntries = max(spec.MaxEntries, 8)
		if typ == ebpf.CPUMap {
			spec.MaxEntries = 1
		}
		var key, value btf.Type
		if spec.KeySize == 4 {
			key = u32()
		}
		if spec.ValueSize == 8 {
			value = u64()
		}
		src := newMap(t, &spec, key, value)
		if c.key != "" {
			edit(t, src, api.Edit{Op: api.EditSet, Key: c.key, Value: c.value})
		}
		page := query(t, src, api.QueryRequest{})
		if got := texts(page) + " " + page.Method; got != c.want {
			t.Errorf("%v: %q, want %q", typ, got, c.want)
		}
	}
}

// TestLargeValues: buffers stay bounded, and so does a page.
func TestLargeValues(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 256 << 10, MaxEntries: 20, Flags: 1}, u32(), nil)
	value := make([]byte, 256<<10)
	for i := range uint32(20) {
		if err := src.Map.Put(i, value); err != nil {
			t.Fatal(err)
		}
	}
	page := query(t, src, api.QueryRequest{Order: "key", Limit: 20})
	if page.Matched != 20 || len(page.Entries) < 1 || len(page.Entries) > 4 {
		t.Errorf("%d entries on the page of %d matched", len(page.Entries), page.Matched)
	}
	n := 0
	_, err := Export(t.Context(), src, api.ExportRequest{}, func(c api.Chunk) error {
		n += c.Count
		if c.Count > 4 {
			t.Errorf("a chunk of %d", c.Count)
		}
		return nil
	})
	if err != nil || n != 20 {
		t.Errorf("Export: %d entries, %v", n, err)
	}
}
