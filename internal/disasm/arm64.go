package disasm

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// armDecoder decodes what the kernel's JIT writes for arm64. That calls through
// registers, which it fills with constants 16 bits at a time: the decoder keeps
// what the last such run of instructions has made.
type armDecoder struct {
	values map[uint32]uint64 // by register
}

// decode is a decodeFunc.
func (d *armDecoder) decode(code []byte, at place, names Names) (line api.CodeLine, length int, ok bool) {
	if len(code) < 4 {
		return line, 0, false
	}
	word := binary.LittleEndian.Uint32(code)
	inst, err := decodeARM(code)
	if err != nil {
		d.values = nil
		return api.CodeLine{Text: fmt.Sprintf(".inst 0x%08x", word)}, 4, true
	}
	line.Text = arm64asm.GNUSyntax(inst)
	if word&0xfffff01f == 0xd503201f {
		line.Text = hintARM(word>>5&0x7f, line.Text)
	}
	for _, arg := range inst.Args {
		if rel, is := arg.(arm64asm.PCRel); is {
			jumpARM(&line, at, at.addr()+uint64(int64(rel)), names)
		}
	}
	if v, known := d.called(word); known {
		if line.Symbol = names.symbol(v); line.Symbol != "" {
			line.Text += " // " + line.Symbol
		}
	}
	d.follow(word)
	return line, 4, true
}

// hintARM names the hints that the JIT writes, which the decoder only numbers.
func hintARM(n uint32, text string) string {
	switch n {
	case 0x19:
		return "paciasp"
	case 0x1d:
		return "autiasp"
	case 0x22:
		return "bti c"
	case 0x24:
		return "bti j"
	case 0x26:
		return "bti jc"
	default:
		return text
	}
}

// jumpARM writes where a jump goes: the decoder has the distance.
func jumpARM(line *api.CodeLine, at place, to uint64, names Names) {
	where := fmt.Sprintf("0x%x", to)
	if off, inside := at.inside(to); inside {
		line.Target = &off
		where = fmt.Sprintf("0x%x", off)
	} else if line.Symbol = names.symbol(to); line.Symbol != "" {
		where = line.Symbol
	}
	if i := strings.LastIndex(line.Text, ".+"); i >= 0 {
		line.Text = line.Text[:i] + where
	}
}

// The encodings are those of the Arm Architecture Reference Manual, C6.2.

// called returns what is in the register that an instruction calls (BLR).
func (d *armDecoder) called(word uint32) (uint64, bool) {
	if word&0xfffffc1f != 0xd63f0000 {
		return 0, false
	}
	v, ok := d.values[word>>5&31]
	return v, ok
}

// follow takes note of a constant that is moved into a register of 64 bits (MOVN,
// MOVZ, MOVK). Any other instruction ends what is known.
func (d *armDecoder) follow(word uint32) {
	reg, shift, imm := word&31, (word>>21&3)*16, uint64(word>>5&0xffff)
	switch word & 0xff800000 {
	case 0x92800000: // MOVN
		d.values = map[uint32]uint64{reg: ^(imm << shift)}
	case 0xd2800000: // MOVZ
		d.values = map[uint32]uint64{reg: imm << shift}
	case 0xf2800000: // MOVK
		if v, ok := d.values[reg]; ok {
			d.values[reg] = v&^(0xffff<<shift) | imm<<shift
		}
	default:
		d.values = nil
	}
}

// decodeARM is arm64asm.Decode, but a panic of it is an instruction that it does
// not know.
func decodeARM(code []byte) (inst arm64asm.Inst, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder broke on it: %v", r)
		}
	}()
	return arm64asm.Decode(code)
}
