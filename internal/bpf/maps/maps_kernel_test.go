//go:build kernel && linux

package maps

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func u32() btf.Type { return &btf.Int{Name: "__u32", Size: 4} }
func u64() btf.Type { return &btf.Int{Name: "__u64", Size: 8} }
func s32() btf.Type { return &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed} }

// newMap creates a map for a test.
func newMap(t testing.TB, spec *ebpf.MapSpec, key, value btf.Type) Source {
	t.Helper()
	kerneltest.Require(t)
	if spec.Name == "" {
		spec.Name = "mapstest"
	}
	m, err := ebpf.NewMap(spec)
	if err != nil {
		t.Fatalf("create %v: %v", spec.Type, err)
	}
	t.Cleanup(func() { _ = m.Close() })
	info := api.Map{Name: spec.Name, Type: strings.ToLower(spec.Type.String()), MaxEntries: m.MaxEntries()}
	return Source{Map: m, Info: info, Key: key, Value: value}
}

// hash creates a hash of __u32 to __u64 in which key i has the value 100*i.
func hash(t testing.TB, n int) Source {
	t.Helper()
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: uint32(max(n, 1) + 2)}, u32(), u64())
	fill(t, src, n)
	return src
}

func fill(t testing.TB, src Source, n int) {
	t.Helper()
	keys, values := make([]uint32, n), make([]uint64, n)
	for i := range n {
		keys[i], values[i] = uint32(i), uint64(100*i)
	}
	if n == 0 {
		return
	}
	if _, err := src.Map.BatchUpdate(keys, values, nil); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, src Source, req api.QueryRequest) api.Page {
	t.Helper()
	page, err := Query(t.Context(), src, req)
	if err != nil {
		t.Fatalf("Query(%+v): %v", req, err)
	}
	return page
}

func texts(page api.Page) string {
	var all []string
	for _, e := range page.Entries {
		all = append(all, e.Key.Text+"="+e.Value.Text)
	}
	return strings.Join(all, " ")
}

func TestQueryPages(t *testing.T) {
	src := hash(t, 500)
	seen := map[string]bool{}
	for offset := 0; offset < 500; offset += 70 {
		page := query(t, src, api.QueryRequest{Offset: offset, Limit: 70})
		if page.Matched != 500 || page.Scanned != 500 || page.Method != "batch" || page.Incomplete {
			t.Fatalf("page = %+v", page)
		}
		for _, e := range page.Entries {
			seen[e.Key.Text] = true
		}
	}
	if len(seen) != 500 {
		t.Errorf("the pages show %d keys, want 500", len(seen))
	}
	if page := query(t, src, api.QueryRequest{Offset: 500}); len(page.Entries) != 0 || page.Entries == nil {
		t.Errorf("the page after the last = %+v", page.Entries)
	}
	if page := query(t, src, api.QueryRequest{}); len(page.Entries) != 100 {
		t.Errorf("a page without a limit has %d entries, want 100", len(page.Entries))
	}
	if page := query(t, src, api.QueryRequest{Limit: 1 << 30, Offset: -3}); len(page.Entries) != 500 {
		t.Errorf("a page with a huge limit has %d entries, want all 500", len(page.Entries))
	}
}

func TestQueryOrder(t *testing.T) {
	src := hash(t, 300)
	for _, c := range []struct {
		order  string
		offset int
		want   string
	}{
		{"key", 0, "0=0 1=100 2=200"},
		{"key", 9, "9=900 10=1000 11=1100"}, // as text 10 would be before 9
		{"-key", 0, "299=29900 298=29800 297=29700"},
		{"value", 255, "255=25500 256=25600 257=25700"}, // as bytes 256 would be before 1
		{"-value", 298, "1=100 0=0"},
	} {
		page := query(t, src, api.QueryRequest{Order: c.order, Offset: c.offset, Limit: 3})
		if got := texts(page); got != c.want {
			t.Errorf("order %s from %d: %s, want %s", c.order, c.offset, got, c.want)
		}
	}
	for _, order := range []string{"size", "-", "Key"} {
		if _, err := Query(t.Context(), src, api.QueryRequest{Order: order}); !errors.Is(err, api.ErrUsage) {
			t.Errorf("order %q: %v, want ErrUsage", order, err)
		}
	}
}

func TestQueryOrderSigned(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 10}, s32(), s32())
	for _, k := range []int32{5, -1, 0, -300} {
		if err := src.Map.Put(k, k/5); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := texts(query(t, src, api.QueryRequest{Order: "key"})), "-300=-60 -1=0 0=0 5=1"; got != want {
		t.Errorf("by key: %s, want %s", got, want)
	}
	if got, want := texts(query(t, src, api.QueryRequest{Order: "-value"})), "5=1 -1=0 0=0 -300=-60"; got == want {
		t.Logf("equal values are in the order of their keys' bytes: %s", got)
	} else if !strings.HasPrefix(got, "5=1 ") || !strings.HasSuffix(got, " -300=-60") {
		t.Errorf("by value: %s, want %s", got, want)
	}
}

