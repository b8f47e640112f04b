//go:build kernel && linux

package events

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/tracefs"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

// pair is the type of the records that the tests send.
func pair() btf.Type {
	u32 := &btf.Int{Name: "__u32", Size: 4}
	return &btf.Struct{Name: "pair", Size: 12, Members: []btf.Member{
		{Name: "a", Type: u32}, {Name: "b", Type: u32, Offset: 32}, {Name: "c", Type: u32, Offset: 64},
	}}
}

func newMap(t *testing.T, spec *ebpf.MapSpec) *ebpf.Map {
	t.Helper()
	kerneltest.Require(t)
	m, err := ebpf.NewMap(spec)
	if err != nil {
		t.Fatalf("create %v: %v", spec.Type, err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// ring creates a ring buffer and a program that puts {1, 2, 3} into it.
func ring(t *testing.T, size uint32) (*ebpf.Map, *ebpf.Program) {
	m := newMap(t, &ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: size})
	return m, newProgram(t, asm.Instructions{
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -16),
		asm.Mov.Imm(asm.R3, 12),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
	})
}

// perfArray creates a perf event array and a program that puts {1, 2, 3} into it.
func perfArray(t *testing.T) (*ebpf.Map, *ebpf.Program) {
	m := newMap(t, &ebpf.MapSpec{Type: ebpf.PerfEventArray})
	return m, newProgram(t, asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMapPtr(asm.R2, m.FD()),
		asm.LoadImm(asm.R3, 0xffffffff, asm.DWord),
		asm.Mov.Reg(asm.R4, asm.RFP), asm.Add.Imm(asm.R4, -16),
		asm.Mov.Imm(asm.R5, 12),
		asm.FnPerfEventOutput.Call(),
	})
}

// printer creates a program that prints text.
func printer(t *testing.T, text string) *ebpf.Program {
	kerneltest.Require(t)
	format := append([]byte(text), make([]byte, 64)...)[:64]
	var ins asm.Instructions
	for i := 0; i < 64; i += 8 {
		var v int64
		for j := range 8 {
			v |= int64(format[i+j]) << (8 * j)
		}
		ins = append(ins, asm.LoadImm(asm.R1, v, asm.DWord), asm.StoreMem(asm.RFP, int16(-80+i), asm.R1, asm.DWord))
	}
	return newProgram(t, append(ins,
		asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, -80),
		asm.Mov.Imm(asm.R2, int32(len(text)+1)),
		asm.FnTracePrintk.Call(),
	))
}

// newProgram loads an XDP program that is only ever run by hand. It finds
// {1, 2, 3} at the top of its stack.
func newProgram(t *testing.T, body asm.Instructions) *ebpf.Program {
	t.Helper()
	ins := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.StoreImm(asm.RFP, -16, 1, asm.Word), asm.StoreImm(asm.RFP, -12, 2, asm.Word), asm.StoreImm(asm.RFP, -8, 3, asm.Word),
	}
	ins = append(ins, body...)
	ins = append(ins, asm.Mov.Imm(asm.R0, 2), asm.Return())
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "Dual BSD/GPL", Instructions: ins})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { _ = prog.Close() })
	return prog
}

func run(t *testing.T, prog *ebpf.Program, times int) {
	t.Helper()
	if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64), Repeat: uint32(times)}); err != nil {
		t.Fatal(err)
	}
}

