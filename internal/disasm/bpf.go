package disasm

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// insnSize is the bytes of a BPF instruction; a 64-bit constant takes two.
const insnSize = 8

// The fields of an opcode: Documentation/bpf/standardization/instruction-set.rst
// of the kernel. Those above 0xff00 are not part of an instruction.
const (
	classLD, classLDX, classST, classSTX       = 0, 1, 2, 3
	classALU, classJMP, classJMP32, classALU64 = 4, 5, 6, 7

	modeIMM, modeABS, modeIND, modeMEM = 0x00, 0x20, 0x40, 0x60
	modeMEMSX, modeATOMIC              = 0x80, 0xc0
	sourceX                            = 0x08
	opNEG, opMOV, opEND                = 0x80, 0xb0, 0xd0
	opDIV, opMOD                       = 0x30, 0x90
	opJA, opCALL, opEXIT, opJCOND      = 0x00, 0x80, 0x90, 0xe0
	ldImm64                            = 0x18
	fetch, xchg, cmpxchg               = 0x01, 0xe1, 0xf1
	loadAcquire, storeRelease          = 0x100, 0x110
	pseudoMapFD, pseudoMapValue        = 1, 2
	pseudoBTFID, pseudoFunc            = 3, 4
	pseudoMapIdx, pseudoMapIdxValue    = 5, 6
	pseudoCall, pseudoKfunc            = 1, 2
	addrSpaceCast, percpuAddr          = 1, -1
	tailCall                           = 12 // BPF_FUNC_tail_call
	sdiv                               = 1
)

// insn is one instruction of 8 bytes.
type insn struct {
	code     byte
	dst, src byte
	off      int16
	imm      int32
}

func readInsn(raw []byte) insn {
	return insn{
		code: raw[0], dst: raw[1] & 15, src: raw[1] >> 4,
		off: int16(binary.LittleEndian.Uint16(raw[2:])), imm: int32(binary.LittleEndian.Uint32(raw[4:])),
	}
}

func (i insn) class() byte { return i.code & 7 }
func (i insn) op() byte    { return i.code & 0xf0 }
func (i insn) mode() byte  { return i.code & 0xe0 }

// size returns the C type of what is loaded or stored.
func (i insn) size() string { return [...]string{"u32", "u16", "u8", "u64"}[i.code>>3&3] }

// reg names the register of an arithmetic operation: w1 is the lower half of r1.
func (i insn) reg(n byte) string {
	if i.class() == classALU || i.class() == classJMP32 {
		return fmt.Sprintf("w%d", n)
	}
	return fmt.Sprintf("r%d", n)
}

// memory is what a load or store is about.
func (i insn) memory(reg byte) string { return fmt.Sprintf("(%s *)(r%d %+d)", i.size(), reg, i.off) }

// decoder makes one line.
type decoder struct {
	p      *Program
	names  Names
	offset uint32
	line   api.CodeLine
}

// insn decodes the instruction at the offset and returns how many it takes.
func (d *decoder) insn() (api.CodeLine, uint32) {
	raw := d.p.Xlated[d.offset*insnSize:]
	i, width := readInsn(raw), uint32(1)
	if i.code == ldImm64 && len(raw) >= 2*insnSize {
		width = 2
	}
	d.line = api.CodeLine{Offset: d.offset, Raw: raw[: width*insnSize : width*insnSize]}
	var text string
	switch i.class() {
	case classALU, classALU64:
		text = alu(i)
	case classJMP, classJMP32:
		text = d.jump(i)
	case classLD:
		text = d.load(i, raw, width)
	case classLDX:
		text = loadMemory(i)
	case classST:
		text = store(i)
	case classSTX:
		text = storeRegister(i)
	}
	if text == "" {
		text = "unknown instruction"
	}
	d.line.Text = fmt.Sprintf("(%02x) %s", i.code, text)
	return d.line, width
}

func aluOperator(op byte) string {
	return [...]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^=", "=", "s>>="}[op>>4]
}

