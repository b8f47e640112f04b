//go:build kernel

package testrun_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/testrun"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func load(t *testing.T, spec *ebpf.ProgramSpec) uint32 {
	t.Helper()
	kerneltest.Require(t)
	spec.License = "Dual BSD/GPL"
	prog, err := ebpf.NewProgram(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = prog.Close() })
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

// drops makes the first byte of a packet 7 and drops it.
func drops() *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{Type: ebpf.XDP, Instructions: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // data
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // data_end
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, 14),
		asm.JGT.Reg(asm.R4, asm.R3, "end"),
		asm.StoreImm(asm.R2, 0, 7, asm.Byte),
		asm.Mov.Imm(asm.R0, 1).WithSymbol("end"),
		asm.Return(),
	}}
}

func TestPacket(t *testing.T) {
	id := load(t, drops())
	in := bytes.Repeat([]byte{1}, 60)
	res, err := testrun.Run(t.Context(), api.ProgramRunRequest{ProgramID: id, Inputs: []api.RunInput{{Data: in}, {Data: in[:20]}}, Repeat: 1000})
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte{7}, in[1:]...)
	if len(res.Runs) != 2 || res.Runs[0].Return != 1 || !bytes.Equal(res.Runs[0].Data, want) || !bytes.Equal(res.Runs[1].Data, want[:20]) || in[0] != 1 {
		t.Errorf("runs = %+v", res.Runs)
	}
}

// A syscall program's context is changed in place; the caller's is not.
func TestContext(t *testing.T) {
	id := load(t, &ebpf.ProgramSpec{Type: ebpf.Syscall, Flags: 1 << 4, Instructions: asm.Instructions{ // BPF_F_SLEEPABLE
		asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord),
		asm.Add.Imm(asm.R0, 1),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
		asm.Return(),
	}})
	in := binary.NativeEndian.AppendUint64(nil, 41)
	res, err := testrun.Run(t.Context(), api.ProgramRunRequest{ProgramID: id, Inputs: []api.RunInput{{Context: in}}, Repeat: 2})
	if err != nil {
		t.Fatal(err)
	}
	if run := res.Runs[0]; run.Return != 42 || binary.NativeEndian.Uint64(run.Context) != 42 || in[0] != 41 || run.Duration <= 0 {
		t.Errorf("run = %+v", run)
	}
}

func TestRefused(t *testing.T) {
	xdp := load(t, drops())
	tracepoint := load(t, &ebpf.ProgramSpec{Type: ebpf.TracePoint, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	for _, tt := range []struct {
		id   uint32
		in   api.RunInput
		kind api.Kind
		text string
	}{
		{xdp, api.RunInput{}, api.ErrInvalid, "at least 14 bytes"},
		{xdp, api.RunInput{Data: make([]byte, 900_000)}, api.ErrInvalid, "refuses the packet"},
		{xdp, api.RunInput{Data: make([]byte, 2<<20)}, api.ErrInvalid, "refuses the packet"},
		{tracepoint, api.RunInput{Data: make([]byte, 60)}, api.ErrNotSupported, "programs of type tracepoint"},
		{1 << 30, api.RunInput{}, api.ErrNotExist, "no such program"},
	} {
		_, err := testrun.Run(t.Context(), api.ProgramRunRequest{ProgramID: tt.id, Inputs: []api.RunInput{tt.in}})
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("program %d: %v, want %q", tt.id, err, tt.text)
		}
	}
}

// A run without end ends with its context.
func TestCancelled(t *testing.T) {
	id := load(t, drops())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := testrun.Run(ctx, api.ProgramRunRequest{ProgramID: id, Inputs: []api.RunInput{{Data: make([]byte, 60)}}, Repeat: 1e9})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}
