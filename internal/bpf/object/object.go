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
		return nil, invalid(obj.Name, err.Error())
	}
	makeBuiltinsStatic(spec)
	return spec, nil
}

// makeBuiltinsStatic makes static functions of memset and its kin. LLVM calls
// them on its own account, so Rust's objects carry them, with global linkage,
// which such names always have. But the verifier looks at a global function
// without its callers and wants a scalar of it: it refuses these. Aya's loader
// does the same.
func makeBuiltinsStatic(spec *ebpf.CollectionSpec) {
	for _, prog := range spec.Programs {
		for i := range prog.Instructions {
			switch fn := btf.FuncMetadata(&prog.Instructions[i]); {
			case fn == nil:
			case slices.Contains([]string{"memcpy", "memmove", "memset", "memcmp", "bcmp"}, fn.Name):
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
	return ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
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