func TestQueryWhere(t *testing.T) {
	comm := &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}, Nelems: 8}
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 10}, u32(), comm)
	for i, name := range []string{"bash", "Bash", "sh", "zsh"} {
		value := make([]byte, 8)
		copy(value, name)
		if err := src.Map.Put(uint32(70+i), value); err != nil {
			t.Fatal(err)
		}
	}
	for where, want := range map[string]int{"BASH": 2, "sh": 4, "7": 4, "72": 1, `"sh"`: 1, "fish": 0} {
		page := query(t, src, api.QueryRequest{Where: where})
		if page.Matched != want || len(page.Entries) != want || page.Scanned != 4 {
			t.Errorf("where %q: %d matched of %d, want %d of 4", where, page.Matched, page.Scanned, want)
		}
	}
}

// TestQueryEveryKey reads maps whose size is around that of a batch.
func TestQueryEveryKey(t *testing.T) {
	for _, n := range []int{0, 1, firstBatch - 1, firstBatch, firstBatch + 1, 3*firstBatch + 7} {
		src := hash(t, n)
		seen := map[string]bool{}
		err := Export(t.Context(), src, api.ExportRequest{}, func(entries []api.Entry) error {
			if len(entries) == 0 || len(entries) > 4096 {
				t.Errorf("a chunk of %d", len(entries))
			}
			for _, e := range entries {
				seen[e.Key.Text] = true
			}
			return nil
		})
		if err != nil || len(seen) != n {
			t.Errorf("Export of %d: %d, %v", n, len(seen), err)
		}
	}
}

// TestWaysAgree reads the same map in all three ways.
func TestWaysAgree(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 5000}, nil, u64())
	fill(t, src, 5000)
	for _, method := range []string{byBatch, byIndex, byKey} {
		v, err := newView("test", src)
		if err != nil {
			t.Fatal(err)
		}
		v.method = method
		next := uint32(0)
		w, err := v.walk(t.Context(), func(key, value []byte) error {
			if k, val := binary.LittleEndian.Uint32(key), binary.LittleEndian.Uint64(value); k != next || val != uint64(100*k) {
				return fmt.Errorf("entry %d has the key %d and the value %d", next, k, val)
			}
			next++
			return nil
		})
		if err != nil || w.scanned != 5000 || w.method != method {
			t.Errorf("%s: %d entries by %s, %v", method, w.scanned, w.method, err)
		}
	}
}

// TestWalkUnderChurn: entries come and go while the map is read; those that stay
// are all seen.
func TestWalkUnderChurn(t *testing.T) {
	src := hash(t, 2000)
	for _, method := range []string{byBatch, byKey} {
		v, err := newView("test", src)
		if err != nil {
			t.Fatal(err)
		}
		v.method = method
		seen := map[uint32]bool{}
		churn := uint32(0)
		w, err := v.walk(t.Context(), func(key, _ []byte) error {
			seen[binary.LittleEndian.Uint32(key)] = true
			_ = src.Map.Put(1_000_000+churn, uint64(1))
			_ = src.Map.Delete(1_000_000 + churn)
			// The entry that a walk by keys stands on goes away.
			if k := binary.LittleEndian.Uint32(key); k%10 == 9 {
				_ = src.Map.Delete(k)
			}
			churn++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		for k := range uint32(2000) {
			if k%10 != 9 && !seen[k] {
				missing++
			}
		}
		if missing > 0 || w.incomplete {
			t.Errorf("%s: %d entries that stayed were not seen, incomplete %v", method, missing, w.incomplete)
		}
		fill(t, src, 2000)
	}
}

// TestKeysBound: a walk that is sent back to the beginning again and again ends.
func TestKeysBound(t *testing.T) {
	src := hash(t, 50)
	v, err := newView("test", src)
	if err != nil {
		t.Fatal(err)
	}
	v.method, v.maxEntries = byKey, 5
	w, err := v.walk(t.Context(), func(_, _ []byte) error { return nil })
	if err != nil || !w.incomplete || w.scanned != 20 {
		t.Errorf("%d entries, incomplete %v, %v; want 20 and incomplete", w.scanned, w.incomplete, err)
	}
}

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

func edit(t *testing.T, src Source, edits ...api.Edit) api.EditResult {
	t.Helper()
	res, err := Edit(t.Context(), src, api.EditRequest{Edits: edits})
	if err != nil {
		t.Fatalf("Edit(%+v): %v", edits, err)
	}
	return res
}

func TestEdit(t *testing.T) {
	src := hash(t, 3)
	res := edit(t, src,
		api.Edit{Op: api.EditSet, Key: "0x1", Value: "5"},
		api.Edit{Op: api.EditDelete, Key: "2"},
		api.Edit{Op: api.EditSet, Key: "9", Value: "0x10"})
	if res.Applied != 3 || len(res.Changes) != 3 {
		t.Fatalf("result = %+v", res)
	}
	c := res.Changes
	if c[0].Before.Text != "100" || c[0].After.Text != "5" || c[1].After != nil || c[2].Before != nil {
		t.Errorf("changes = %+v", c)
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=0 1=5 9=16" {
		t.Errorf("entries = %s", got)
	}
}

func TestEditStopsAtFirst(t *testing.T) {
	src := hash(t, 3)
	res, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{
		{Op: api.EditSet, Key: "0", Value: "1"}, {Op: api.EditSet, Key: "1", Value: "many"}, {Op: api.EditDelete, Key: "2"},
	}})
	if !errors.Is(err, api.ErrInvalid) || res.Applied != 1 || len(res.Changes) != 1 {
		t.Errorf("result = %+v, %v", res, err)
	}
	if got, want := fmt.Sprint(err), `edit map mapstest: value: "many" is no __u64`; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=1 1=100 2=200" {
		t.Errorf("entries = %s", got)
	}
}

