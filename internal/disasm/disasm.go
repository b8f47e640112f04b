// Package disasm makes the code of loaded programs readable: BPF instructions in
// the notation of the kernel's verifier log, machine code in that of GNU as, both
// with the names and the source lines that belong to them.
//
// It makes no system calls. Code comes from outside: what cannot be decoded is
// shown as bytes.
package disasm

import (
	"cmp"
	"slices"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Program is the code of a loaded program as the kernel tells it.
type Program struct {
	Name    string
	Xlated  []byte // instructions of 8 bytes, little-endian
	Funcs   []Func // by their offsets; the first is at 0
	Lines   []Line // by their offsets
	Machine string // as uname(2) calls it: "x86_64"
	Jited   []byte // of all functions, one behind the other
	// Of the jited code: where each function is in the kernel and how many bytes it
	// has, and the address of each of Lines.
	Addresses []uint64
	Lengths   []uint32
	LineAddrs []uint64
}

// Func is a function of a program.
type Func struct {
	Offset uint32 // in instructions
	Name   string
}

// Line is where a line of source begins.
type Line struct {
	Offset uint32 // in instructions
	Source api.SourceLine
}

// Names finds names for numbers. Each may be nil.
type Names struct {
	// Symbol returns the kernel's symbol at an address, or the nearest before it
	// with the distance.
	Symbol func(addr uint64) (name string, offset uint64, ok bool)
	// CallBase is the address that calls of helpers count from (__bpf_call_base); 0
	// when it is not known.
	CallBase uint64
	Map      func(id uint32) string
	// KernelFunc returns the name of a function by its id in the kernel's BTF.
	KernelFunc func(id uint32) string
}

// symbol returns the symbol that begins at an address, "" when there is none.
func (n Names) symbol(addr uint64) string {
	if n.Symbol == nil {
		return ""
	}
	name, offset, ok := n.Symbol(addr)
	if !ok || offset != 0 {
		return ""
	}
	return name
}

// function returns the name of the i-th function.
func (p *Program) function(i int) string {
	if i < len(p.Funcs) && p.Funcs[i].Name != "" {
		return p.Funcs[i].Name
	}
	if i == 0 {
		return p.Name
	}
	return ""
}

// functionAt returns the name of the function that begins at an instruction.
func (p *Program) functionAt(offset uint32) string {
	i, ok := slices.BinarySearchFunc(p.Funcs, offset, func(f Func, at uint32) int { return cmp.Compare(f.Offset, at) })
	if !ok {
		return ""
	}
	return p.function(i)
}

// Insns returns the BPF instructions, a list for each function.
func (p *Program) Insns(names Names) []api.CodeFunc {
	var list []api.CodeFunc
	next, source := 0, 0
	for offset := uint32(0); int(offset)*insnSize+insnSize <= len(p.Xlated); {
		if len(list) == 0 || next < len(p.Funcs) && p.Funcs[next].Offset <= offset {
			list = append(list, api.CodeFunc{Name: p.function(next)})
			next++
			for next < len(p.Funcs) && p.Funcs[next].Offset <= offset {
				next++
			}
		}
		d := decoder{p: p, names: names, offset: offset}
		line, width := d.insn()
		for source < len(p.Lines) && p.Lines[source].Offset <= offset {
			if p.Lines[source].Offset == offset && line.Source == nil {
				line.Source = &p.Lines[source].Source
			}
			source++
		}
		f := &list[len(list)-1]
		f.Lines = append(f.Lines, line)
		offset += width
	}
	return list
}
