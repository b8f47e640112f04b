package usdt

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// The kinds of arguments that libbpf's usdt.bpf.h knows, and its limits.
const (
	argConst    = 0 // the value itself
	argRegister = 1
	argMemory   = 2 // at an address in a register, plus an offset

	maxArgs = 12
)

// SpecSize is the size of struct __bpf_usdt_spec in usdt.bpf.h.
const SpecSize = 208

// arg is where an argument is when its probe is met.
type arg struct {
	kind     uint32
	value    int64 // the constant or the offset from the register
	register int16 // offset in struct pt_regs
	signed   bool
	size     int // bytes
}

// Spec returns what a program that includes usdt.bpf.h looks up in the map
// __bpf_usdt_specs to read the arguments of a probe: a struct __bpf_usdt_spec.
//
// It knows the registers of x86-64 and arm64. An operand with an index register,
// which few compilers emit, is refused, as by libbpf's versions before 1.6.
func Spec(machine elf.Machine, args string, cookie uint64) ([]byte, error) {
	words := splitArgs(args)
	if len(words) > maxArgs {
		return nil, fmt.Errorf("the probe has %d arguments, at most %d are read", len(words), maxArgs)
	}
	order := binary.NativeEndian
	out := make([]byte, 0, SpecSize)
	for _, w := range words {
		a, err := parseArg(machine, w)
		if err != nil {
			return nil, err
		}
		out = order.AppendUint64(out, uint64(a.value))
		out = order.AppendUint32(out, a.kind)
		out = order.AppendUint16(out, uint16(a.register))
		sign := byte(0)
		if a.signed {
			sign = 1
		}
		out = append(out, sign, byte(64-8*a.size))
	}
	out = append(out, make([]byte, 16*maxArgs-len(out))...)
	out = order.AppendUint64(out, cookie)
	out = order.AppendUint16(out, uint16(len(words)))
	return append(out, make([]byte, SpecSize-len(out))...), nil
}

// splitArgs splits at blanks, but not within the brackets of "8@[sp, 16]".
func splitArgs(args string) []string {
	var words []string
	for _, w := range strings.Fields(args) {
		if n := len(words); n > 0 && strings.Count(words[n-1], "[") > strings.Count(words[n-1], "]") {
			words[n-1] += w
			continue
		}
		words = append(words, w)
	}
	return words
}

// parseArg reads SIZE@OPERAND; the size is negative for what has a sign.
func parseArg(machine elf.Machine, word string) (arg, error) {
	refused := fmt.Errorf("the argument %q is not understood", word)
	size, operand, ok := strings.Cut(word, "@")
	n, err := strconv.Atoi(size)
	if !ok || err != nil {
		return arg{}, refused
	}
	a := arg{signed: n < 0, size: max(n, -n)}
	if a.size != 1 && a.size != 2 && a.size != 4 && a.size != 8 {
		return arg{}, refused
	}
	switch machine {
	case elf.EM_X86_64:
		ok = a.x86(operand)
	case elf.EM_AARCH64:
		ok = a.arm64(operand)
	default:
		return arg{}, fmt.Errorf("the arguments of probes for %s are not read", strings.TrimPrefix(machine.String(), "EM_"))
	}
	if !ok {
		return arg{}, refused
	}
	return a, nil
}

// x86 reads "$5", "%rdi" or "-8(%rbp)".
func (a *arg) x86(operand string) bool {
	if text, ok := strings.CutPrefix(operand, "$"); ok {
		return a.constant(text)
	}
	if text, ok := strings.CutPrefix(operand, "%"); ok {
		a.kind = argRegister
		return a.registerX86(text)
	}
	offset, inside, ok := strings.Cut(operand, "(%")
	inside, closed := strings.CutSuffix(inside, ")")
	if !ok || !closed {
		return false
	}
	a.kind = argMemory
	return a.offset(offset) && a.registerX86(inside)
}

// registerX86 finds a register's place in struct pt_regs
// (arch/x86/include/uapi/asm/ptrace.h) by the name of any of its parts.
func (a *arg) registerX86(name string) bool {
	const parts = "r15,r15d,r15w,r15b r14,r14d,r14w,r14b r13,r13d,r13w,r13b r12,r12d,r12w,r12b " +
		"rbp,ebp,bp,bpl rbx,ebx,bx,bl r11,r11d,r11w,r11b r10,r10d,r10w,r10b r9,r9d,r9w,r9b r8,r8d,r8w,r8b " +
		"rax,eax,ax,al rcx,ecx,cx,cl rdx,edx,dx,dl rsi,esi,si,sil rdi,edi,di,dil orig_rax rip,eip,ip cs eflags rsp,esp,sp,spl"
	for i, names := range strings.Fields(parts) {
		for known := range strings.SplitSeq(names, ",") {
			if known == name {
				a.register = int16(8 * i)
				return true
			}
		}
	}
	return false
}

// arm64 reads "5", "x0", "[sp]" or "[x1,8]".
func (a *arg) arm64(operand string) bool {
	if inside, ok := strings.CutPrefix(operand, "["); ok {
		inside, closed := strings.CutSuffix(inside, "]")
		register, offset, _ := strings.Cut(inside, ",")
		a.kind = argMemory
		return closed && a.offset(strings.TrimPrefix(offset, "#")) && a.registerARM64(register)
	}
	if a.registerARM64(operand) {
		a.kind = argRegister
		return true
	}
	return a.constant(strings.TrimPrefix(operand, "#"))
}

// registerARM64 finds a register's place in struct user_pt_regs: regs[31], sp.
func (a *arg) registerARM64(name string) bool {
	if name == "sp" {
		a.register = 31 * 8
		return true
	}
	text, ok := strings.CutPrefix(name, "x")
	if !ok {
		text, ok = strings.CutPrefix(name, "w")
	}
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 0 || n > 30 {
		return false
	}
	a.register = int16(8 * n)
	return true
}

func (a *arg) constant(text string) bool {
	a.kind = argConst
	n, err := strconv.ParseInt(text, 0, 64)
	a.value = n
	return err == nil
}

func (a *arg) offset(text string) bool {
	if text == "" {
		return true
	}
	n, err := strconv.ParseInt(text, 0, 64)
	a.value = n
	return err == nil
}
