//go:build kernel && linux

package maps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestKinds(t *testing.T) { kinds(t) }

// The kinds of maps came one by one: 5.10 has none of the newer ones.

func TestKindsOn510(t *testing.T) { kindsOn(t, "5.10") }
func TestKindsOn61(t *testing.T)  { kindsOn(t, "6.1") }
func TestKindsOn612(t *testing.T) { kindsOn(t, "6.12") }
func TestKindsOn73(t *testing.T)  { kindsOn(t, "7.3") }

func kindsOn(t *testing.T, version string) {
	if kerneltest.InGuest(t, version) {
		kinds(t)
	}
}

// kinds reads each kind of map that has no entries with keys.
func kinds(t *testing.T) {
	t.Run("queue", testQueue)
	t.Run("ring buffer", testRing)
	t.Run("user ring buffer", testUserRing)
	t.Run("task storage", testTaskStorage)
	t.Run("cgroup storage", testCgroupStorage)
	t.Run("socket storage", testSocketStorage)
	t.Run("maps in maps", testDescend)
	t.Run("prefixes", testPrefixes)
	t.Run("memory", testMemory)
	t.Run("batches or not", testPerCPUWays)
	t.Run("no entries", testNoEntries)
}

// since is the version of Linux that brought a type of map that not all kernels of
// the tests have.
var since = map[ebpf.MapType]string{
	ebpf.TaskStorage: "5.11", ebpf.BloomFilter: "5.16", ebpf.UserRingbuf: "6.1", ebpf.CgroupStorage: "6.2",
}

// create creates a map that this kernel may be too old for.
func create(t *testing.T, spec *ebpf.MapSpec) Source {
	t.Helper()
	kerneltest.Require(t)
	if version, ok := since[spec.Type]; ok {
		kerneltest.Since(t, version)
	}
	spec.Name = "mapstest"
	m, err := ebpf.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	info := api.Map{Name: spec.Name, Type: strings.ToLower(spec.Type.String()), MaxEntries: m.MaxEntries()}
	return Source{Map: m, Info: info, Key: spec.Key, Value: spec.Value}
}

func testQueue(t *testing.T) {
	for typ, want := range map[ebpf.MapType]string{ebpf.Queue: "=1", ebpf.Stack: "=3"} {
		src := newMap(t, &ebpf.MapSpec{Type: typ, ValueSize: 4, MaxEntries: 4}, nil, u32())
		if got := texts(query(t, src, api.QueryRequest{})); got != "" {
			t.Errorf("an empty %v has %q", typ, got)
		}
		for i := range uint32(3) {
			if err := src.Map.Put(nil, i+1); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // looking takes nothing out
			page := query(t, src, api.QueryRequest{})
			if got := texts(page); got != want || page.Method != byPeek {
				t.Errorf("%v: %q by %s, want %q", typ, got, page.Method, want)
			}
		}
	}
}

// testRing fills a ring buffer by running a program and reads it without
// consuming.
func testRing(t *testing.T) {
	src := create(t, &ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{
			asm.StoreImm(asm.RFP, -8, 0x61626364, asm.Word),
			asm.LoadMapPtr(asm.R1, src.Map.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -8),
			asm.Mov.Imm(asm.R3, 4), asm.Mov.Imm(asm.R4, 0),
			asm.FnRingbufOutput.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	for range 3 {
		if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		page := query(t, src, api.QueryRequest{})
		if len(page.Entries) != 3 || page.Method != byRecord {
			t.Fatalf("page = %+v", page)
		}
		if e := page.Entries[1]; e.Key.Text != "16" || string(e.Value.Raw) != "dcba" {
			t.Errorf("the second record = %+v", e)
		}
	}
	if page := query(t, src, api.QueryRequest{Where: "32"}); len(page.Entries) != 1 {
		t.Errorf("%d records where 32", len(page.Entries))
	}
	// With a type, which the records are shorter than.
	src.Value = &btf.Struct{Name: "event", Size: 12, Members: []btf.Member{
		{Name: "id", Type: u32()}, {Name: "pair", Type: &btf.Array{Type: u32(), Nelems: 2}, Offset: 32},
	}}
	req := api.QueryRequest{Where: "id == 0x61626364 && !pair[1] && key >= 16", Order: "pair,-key", Columns: []string{"id", "pair"}}
	page := query(t, src, req)
	if len(page.Entries) != 2 || page.Entries[0].Cells[0].Text != "1633837924" || page.Entries[0].Key.Raw[0] != 32 {
		t.Errorf("records with a type = %+v", page.Entries)
	}
}

// testUserRing writes records as a library would: one is whole, one was given
// up, one is not finished.
func testUserRing(t *testing.T) {
	src := create(t, &ebpf.MapSpec{Type: ebpf.UserRingbuf, MaxEntries: 4096})
	mem, err := unix.Mmap(src.Map.FD(), int64(os.Getpagesize()), os.Getpagesize()+2*4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mem) }()
	data := mem[os.Getpagesize():]
	for i, head := range []uint32{4, 4 | ringDiscard, 4, 4 | ringBusy} {
		binary.LittleEndian.PutUint32(data[16*i:], head)
		copy(data[16*i+8:], "rec"+fmt.Sprint(i))
	}
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&mem[0])), 64)
	page := query(t, src, api.QueryRequest{})
	if len(page.Entries) != 2 || string(page.Entries[0].Value.Raw) != "rec0" || string(page.Entries[1].Value.Raw) != "rec2" {
		t.Errorf("records = %+v", page.Entries)
	}
}

