//go:build kernel && linux

package events

import (
	_ "embed"
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

//go:generate clang -target bpf -O2 -g -Wall -Werror -ffile-prefix-map=$PWD=. -c testdata/streams.bpf.c -o testdata/streams.bpf.o
//go:generate llvm-strip -g testdata/streams.bpf.o

//go:embed testdata/streams.bpf.o
var streamsObject []byte

// What a program prints to its own stream comes line by line.
func TestProgramStreams(t *testing.T) {
	if !kerneltest.InGuest(t, "6.18") { // whose kernel calls the function as the object does
		return
	}
	spec, err := object.Parse(api.Object{Name: "streams.bpf.o", Data: streamsObject})
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	prog := coll.Programs["prints"]
	var lines []string
	enough := errors.New("enough")
	err = Stream(t.Context(), Wanted{Programs: []Program{{Name: "prints", Prog: prog}}}, func(e api.Event) error {
		switch e.Kind {
		case api.EventReady:
			if _, err := prog.Run(&ebpf.RunOptions{}); err != nil {
				return err
			}
		case api.EventOutput:
			if e.Program != "prints" || e.Stderr {
				t.Errorf("event = %+v", e)
			}
			if lines = append(lines, e.Text); len(lines) == 2 {
				return enough
			}
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if lines[0] != "hello 42" || lines[1] != "and more" {
		t.Errorf("lines = %q", lines)
	}
}

// A kernel without such streams says so.
func TestProgramStreamsOfOldKernel(t *testing.T) {
	if !kerneltest.InGuest(t, "6.1") {
		return
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	err = Stream(t.Context(), Wanted{Programs: []Program{{Name: "pass", Prog: prog}}}, nil)
	if !errors.Is(err, api.ErrNotSupported) {
		t.Errorf("streams on Linux 6.1: %v", err)
	}
}
