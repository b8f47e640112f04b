package object

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

func TestBuiltinsAreStatic(t *testing.T) {
	fn := func(name string) *btf.Func { return &btf.Func{Name: name, Linkage: btf.GlobalFunc} }
	builtin, hidden, own := fn("memset"), fn("bpf_usdt_arg"), fn("memset_all")
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"p": {Instructions: asm.Instructions{
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0), builtin), asm.Return(),
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0), hidden), asm.Return(),
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0), own), asm.Return(),
	}}}}
	makeStatic(spec, []string{"bpf_usdt_arg"})
	if builtin.Linkage != btf.StaticFunc || hidden.Linkage != btf.StaticFunc || own.Linkage != btf.GlobalFunc {
		t.Errorf("memset is %v, the hidden function is %v, memset_all is %v", builtin.Linkage, hidden.Linkage, own.Linkage)
	}
}