func TestEditExpect(t *testing.T) {
	src := hash(t, 2)
	is := func(v uint64) *api.Hex {
		h := api.Hex(binary.LittleEndian.AppendUint64(nil, v))
		return &h
	}
	edit(t, src, api.Edit{Op: api.EditSet, Key: "1", Value: "101", Expect: is(100)})
	edit(t, src, api.Edit{Op: api.EditSet, Key: "7", Value: "1", Expect: &api.Hex{}})
	for _, e := range []api.Edit{
		{Op: api.EditSet, Key: "1", Value: "102", Expect: is(100)},
		{Op: api.EditDelete, Key: "1", Expect: is(100)},
		{Op: api.EditDelete, Key: "8", Expect: is(100)},
		{Op: api.EditSet, Key: "1", Value: "102", Expect: &api.Hex{}},
	} {
		for _, dry := range []bool{true, false} {
			res, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{e}, DryRun: dry})
			if !errors.Is(err, api.ErrConflict) || res.Applied != 0 {
				t.Errorf("%+v (dry %v): %+v, %v; want ErrConflict", e, dry, res, err)
			}
		}
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=0 1=101 7=1" {
		t.Errorf("entries = %s", got)
	}
}

func TestEditDryRun(t *testing.T) {
	src := hash(t, 2)
	res, err := Edit(t.Context(), src, api.EditRequest{DryRun: true, Edits: []api.Edit{
		{Op: api.EditSet, Key: "0", Value: "1"}, {Op: api.EditDelete, Key: "1"},
	}})
	if err != nil || res.Applied != 2 || res.Changes[0].After.Text != "1" || res.Changes[1].Before.Text != "100" {
		t.Errorf("result = %+v, %v", res, err)
	}
	if got := texts(query(t, src, api.QueryRequest{Order: "key"})); got != "0=0 1=100" {
		t.Errorf("entries after a dry run = %s", got)
	}
}