// alu writes arithmetic.
func alu(i insn) string {
	dst, src := i.reg(i.dst), i.reg(i.src)
	switch op := i.op(); {
	case op == opEND && i.class() == classALU64:
		return fmt.Sprintf("r%d = bswap%d r%d", i.dst, i.imm, i.dst)
	case op == opEND:
		word := "le"
		if i.code&sourceX != 0 {
			word = "be"
		}
		return fmt.Sprintf("r%d = %s%d r%d", i.dst, word, i.imm, i.dst)
	case op == opNEG:
		return dst + " = -" + dst
	case op > opEND:
		return ""
	case i.code&sourceX == 0:
		return fmt.Sprintf("%s %s %d", dst, operator(i), i.imm)
	case op == opMOV && i.class() == classALU64 && i.off == addrSpaceCast:
		return fmt.Sprintf("r%d = addr_space_cast(r%d, %d, %d)", i.dst, i.src, uint32(i.imm)>>16, uint16(i.imm))
	case op == opMOV && i.class() == classALU64 && i.off == percpuAddr:
		return fmt.Sprintf("r%d = &(void __percpu *)(r%d)", i.dst, i.src)
	case op == opMOV && i.off != 0:
		return fmt.Sprintf("%s = (s%d)%s", dst, i.off, src)
	default:
		return fmt.Sprintf("%s %s %s", dst, operator(i), src)
	}
}

// operator returns the operator of arithmetic; signed division has an offset.
func operator(i insn) string {
	op := aluOperator(i.op())
	if (i.op() == opDIV || i.op() == opMOD) && i.off == sdiv {
		return "s" + op
	}
	return op
}

func loadMemory(i insn) string {
	switch i.mode() {
	case modeMEM:
		return fmt.Sprintf("r%d = *%s", i.dst, i.memory(i.src))
	case modeMEMSX:
		return fmt.Sprintf("r%d = *%s", i.dst, strings.Replace(i.memory(i.src), "(u", "(s", 1))
	default: // what may fault: the kernel says so in memory, not to us
		return ""
	}
}

func store(i insn) string {
	switch i.mode() {
	case modeMEM:
		return fmt.Sprintf("*%s = %d", i.memory(i.dst), i.imm)
	case modeATOMIC:
		return "nospec" // a barrier of the verifier's own
	default:
		return ""
	}
}

// storeRegister writes stores of registers, atomic ones among them.
func storeRegister(i insn) string {
	switch i.mode() {
	case modeMEM:
		return fmt.Sprintf("*%s = r%d", i.memory(i.dst), i.src)
	case modeATOMIC:
	default:
		return ""
	}
	wide := ""
	if i.size() == "u64" {
		wide = "64"
	}
	names := map[int32]string{0x00: "add", 0x40: "or", 0x50: "and", 0xa0: "xor"}
	switch op := i.imm; {
	case op == loadAcquire:
		return fmt.Sprintf("r%d = load_acquire(%s)", i.dst, i.memory(i.src))
	case op == storeRelease:
		return fmt.Sprintf("store_release(%s, r%d)", i.memory(i.dst), i.src)
	case op == cmpxchg:
		return fmt.Sprintf("r0 = atomic%s_cmpxchg(%s, r0, r%d)", wide, i.memory(i.dst), i.src)
	case op == xchg:
		return fmt.Sprintf("r%d = atomic%s_xchg(%s, r%d)", i.src, wide, i.memory(i.dst), i.src)
	case names[op] != "":
		return fmt.Sprintf("lock *%s %s r%d", i.memory(i.dst), aluOperator(byte(op)), i.src)
	case op&fetch != 0 && names[op&^fetch] != "":
		return fmt.Sprintf("r%d = atomic%s_fetch_%s(%s, r%d)", i.src, wide, names[op&^fetch], i.memory(i.dst), i.src)
	default:
		return ""
	}
}

// load writes loads of constants and of packets.
func (d *decoder) load(i insn, raw []byte, width uint32) string {
	switch {
	case width == 2:
		return fmt.Sprintf("r%d = %s", i.dst, d.constant(i, raw))
	case i.mode() == modeABS:
		return fmt.Sprintf("r0 = *(%s *)skb[%d]", i.size(), i.imm)
	case i.mode() == modeIND:
		return fmt.Sprintf("r0 = *(%s *)skb[r%d + %d]", i.size(), i.src, i.imm)
	default:
		return ""
	}
}