// storage creates a map of storage; its types are what the kernel asks for.
func storage(t *testing.T, typ ebpf.MapType) Source {
	return create(t, &ebpf.MapSpec{
		Type: typ, KeySize: 4, ValueSize: 8, Flags: 1, Key: s32(), Value: u64(),
	})
}

// store gives an object a value.
func store(t *testing.T, src Source, fd int, value uint64) {
	t.Helper()
	if err := src.Map.Put(uint32(fd), value); err != nil {
		t.Fatal(err)
	}
}

func testTaskStorage(t *testing.T) {
	src := storage(t, ebpf.TaskStorage)
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	store(t, src, fd, 77)
	if got, want := texts(query(t, src, api.QueryRequest{})), fmt.Sprintf("%d=77", os.Getpid()); got != want {
		t.Errorf("entries = %q, want %q", got, want)
	}
}

func testCgroupStorage(t *testing.T) {
	src := storage(t, ebpf.CgroupStorage)
	root, err := cgroupRoot()
	if err != nil {
		kerneltest.Missing(t, err.Error())
	}
	dir := filepath.Join(root, "ebpfdev.maps.test")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	store(t, src, int(f.Fd()), 5)
	if got := texts(query(t, src, api.QueryRequest{})); got != "/ebpfdev.maps.test=5" {
		t.Errorf("entries = %q", got)
	}
}

func testSocketStorage(t *testing.T) {
	src := storage(t, ebpf.SkStorage)
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f, err := conn.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	store(t, src, int(f.Fd()), 9)
	got := texts(query(t, src, api.QueryRequest{}))
	if !strings.HasPrefix(got, "socket:[") || !strings.HasSuffix(got, "=9") {
		t.Errorf("entries = %q", got)
	}
}

// testDescend reads the entries of maps in a map.
func testDescend(t *testing.T) {
	inner := &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 10}
	outer := newMap(t, &ebpf.MapSpec{Type: ebpf.HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4, InnerMap: inner}, u32(), nil)
	opened := map[uint32]Source{}
	outer.Open = func(id uint32) (Source, error) {
		m, err := ebpf.NewMapFromID(ebpf.MapID(id))
		return Source{Map: m, Info: opened[id].Info, Key: u32(), Value: u64()}, err
	}
	if page := query(t, outer, api.QueryRequest{Descend: true}); len(page.Entries) != 0 {
		t.Errorf("an empty map of maps has %+v", page.Entries)
	}
	for i := range uint32(2) {
		src := newMap(t, inner.Copy(), u32(), u64())
		if err := src.Map.Put(10+i, uint64(100*i)); err != nil {
			t.Fatal(err)
		}
		if err := outer.Map.Put(i, src.Map); err != nil {
			t.Fatal(err)
		}
	}
	got := texts(query(t, outer, api.QueryRequest{Descend: true, Order: "key"}))
	if want := "{outer: 0, key: 10}=0 {outer: 1, key: 11}=100"; got != want {
		t.Errorf("entries = %s, want %s", got, want)
	}
	if _, err := Query(t.Context(), hash(t, 1), api.QueryRequest{Descend: true}); !errors.Is(err, api.ErrUsage) {
		t.Errorf("a descent into a hash: %v", err)
	}
}