func TestEditErrors(t *testing.T) {
	array := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3}, u32(), u64())
	full := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1}, u32(), u64())
	edit(t, full, api.Edit{Op: api.EditSet, Key: "1", Value: "1"})
	frozen := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3}, u32(), u64())
	if err := frozen.Map.Freeze(); err != nil {
		t.Fatal(err)
	}
	readOnly := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: 1 << 3}, u32(), u64())
	trie := newMap(t, &ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 3, Flags: 1}, nil, u64())
	for _, c := range []struct {
		src  Source
		edit api.Edit
		kind api.Kind
		text string
	}{
		{array, api.Edit{Op: api.EditDelete, Key: "1"}, api.ErrNotSupported, "always exist"},
		{array, api.Edit{Op: api.EditSet, Key: "3", Value: "1"}, api.ErrInvalid, "index 3 is not below 3"},
		{array, api.Edit{Op: api.EditSet, Key: "x", Value: "1"}, api.ErrInvalid, `key: "x" is no __u32`},
		{array, api.Edit{Op: "swap", Key: "1"}, api.ErrUsage, `"swap" is neither set nor delete`},
		{full, api.Edit{Op: api.EditSet, Key: "2", Value: "1"}, api.ErrFailed, "the map is full: max_entries is 1"},
		{full, api.Edit{Op: api.EditDelete, Key: "2"}, api.ErrNotExist, "no entry has the key 2"},
		{frozen, api.Edit{Op: api.EditSet, Key: "1", Value: "1"}, api.ErrPermission, "frozen"},
		{readOnly, api.Edit{Op: api.EditSet, Key: "1", Value: "1"}, api.ErrPermission, "BPF_F_RDONLY"},
		{trie, api.Edit{Op: api.EditSet, Key: "hex:ff000000 0a000000", Value: "1"}, api.ErrInvalid, "the kernel refuses this"},
	} {
		_, err := Edit(t.Context(), c.src, api.EditRequest{Edits: []api.Edit{c.edit}})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("Edit(%v, %+v) = %v, want %s: %s", c.src.Map.Type(), c.edit, err, c.kind, c.text)
		}
	}
	if page := query(t, frozen, api.QueryRequest{}); page.Matched != 3 {
		t.Errorf("a frozen map shows %d entries", page.Matched)
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
		ebpf.Queue:          {ValueSize: 4, MaxEntries: 4},
		ebpf.Stack:          {ValueSize: 4, MaxEntries: 4},
		ebpf.RingBuf:        {MaxEntries: 4096},
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
		if err := Export(t.Context(), src, api.ExportRequest{}, nil); !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("Export of %v: %v", typ, err)
		}
		if _, err := Edit(t.Context(), src, api.EditRequest{}); !errors.Is(err, api.ErrNotSupported) {
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
		ebpf.LPMTrie:            {ebpf.MapSpec{KeySize: 8, ValueSize: 8, Flags: 1}, "hex:080000000a000000", "9", "42949672968 (08 00 00 00 0a 00 00 00)=9 batch"},
		ebpf.DevMap:             {ebpf.MapSpec{KeySize: 4, ValueSize: 4}, "3", "1", "3=1 (01 00 00 00) index"},
		ebpf.DevMapHash:         {ebpf.MapSpec{KeySize: 4, ValueSize: 4}, "3", "1", "3=1 (01 00 00 00) next-key"},
		ebpf.CPUMap:             {ebpf.MapSpec{KeySize: 4, ValueSize: 4, MaxEntries: 1}, "0", "192", "0=192 (c0 00 00 00) index"},
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
	err := Export(t.Context(), src, api.ExportRequest{}, func(entries []api.Entry) error {
		n += len(entries)
		if len(entries) > 4 {
			t.Errorf("a chunk of %d", len(entries))
		}
		return nil
	})
	if err != nil || n != 20 {
		t.Errorf("Export: %d entries, %v", n, err)
	}
}

func TestExportErrors(t *testing.T) {
	src := hash(t, 10)
	enough := errors.New("enough")
	if err := Export(t.Context(), src, api.ExportRequest{Where: "900"}, func(e []api.Entry) error {
		if len(e) != 1 {
			t.Errorf("%d entries where 900", len(e))
		}
		return enough
	}); err != enough {
		t.Errorf("Export: %v, want the callback's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Export(ctx, src, api.ExportRequest{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Export with a cancelled context: %v", err)
	}
	if _, err := Query(ctx, src, api.QueryRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Query with a cancelled context: %v", err)
	}
}

func TestWatch(t *testing.T) {
	src := hash(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var at []time.Time
	err := Watch(ctx, src, api.WatchRequest{Interval: time.Nanosecond}, func(p api.Page) error {
		at = append(at, time.Now())
		if len(at) == 1 {
			edit(t, src, api.Edit{Op: api.EditSet, Key: "0", Value: "7"})
		} else if p.Entries[0].Value.Text == "7" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(at) != 2 {
		t.Fatalf("%d pages, %v", len(at), err)
	}
	if d := at[1].Sub(at[0]); d < 90*time.Millisecond {
		t.Errorf("the second page came after %v, want at least 100 ms", d)
	}
	enough := errors.New("enough")
	if err := Watch(t.Context(), src, api.WatchRequest{}, func(api.Page) error { return enough }); err != enough {
		t.Errorf("Watch: %v, want the callback's error", err)
	}
}

func BenchmarkQuery(b *testing.B) {
	src := newMap(b, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 32, MaxEntries: 1_000_000}, u64(), nil)
	const n = 1_000_000
	for at := uint64(0); at < n; at += 10_000 {
		keys, values := make([]uint64, 10_000), make([][4]uint64, 10_000)
		for i := range keys {
			keys[i], values[i][0] = at+uint64(i), uint64(i)
		}
		if _, err := src.Map.BatchUpdate(keys, values, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, req := range map[string]api.QueryRequest{
		"kernel order": {}, "by key": {Order: "-key"}, "by value": {Order: "value", Offset: 10_000}, "filter": {Where: "99999"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := Query(b.Context(), src, req)
				if err != nil || page.Scanned != n {
					b.Fatal(page.Scanned, err)
				}
			}
		})
	}
}
