package object

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

func TestBuiltinsAreStatic(t *testing.T) {
	fn := func(name string) *btf.Func { return &btf.Func{Name: name, Linkage: btf.GlobalFunc} }
	builtin, own := fn("memset"), fn("memset_all")
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"p": {Instructions: asm.Instructions{
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0), builtin), asm.Return(),
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0), own), asm.Return(),
	}}}}
	makeBuiltinsStatic(spec)
	if builtin.Linkage != btf.StaticFunc || own.Linkage != btf.GlobalFunc {
		t.Errorf("memset is %v, memset_all is %v", builtin.Linkage, own.Linkage)
	}
}