// collect streams until enough says so; ready is called once all is open.
func collect(t *testing.T, sources []Source, logs bool, ready func(), enough func(api.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	first := true
	err := Stream(ctx, Wanted{Sources: sources, Logs: logs}, func(e api.Event) error {
		if first != (e.Kind == api.EventReady) {
			t.Errorf("event %+v; the first and only the first has to be ready", e)
		}
		if e.Time.IsZero() {
			t.Errorf("event without a time: %+v", e)
		}
		if first {
			first = false
			ready()
		} else if enough(e) {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Stream: %v, want the context's error", err)
	}
}

func TestRingBuffer(t *testing.T) {
	m, prog := ring(t, 4096)
	n := 0
	collect(t, []Source{{Name: "pairs", Map: m, Type: pair(), Consume: true}}, false, func() { run(t, prog, 3) }, func(e api.Event) bool {
		if e.Kind != api.EventRecord || e.Map != "pairs" || e.Type != "struct pair" || e.Data.Text != "{a: 1, b: 2, c: 3}" ||
			string(e.Data.JSON) != `{"a":1,"b":2,"c":3}` || len(e.Data.Raw) != 12 {
			t.Errorf("event = %+v", e)
		}
		n++
		return n == 3
	})
}

func TestPerfEventArray(t *testing.T) {
	m, prog := perfArray(t)
	n := 0
	collect(t, []Source{{Name: "pairs", Map: m, Type: pair(), Consume: true}}, false, func() { run(t, prog, 3) }, func(e api.Event) bool {
		// perf pads 12 bytes to 16.
		if e.Kind != api.EventRecord || e.Data.Text != "{a: 1, b: 2, c: 3}" || len(e.Data.Raw) != 12 {
			t.Errorf("event = %+v", e)
		}
		n++
		return n == 3
	})
}

// TestPerfLost fills the buffer of one CPU while nobody reads: what is lost is
// counted.
func TestPerfLost(t *testing.T) {
	m, prog := perfArray(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for i := 0; one.Count() == 0; i++ {
		if all.IsSet(i) {
			one.Set(i)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &all) }()

	sent, lost := 20000, uint64(0)
	collect(t, []Source{{Name: "pairs", Map: m, Type: pair(), Consume: true}}, false, func() { run(t, prog, sent) }, func(e api.Event) bool {
		if e.Kind == api.EventLost {
			lost += e.Lost
			if e.Map != "pairs" || e.Data.Raw != nil {
				t.Errorf("event = %+v", e)
			}
			return true
		}
		// The kernel tells of losses with the next record that has room.
		run(t, prog, 1)
		sent++
		return false
	})
	if lost == 0 || lost > uint64(sent) {
		t.Errorf("%d of %d lost", lost, sent)
	}
}

// TestBackPressure: a slow callback loses nothing that was read.
func TestBackPressure(t *testing.T) {
	m, prog := ring(t, 1<<20)
	n := 0
	gate := make(chan struct{})
	collect(t, []Source{{Name: "pairs", Map: m, Consume: true}}, false, func() { run(t, prog, 3*waiting); close(gate) }, func(e api.Event) bool {
		<-gate
		if e.Data.JSON != nil || !strings.HasPrefix(e.Data.Text, "01 00 00 00 02") || e.Type != "" {
			t.Errorf("without a type: %+v", e)
		}
		n++
		return n == 3*waiting
	})
}

func TestStreamErrors(t *testing.T) {
	m, prog := ring(t, 4096)
	other := newMap(t, &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	err := Stream(t.Context(), Wanted{Sources: []Source{{Name: "good", Map: m, Consume: true}, {Name: "bad", Map: other}}}, nil)
	if !errors.Is(err, api.ErrNotSupported) {
		t.Errorf("a hash: %v, want ErrNotSupported", err)
	}
	enough := errors.New("enough")
	for _, kind := range []api.EventKind{api.EventReady, api.EventRecord} {
		err := Stream(t.Context(), Wanted{Sources: []Source{{Name: "good", Map: m, Consume: true}}, Logs: true}, func(e api.Event) error {
			if e.Kind == kind {
				return enough
			}
			if e.Kind == api.EventReady {
				run(t, prog, 2)
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("Stream: %v, want the callback's error at %s", err, kind)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Stream(ctx, Wanted{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	mine(t, 0)
}

// TestLogs: two streams see the same line, so neither takes it from the other.
func TestLogs(t *testing.T) {
	text := "ebpfdev test " + rand.Text()[:16]
	prog := printer(t, text)
	var second []api.Event
	collect(t, nil, true, func() {
		collect(t, nil, true, func() { run(t, prog, 1) }, func(e api.Event) bool {
			second = append(second, e)
			return e.Text == text
		})
	}, func(e api.Event) bool {
		if e.Text != text {
			return false // somebody else's
		}
		if e.Kind != api.EventLog || e.PID <= 0 || e.CPU < 0 {
			t.Errorf("event = %+v", e)
		}
		return true
	})
	if len(second) == 0 {
		t.Error("the second stream saw nothing")
	}
	mine(t, 0)
}

// TestPromptEnd: a stream that waits ends as soon as its context does, and what
// it opened is closed.
func TestPromptEnd(t *testing.T) {
	m, _ := ring(t, 4096)
	array, _ := perfArray(t)
	ctx, cancel := context.WithCancel(t.Context())
	var ended time.Time
	err := Stream(ctx, Wanted{Sources: []Source{{Name: "a", Map: m, Consume: true}, {Name: "t", Map: m}, {Name: "b", Map: array, Consume: true}}, Logs: true}, func(e api.Event) error {
		if e.Kind == api.EventReady {
			mine(t, 1)
			time.AfterFunc(20*time.Millisecond, func() { ended = time.Now(); cancel() })
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Stream: %v", err)
	}
	if d := time.Since(ended); d > 300*time.Millisecond {
		t.Errorf("it ended %v after its context", d)
	}
	mine(t, 0)
}

// mine checks how many trace instances this process has.
func mine(t *testing.T, want int) {
	t.Helper()
	dir, err := tracefs.Find()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "instances", fmt.Sprintf("%s%d-*", instancePrefix, os.Getpid())))
	if err != nil || len(found) != want {
		t.Errorf("instances %v, %v; want %d", found, err, want)
	}
}

// TestStaleInstance: what a killed process left is removed, what a living one
// has is not.
func TestStaleInstance(t *testing.T) {
	kerneltest.Require(t)
	dir, err := tracefs.Find()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "true")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "instances", fmt.Sprintf("%s%d-%s", instancePrefix, child.Process.Pid, rand.Text()[:8]))
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(gone) })
	alive, err := openLogs(dir)
	if err != nil {
		t.Fatal(err)
	}
	mine(t, 1)
	if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the instance of a process that is gone is still there (%v)", err)
	}
	removeStale(filepath.Join(dir, "instances"))
	mine(t, 1)
	// Nor is one whose process can't be seen from here.
	if err := unix.Rmdir(alive.(*logReader).dir); !errors.Is(err, unix.EBUSY) {
		t.Errorf("removing an instance that is read: %v, want EBUSY", err)
	}
	alive.close()
	mine(t, 0)
}

func TestNoTracefs(t *testing.T) {
	_, err := openLogs(t.TempDir())
	if !errors.Is(err, api.ErrNotSupported) {
		t.Errorf("openLogs without instances: %v", err)
	}
}

func TestUnpad(t *testing.T) {
	for _, c := range []struct{ n, want int }{{12, 12}, {16, 12}, {19, 12}, {20, 20}, {8, 8}} {
		if got := unpad(pair(), bytes.Repeat([]byte{1}, c.n)); len(got) != c.want {
			t.Errorf("unpad of %d bytes = %d, want %d", c.n, len(got), c.want)
		}
	}
}
