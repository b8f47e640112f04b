package load

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// Names of variables that a loader fills in (extern ... __kconfig).
const (
	hasCookie         = "LINUX_HAS_BPF_COOKIE"      // of libbpf's usdt.bpf.h
	hasSyscallWrapper = "LINUX_HAS_SYSCALL_WRAPPER" // that the library knows
)

// noCookieMap holds the answer no, where there is no other variable to answer.
//
// The library freezes maps of such names, so that the verifier knows their values.
const noCookieMap = ".rodata.no_bpf_cookie"

// FillKconfig answers what cilium/ebpf (v0.22) cannot: whether attachments can
// have a cookie (Linux 5.15), which usdt.bpf.h asks. It changes the object: for yes
// the variable gets the name of one that the library knows and that is 1 wherever
// there are cookies, on x86-64 and arm64; for no it is one that stays 0.
func FillKconfig(spec *ebpf.CollectionSpec) {
	var section *btf.Datasec
	if spec.Types == nil || spec.Types.TypeByName(".kconfig", &section) != nil {
		return
	}
	i := slices.IndexFunc(section.Vars, func(v btf.VarSecinfo) bool {
		variable, ok := v.Type.(*btf.Var)
		return ok && variable.Name == hasCookie
	})
	if i < 0 {
		return
	}
	if !errors.Is(features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie), ebpf.ErrNotSupported) {
		variable := section.Vars[i].Type.(*btf.Var)
		variable.Name, variable.Type = hasSyscallWrapper, btf.UnderlyingType(variable.Type)
		return
	}
	if len(section.Vars) > 1 {
		section.Vars = slices.Delete(section.Vars, i, i+1)
		return
	}
	// The kernel takes no section without variables. All references mean this one.
	spec.Maps[noCookieMap] = &ebpf.MapSpec{
		Name: noCookieMap, Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: unix.BPF_F_RDONLY_PROG,
		Contents: []ebpf.MapKV{{Key: uint32(0), Value: uint32(0)}},
	}
	for _, p := range spec.Programs {
		for i := range p.Instructions {
			if ins := &p.Instructions[i]; ins.OpCode.IsDWordLoad() && ins.Src == asm.PseudoMapValue && ins.Reference() == "" {
				*ins = loadOf(noCookieMap, ins)
			}
		}
	}
}

// loadOf returns an instruction that loads the address of a map's value, in the
// place of another.
func loadOf(name string, old *asm.Instruction) asm.Instruction {
	ins := asm.Instruction{OpCode: old.OpCode, Dst: old.Dst, Src: asm.PseudoMapValue}
	ins = ins.WithReference(name).WithSource(old.Source())
	if symbol := old.Symbol(); symbol != "" {
		ins = btf.WithFuncMetadata(ins.WithSymbol(symbol), btf.FuncMetadata(old))
	}
	return ins
}