// constant writes a 64-bit constant, or what it stands for.
func (d *decoder) constant(i insn, raw []byte) string {
	second := readInsn(raw[insnSize:])
	switch i.src {
	case pseudoMapFD:
		return d.mapName(uint32(i.imm))
	case pseudoMapValue:
		return fmt.Sprintf("%s[0]+%d", d.mapName(uint32(i.imm)), uint32(second.imm))
	case pseudoMapIdx:
		return fmt.Sprintf("map[idx:%d]", uint32(i.imm))
	case pseudoMapIdxValue:
		return fmt.Sprintf("map[idx:%d]+%d", uint32(i.imm), uint32(second.imm))
	case pseudoFunc:
		target := uint32(int64(d.offset) + int64(i.imm) + 1)
		d.line.Target = &target
		d.line.Symbol = d.p.functionAt(target)
		return fmt.Sprintf("subprog[%+d]", i.imm)
	default:
		v := uint64(uint32(i.imm)) | uint64(uint32(second.imm))<<32
		d.line.Symbol = d.names.symbol(v)
		return fmt.Sprintf("0x%x", v)
	}
}

func (d *decoder) mapName(id uint32) string {
	if d.names.Map != nil {
		d.line.Symbol = d.names.Map(id)
	}
	if d.line.Symbol == "" {
		return fmt.Sprintf("map[id:%d]", id)
	}
	return fmt.Sprintf("map[id:%d %s]", id, d.line.Symbol)
}

// jump writes jumps, calls and the end.
func (d *decoder) jump(i insn) string {
	goTo := func(to int32) string {
		target := uint32(int64(d.offset) + int64(to) + 1)
		d.line.Target = &target
		return fmt.Sprintf("goto pc%+d", to)
	}
	switch op := i.op(); {
	case op == opCALL:
		return d.call(i)
	case op == opEXIT:
		return "exit"
	case op == opJA && i.class() == classJMP32:
		return strings.Replace(goTo(i.imm), "goto", "gotol", 1)
	case op == opJA && i.code&sourceX != 0:
		return "gotox " + i.reg(i.dst)
	case op == opJA:
		return goTo(int32(i.off))
	case op == opJCOND:
		return "may_" + goTo(int32(i.off))
	case op > opJCOND:
		return ""
	case i.code&sourceX != 0:
		return fmt.Sprintf("if %s %s %s %s", i.reg(i.dst), comparison(op), i.reg(i.src), goTo(int32(i.off)))
	default:
		return fmt.Sprintf("if %s %s 0x%x %s", i.reg(i.dst), comparison(op), uint32(i.imm), goTo(int32(i.off)))
	}
}

func comparison(op byte) string {
	return [...]string{"", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<="}[op>>4]
}

// call writes a call: of a function of the program, of a kfunc or of a helper. The
// kernel has put in place of a helper's number how far its code is.
func (d *decoder) call(i insn) string {
	if i.code&sourceX != 0 {
		return "callx " + i.reg(i.dst)
	}
	if i.src == pseudoCall {
		return d.callOwn(i)
	}
	if i.imm != 0 && d.names.CallBase != 0 {
		d.line.Symbol = d.names.symbol(d.names.CallBase + uint64(int64(i.imm)))
	}
	if d.line.Symbol == "" && i.src == pseudoKfunc && d.names.KernelFunc != nil {
		d.line.Symbol = d.names.KernelFunc(uint32(i.imm)) // machines whose calls reach far keep the id
	}
	if d.line.Symbol == "" && i.src == 0 && i.imm == tailCall {
		d.line.Symbol = "bpf_tail_call" // an instruction of its own, that the kernel shows as a call
	}
	switch {
	case d.line.Symbol != "":
		return "call " + d.line.Symbol
	case i.imm == 0:
		return "call of a function whose address is hidden"
	default:
		return fmt.Sprintf("call unknown#%d", i.imm)
	}
}

// callOwn writes a call of another function of the program. The JIT leaves that
// function's number, as the distance may not fit.
func (d *decoder) callOwn(i insn) string {
	target := uint32(int64(d.offset) + int64(i.off) + 1)
	if i.imm > 0 && int(i.imm) < len(d.p.Funcs) {
		target = d.p.Funcs[i.imm].Offset
	}
	d.line.Target = &target
	d.line.Symbol = d.p.functionAt(target)
	if d.line.Symbol == "" {
		return fmt.Sprintf("call pc%+d", int64(target)-int64(d.offset)-1)
	}
	return fmt.Sprintf("call pc%+d#%s", int64(target)-int64(d.offset)-1, d.line.Symbol)
}
