//go:build kernel

package inspect_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/load"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func newProgram(t testing.TB, name string) (*ebpf.Program, uint32) {
	t.Helper()
	kerneltest.Require(t)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: name, Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	id, err := pin.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	return p, id.ID
}

func TestProgram(t *testing.T) {
	before := time.Now()
	p, id := newProgram(t, "inspect_me")
	path := filepath.Join(kerneltest.BPFFS, "inspect_me")
	if err := p.Pin(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	view := inspect.View{BPFFS: kerneltest.BPFFS, Ours: func(k pin.Kind, got uint32) (project, name string) {
		if k == pin.Programs && got == id {
			return "mine", "the_name_that_it_has_in_the_object"
		}
		return "", ""
	}}
	list, err := view.Programs(t.Context(), api.ListRequest{IDs: []uint32{id}})
	if err != nil || len(list) != 1 {
		t.Fatalf("Programs = %+v, %v", list, err)
	}
	got := list[0]
	if got.Name != "the_name_that_it_has_in_the_object" || got.Type != "socket_filter" || !got.GPL || got.BytesXlated != 16 ||
		got.BytesMem == 0 || got.VerifiedInsns != 2 || len(got.Tag) != 16 || got.Project != "mine" {
		t.Errorf("program = %+v", got)
	}
	if len(got.Pinned) != 1 || got.Pinned[0] != path {
		t.Errorf("pinned = %q, want %q", got.Pinned, path)
	}
	if off := got.LoadedAt.Sub(before); off < -time.Second || off > time.Minute {
		t.Errorf("loaded at %v, %v after it was", got.LoadedAt, off)
	}
	mine := false
	for _, o := range got.Owners {
		mine = mine || o.PID == os.Getpid()
	}
	if !mine {
		t.Errorf("owners = %+v, want this process %d", got.Owners, os.Getpid())
	}
}

// The kernel keeps 15 bytes of a name; BTF has it all.
func TestLongNames(t *testing.T) {
	kerneltest.Require(t)
	const long = "a_function_with_a_name_of_its_own"
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: long, Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{
			btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0).WithSymbol(long), &btf.Func{
				Name: long, Type: &btf.FuncProto{Return: &btf.Int{Size: 4, Name: "int"}}, Linkage: btf.GlobalFunc,
			}),
			asm.Return(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	id, err := pin.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	list, err := view.Programs(t.Context(), api.ListRequest{Name: long})
	if err != nil || len(list) != 1 || list[0].ID != id.ID {
		t.Errorf("Programs by its full name = %+v, %v", list, err)
	}
}

func TestMapTypesOfAnObject(t *testing.T) {
	kerneltest.Require(t)
	spec, err := object.Parse(apitest.CountObject())
	if err != nil {
		t.Fatal(err)
	}
	obj, err := load.Load(t.Context(), spec, btf.NewCache(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	for name, want := range map[string]api.Map{
		apitest.CountsMap:   {Type: "hash", KeySize: 4, ValueSize: 8, KeyType: "__u32", ValueType: "__u64", Readable: true},
		apitest.SettingsMap: {Type: "hash", KeySize: 4, ValueSize: 16, KeyType: "__u32", ValueType: "struct limits", Readable: true},
		apitest.EventsMap:   {Type: "ringbuf"},
		".rodata":           {Type: "array", KeySize: 4, ValueSize: 32, Readable: true, Frozen: true, ValueType: ".rodata"},
	} {
		id, err := pin.Of(obj.Maps[name])
		if err != nil {
			t.Fatal(err)
		}
		list, err := view.Maps(t.Context(), api.ListRequest{IDs: []uint32{id.ID}})
		if err != nil || len(list) != 1 {
			t.Fatalf("Maps of %s = %+v, %v", name, list, err)
		}
		got := list[0]
		if !strings.HasPrefix(name, got.Name) || got.Type != want.Type || got.KeySize != want.KeySize || got.ValueSize != want.ValueSize ||
			got.KeyType != want.KeyType || got.Readable != want.Readable || got.Frozen != want.Frozen ||
			!strings.Contains(got.ValueType, want.ValueType) || got.BytesMem == 0 {
			t.Errorf("map %s = %+v, want %+v", name, got, want)
		}
	}
}

// Who holds maps and links open is told when it is asked for.
func TestOwners(t *testing.T) {
	kerneltest.Require(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "owned", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: rawProgram(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mapID, _ := pin.Of(m)
	linkID, _ := pin.Of(l)
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	isMe := func(o api.Owner) bool { return o.PID == os.Getpid() && o.Comm != "" }
	for _, asked := range []bool{true, false} {
		maps, err := view.Maps(t.Context(), api.ListRequest{IDs: []uint32{mapID.ID}, Owners: asked})
		if err != nil || len(maps) != 1 || slices.ContainsFunc(maps[0].Owners, isMe) != asked {
			t.Errorf("asked %v: maps %+v, %v", asked, maps, err)
		}
		links, err := view.Links(t.Context(), api.ListRequest{IDs: []uint32{linkID.ID}, Owners: asked})
		if err != nil || len(links) != 1 || slices.ContainsFunc(links[0].Owners, isMe) != asked {
			t.Errorf("asked %v: links %+v, %v", asked, links, err)
		}
	}
}

// Programs come and go while they are listed; what vanishes is left out.
func TestVanishingIDs(t *testing.T) {
	kerneltest.Require(t)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
				Type: ebpf.SocketFilter, License: "GPL",
				Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
			})
			if err != nil {
				stopped <- err
				return
			}
			p.Close()
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
		}
	}()
	_, id := newProgram(t, "stays")
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	for range 50 {
		list, err := view.Programs(t.Context(), api.ListRequest{})
		if err != nil {
			t.Fatalf("Programs: %v", err)
		}
		there := false
		for i, p := range list {
			there = there || p.ID == id
			if i > 0 && list[i-1].ID >= p.ID {
				t.Fatalf("not sorted: %d before %d", list[i-1].ID, p.ID)
			}
		}
		if !there {
			t.Fatalf("program %d is not listed", id)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

// What a process holds is found by its open files, its perf events included.
func TestHeldBy(t *testing.T) {
	kerneltest.Require(t)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "held", Type: ebpf.TracePoint, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	raw, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: rawProgram(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	event := tracepointEvent(t, "sched/sched_process_exec")
	if err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_SET_BPF, p.FD()); err != nil {
		t.Fatal(err)
	}
	program, _ := pin.Of(p)
	array, _ := pin.Of(m)
	tracepoint, _ := pin.Of(raw)
	held := inspect.HeldBy([]int{os.Getpid(), 1 << 30})
	if !slices.Contains(held.Programs, program.ID) || !slices.Contains(held.Maps, array.ID) || !slices.Contains(held.Links, tracepoint.ID) {
		t.Errorf("held = %+v, want program %d, map %d and link %d", held, program.ID, array.ID, tracepoint.ID)
	}
	want := api.Attachment{ProgramID: program.ID, Target: "tracepoint sched/sched_process_exec"}
	if got := held.Attached(); !slices.Contains(got, want) {
		t.Errorf("attached = %+v, want %+v", got, want)
	}
	if !held.Equal(inspect.HeldBy([]int{os.Getpid()})) || held.Equal(inspect.Held{}) {
		t.Error("what is the same is not equal")
	}
}

func rawProgram(t *testing.T) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.RawTracepoint, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// tracepointEvent opens a perf event as bpftrace and BCC do.
func tracepointEvent(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/sys/kernel/tracing/events", name, "id"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Sample: 1}
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// bpftrace calls its map @counts AT_counts, and the kernel keeps 15 bytes.
func TestMapsOfBpftrace(t *testing.T) {
	kerneltest.Require(t)
	for kernelName, names := range map[string][]string{"AT_inspect_it": {"@inspect_it", "AT_inspect_it"}, "AT_inspect_more": {"@inspect_more_of_it", "AT_inspect_more"}, "AT_": {"@"}} {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: kernelName, Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		id, _ := pin.Of(m)
		view := inspect.View{BPFFS: kerneltest.BPFFS}
		for _, name := range names {
			list, err := view.Maps(t.Context(), api.ListRequest{Name: name, IDs: []uint32{id.ID}})
			if err != nil || len(list) != 1 || list[0].Name != kernelName {
				t.Errorf("Maps by the name %s = %+v, %v", name, list, err)
			}
		}
		if list, err := view.Maps(t.Context(), api.ListRequest{Name: "@other", IDs: []uint32{id.ID}}); err != nil || len(list) != 0 {
			t.Errorf("Maps by another name = %+v, %v", list, err)
		}
	}
}

// BenchmarkPrograms lists a thousand programs.
func BenchmarkPrograms(b *testing.B) {
	for range 1000 {
		newProgram(b, "a_long_name_for_a_benchmark")
	}
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	for b.Loop() {
		list, err := view.Programs(b.Context(), api.ListRequest{})
		if err != nil || len(list) < 1000 {
			b.Fatalf("%d programs, %v", len(list), err)
		}
	}
}

// BenchmarkMaps lists ten thousand maps.
func BenchmarkMaps(b *testing.B) {
	kerneltest.Require(b)
	for range 10000 {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
	}
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	for b.Loop() {
		list, err := view.Maps(b.Context(), api.ListRequest{})
		if err != nil || len(list) < 10000 {
			b.Fatalf("%d maps, %v", len(list), err)
		}
	}
}
