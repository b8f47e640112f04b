// Package object reads BPF object files that nobody vouches for.
//
// A parser of ELF and BTF allocates what the file claims: a file of 467 bytes
// can claim a .bss section of 4 GiB. Check looks at the headers alone and
// refuses what is no BPF object or claims too much; only then does Parse hand
// the bytes to cilium/ebpf. Who does not trust that either runs CheckLimited in
// a child process first, with CheckInChild.
package object

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Limits on what is parsed at all. Real objects are far below: the largest of
// the kernel's selftests has about 1 MiB.
const (
	MaxFile = 64 << 20 // bytes of the file
	MaxData = 64 << 20 // bytes that its sections make in memory
)

// Parse checks an object and returns what it holds.
// Errors: ErrInvalid.
func Parse(obj api.Object) (*ebpf.CollectionSpec, error) {
	if err := Check(obj); err != nil {
		return nil, err
	}
	spec, err := load(obj.Data)
	if err != nil {
		e := invalid(obj.Name, err.Error())
		if strings.Contains(err.Error(), "'.struct_ops' section") {
			e.Cause = "its section .struct_ops is not understood; .struct_ops.link, which ends with its loader, is"
		}
		return nil, e
	}
	return spec, nil
}

// makeStatic makes functions static for the verifier, which looks at a global one
// without its callers and wants scalars of it: those that are hidden, as libbpf
// does, and memset and its kin. LLVM calls these on its own account, so Rust's
// objects carry them, with global linkage, which such names always have. Aya's
// loader does the same.
func makeStatic(spec *ebpf.CollectionSpec, hidden []string) {
	static := append([]string{"memcpy", "memmove", "memset", "memcmp", "bcmp"}, hidden...)
	for _, prog := range spec.Programs {
		for i := range prog.Instructions {
			if fn := btf.FuncMetadata(&prog.Instructions[i]); fn != nil && slices.Contains(static, fn.Name) {
				fn.Linkage = btf.StaticFunc
			}
		}
	}
}

// load parses with cilium/ebpf. A panic there is that library's bug, but the
// file is the cause, so it is reported as such.
func load(data []byte) (spec *ebpf.CollectionSpec, err error) {
	defer func() {
		if r := recover(); r != nil {
			spec, err = nil, fmt.Errorf("the parser broke on it: %v", r)
		}
	}()
	data, hidden := adapt(data)
	if spec, err = ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data)); err == nil {
		makeStatic(spec, hidden)
		err = readExtra(spec)
	}
	return spec, err
}

// CheckLimited reads an object file and parses it under hard limits on memory
// and processor time, which it sets on this process for good. It is for a
// child process that does nothing else: at a limit the process dies.
func CheckLimited(r io.Reader) error {
	if err := setLimits(); err != nil {
		return api.E("limit", "this process", api.ErrEnvironment, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return api.E("read object", "standard input", api.ErrFailed, err)
	}
	_, err = Parse(api.Object{Name: "object", Data: data})
	return err
}

func invalid(name, cause string) *api.Error {
	if name == "" {
		name = "object"
	}
	return api.Errorf("read", name, api.ErrInvalid, cause)
}
