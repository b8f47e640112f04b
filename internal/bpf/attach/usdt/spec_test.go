package usdt

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"
)

func TestParseArg(t *testing.T) {
	for _, test := range []struct {
		machine elf.Machine
		word    string
		want    arg
	}{
		{elf.EM_X86_64, "-4@%edi", arg{kind: argRegister, register: 112, signed: true, size: 4}},
		{elf.EM_X86_64, "8@%r15", arg{kind: argRegister, register: 0, size: 8}},
		{elf.EM_X86_64, "8@-8(%rbp)", arg{kind: argMemory, value: -8, register: 32, size: 8}},
		{elf.EM_X86_64, "1@(%rsp)", arg{kind: argMemory, register: 152, size: 1}},
		{elf.EM_X86_64, "-2@$-7", arg{kind: argConst, value: -7, signed: true, size: 2}},
		{elf.EM_AARCH64, "8@x3", arg{kind: argRegister, register: 24, size: 8}},
		{elf.EM_AARCH64, "-4@[sp,12]", arg{kind: argMemory, value: 12, register: 248, signed: true, size: 4}},
		{elf.EM_AARCH64, "4@[x29]", arg{kind: argMemory, register: 232, size: 4}},
		{elf.EM_AARCH64, "4@5", arg{kind: argConst, value: 5, size: 4}},
	} {
		if got, err := parseArg(test.machine, test.word); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.word, got, err, test.want)
		}
	}
	for _, word := range []string{"", "4", "3@%rax", "x@%rax", "4@%none", "4@8(%rax,%rbx,4)", "4@(rax)", "4@$x"} {
		if got, err := parseArg(elf.EM_X86_64, word); err == nil {
			t.Errorf("%q gives %+v", word, got)
		}
	}
	if _, err := parseArg(elf.EM_RISCV, "8@a0"); err == nil {
		t.Error("an argument of another machine is read")
	}
}

func TestSpec(t *testing.T) {
	spec, err := Spec(elf.EM_X86_64, "-4@%edi 8@-8(%rbp)", 7)
	if err != nil || len(spec) != SpecSize {
		t.Fatalf("%d bytes, %v", len(spec), err)
	}
	if shift := spec[15]; shift != 32 {
		t.Errorf("the first argument is shifted by %d bits, want 32", shift)
	}
	if cookie, count := binary.NativeEndian.Uint64(spec[192:]), binary.NativeEndian.Uint16(spec[200:]); cookie != 7 || count != 2 {
		t.Errorf("cookie %d, %d arguments", cookie, count)
	}
	if got := splitArgs("8@[sp, 16] 4@w0"); !slices.Equal(got, []string{"8@[sp,16]", "4@w0"}) {
		t.Errorf("arguments %q", got)
	}
	if _, err := Spec(elf.EM_X86_64, "8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax 8@%rax", 0); err == nil {
		t.Error("13 arguments are taken")
	}
}
