package disasm

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Known reports whether the code of a machine can be made readable.
func Known(machine string) bool { return decoderFor(machine) != nil }

// decodeFunc decodes the instruction at an address; code begins with it. It returns
// its length, and false when it is none that it knows.
type decodeFunc func(code []byte, at place, names Names) (line api.CodeLine, length int, ok bool)

// place is where an instruction is.
type place struct {
	base   uint64 // the function's address, 0 when it is not known
	size   int    // the function's bytes
	offset int    // of the instruction in the function
}

func (p place) addr() uint64 { return p.base + uint64(p.offset) }

// inside returns the offset of an address in the function.
func (p place) inside(addr uint64) (uint32, bool) {
	off := addr - p.base
	return uint32(off), off < uint64(p.size)
}

// decoderFor returns a new decoder for one function of a machine's.
func decoderFor(machine string) decodeFunc {
	switch machine {
	case "x86_64":
		return decodeX86
	case "aarch64":
		return new(armDecoder).decode
	default:
		return nil
	}
}

// Code returns the machine code, a list for each function. What is no
// instruction is shown byte by byte.
func (p *Program) Code(names Names) []api.CodeFunc {
	if !Known(p.Machine) {
		return nil
	}
	lengths := p.Lengths
	if len(lengths) == 0 {
		lengths = []uint32{uint32(len(p.Jited))}
	}
	lines := map[uint64]*api.SourceLine{}
	for i := range min(len(p.LineAddrs), len(p.Lines)) {
		if _, ok := lines[p.LineAddrs[i]]; !ok {
			lines[p.LineAddrs[i]] = &p.Lines[i].Source
		}
	}
	names = p.withOwn(names)
	var list []api.CodeFunc
	rest := p.Jited
	for i, n := range lengths {
		code := rest[:min(int(n), len(rest))]
		rest = rest[len(code):]
		f := api.CodeFunc{Name: p.function(i)}
		if i < len(p.Addresses) {
			f.Address = p.Addresses[i]
		}
		if f.Name == "" {
			f.Name = names.symbol(f.Address)
		}
		f.Lines = machineLines(code, f.Address, decoderFor(p.Machine), names, lines)
		list = append(list, f)
	}
	return list
}

// withOwn adds the program's functions to the names.
func (p *Program) withOwn(names Names) Names {
	own := map[uint64]string{}
	for i, addr := range p.Addresses {
		own[addr] = p.function(i)
	}
	kernel := names.Symbol
	names.Symbol = func(addr uint64) (string, uint64, bool) {
		if name := own[addr]; name != "" {
			return name, 0, true
		}
		if kernel == nil {
			return "", 0, false
		}
		return kernel(addr)
	}
	return names
}

func machineLines(code []byte, base uint64, decode decodeFunc, names Names, lines map[uint64]*api.SourceLine) []api.CodeLine {
	var list []api.CodeLine
	for at := (place{base: base, size: len(code)}); at.offset < len(code); {
		line, n, ok := decode(code[at.offset:], at, names)
		if !ok {
			line, n = api.CodeLine{Text: fmt.Sprintf(".byte 0x%02x", code[at.offset])}, 1
		}
		line.Offset, line.Raw = uint32(at.offset), code[at.offset:at.offset+n:at.offset+n]
		if base != 0 {
			line.Source = lines[at.addr()]
		}
		list = append(list, line)
		at.offset += n
	}
	return list
}

// decodeX86 decodes what the kernel's JIT writes for 64-bit x86.
func decodeX86(code []byte, at place, names Names) (line api.CodeLine, length int, ok bool) {
	if len(code) >= 4 && binary.LittleEndian.Uint32(code) == 0xfa1e0ff3 {
		return api.CodeLine{Text: "endbr64"}, 4, true
	}
	inst, err := decodeInst(code)
	if err != nil || inst.Op == 0 || inst.Len == 0 || inst.Len > len(code) {
		return line, 0, false
	}
	for i, arg := range inst.Args {
		switch arg := arg.(type) {
		case x86asm.Rel:
			to := at.addr() + uint64(inst.Len) + uint64(int64(arg))
			if off, inside := at.inside(to); inside {
				line.Target = &off
			} else {
				line.Symbol = names.symbol(to)
			}
		case x86asm.Imm:
			if uint64(arg)>>32 != 0 {
				line.Symbol = names.symbol(uint64(arg))
			}
		case x86asm.Mem:
			arg.Disp = int64(int32(arg.Disp)) // the decoder does not extend the sign
			inst.Args[i] = arg
		}
	}
	symbol := func(addr uint64) (string, uint64) { return names.symbol(addr), addr }
	line.Text = x86Text(inst, x86asm.GNUSyntax(inst, at.addr(), symbol), line.Symbol)
	if line.Target != nil {
		line.Text = fmt.Sprintf("%s 0x%x", line.Text[:max(0, strings.LastIndexByte(line.Text, ' '))], *line.Target)
	}
	return line, inst.Len, true
}

// x86Text writes the addresses that an instruction loads as such, not as negative
// numbers.
func x86Text(inst x86asm.Inst, text, symbol string) string {
	imm, ok := inst.Args[1].(x86asm.Imm)
	if !ok || inst.Op != x86asm.MOV {
		return text
	}
	word, rest, _ := strings.Cut(text, " ")
	_, dst, _ := strings.Cut(rest, ",")
	const whole = 10 // bytes of the one instruction that has 64 bits of it
	switch {
	case symbol != "":
		return word + " $" + symbol + "," + dst
	case inst.Len == whole:
		return fmt.Sprintf("movabs $0x%x,%s", uint64(imm), dst)
	default:
		return text
	}
}

// decodeInst is x86asm.Decode, but a panic of it is bytes that it does not know.
func decodeInst(code []byte) (inst x86asm.Inst, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder broke on it: %v", r)
		}
	}()
	return x86asm.Decode(code, 64)
}