func testPrefixes(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 8, Flags: 1}, nil, u64())
	for i, network := range []string{"10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "192.168.1.1"} {
		edit(t, src, api.Edit{Op: api.EditSet, Key: network, Value: fmt.Sprint(i)})
	}
	got := texts(query(t, src, api.QueryRequest{Order: "key"}))
	if want := "0.0.0.0/0=2 10.0.0.0/8=1 10.1.0.0/16=0 192.168.1.1/32=3"; got != want {
		t.Errorf("entries = %s, want %s", got, want)
	}
	// The kernel's lookup would find 10.1.0.0/16 for this one.
	res := edit(t, src, api.Edit{Op: api.EditSet, Key: "10.1.2.0/24", Value: "5"})
	if res.Changes[0].Before != nil {
		t.Errorf("a new network was %+v", res.Changes[0].Before)
	}
	_, err := Edit(t.Context(), src, api.EditRequest{Edits: []api.Edit{{Op: api.EditDelete, Key: "10.1.3.0/24"}}, DryRun: true})
	if !errors.Is(err, api.ErrNotExist) {
		t.Errorf("a delete of a network that is not there: %v", err)
	}
	for key, want := range map[string]string{"10.1.2.77": "10.1.2.0/24=5", "10.9.9.9": "10.0.0.0/8=1", "1.1.1.1": "0.0.0.0/0=2"} {
		if got := lookupOf(t, src, key); got != want {
			t.Errorf("%s is in %s, want %s", key, got, want)
		}
	}
}

// testMemory reads an array through its memory.
func testMemory(t *testing.T) {
	src := newMap(t, &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 12, MaxEntries: 1000, Flags: unix.BPF_F_MMAPABLE}, nil, nil)
	value := make([]byte, 12)
	for i := range uint32(1000) {
		binary.LittleEndian.PutUint32(value, 7*i)
		if err := src.Map.Put(i, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := src.Map.Freeze(); err != nil {
		t.Fatal(err)
	}
	page := query(t, src, api.QueryRequest{Offset: 999})
	if page.Method != byMemory || page.Matched != 1000 || len(page.Entries) != 1 {
		t.Fatalf("page = %+v", page)
	}
	if got := binary.LittleEndian.Uint32(page.Entries[0].Value.Raw); got != 7*999 {
		t.Errorf("the last value is %d", got)
	}
}

// testPerCPUWays reads what not every kernel has batches for.
func testPerCPUWays(t *testing.T) {
	for _, typ := range []ebpf.MapType{ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUHash, ebpf.LPMTrie} {
		spec := &ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: 5000}
		if typ == ebpf.LPMTrie {
			spec.KeySize, spec.Flags = 8, 1
		}
		src := newMap(t, spec, nil, u64())
		for i := range uint32(5000) {
			var value any = uint64(i)
			if perCPU(typ) {
				all := make([]uint64, ebpf.MustPossibleCPU())
				all[len(all)-1] = uint64(i)
				value = all
			}
			key := binary.LittleEndian.AppendUint32(nil, i)
			if typ == ebpf.LPMTrie {
				key = append([]byte{32, 0, 0, 0}, key...)
			}
			if err := src.Map.Put(key, value); err != nil {
				t.Fatal(err)
			}
		}
		page := query(t, src, api.QueryRequest{Order: "-value", Limit: 1})
		e := page.Entries[0]
		if perCPU(typ) && (e.Sum == nil || e.Sum.Text != "4999") || !perCPU(typ) && typ != ebpf.LRUHash && e.Value.Text != "4999" {
			t.Errorf("%v: the greatest entry = %+v", typ, e)
		}
		if page.Matched != 5000 && typ != ebpf.LRUHash {
			t.Errorf("%v: %d entries", typ, page.Matched)
		}
		t.Logf("%v is read by %s", typ, page.Method)
	}
}

// testNoEntries: maps without an entry, and one whose values have no bytes.
func testNoEntries(t *testing.T) {
	for _, spec := range []*ebpf.MapSpec{
		{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Type: ebpf.LPMTrie, KeySize: 20, ValueSize: 8, MaxEntries: 1, Flags: 1},
		{Type: ebpf.StackTrace, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
	} {
		src := newMap(t, spec, nil, nil)
		if page := query(t, src, api.QueryRequest{}); len(page.Entries) != 0 || page.Entries == nil {
			t.Errorf("%v: entries = %+v", spec.Type, page.Entries)
		}
	}
}
