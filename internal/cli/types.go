package cli

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfc"
)

// typeSet is BTF that was read and parsed.
type typeSet struct {
	about string // what to call it: "vmlinux", "map counts", a file
	info  api.BTF
	spec  *btf.Spec
	base  *btf.Spec // of a module: the kernel's
}

// specs returns where a type may be, the nearest first.
func (s typeSet) specs() []*btf.Spec {
	if s.base == nil {
		return []*btf.Spec{s.spec}
	}
	return []*btf.Spec{s.spec, s.base}
}

// id returns a type's id, 0 for what is only in the base.
func (s typeSet) id(t btf.Type) btf.TypeID {
	id, err := s.spec.TypeID(t)
	if err != nil && s.base != nil {
		id, _ = s.base.TypeID(t)
	}
	return id
}

// named returns the types of some names.
func (s typeSet) named(names []string) ([]btf.Type, error) {
	var list []btf.Type
	for _, name := range names {
		found, err := btfc.Named(name, s.specs()...)
		var missing *btfc.NoTypeError
		switch {
		case errors.As(err, &missing):
			return nil, noType(s.about, missing)
		case err != nil:
			return nil, api.E("find type", name, api.ErrInvalid, err)
		}
		list = append(list, found...)
	}
	return list, nil
}

func noType(about string, missing *btfc.NoTypeError) error {
	cause := about + " has no such type"
	if len(missing.Near) > 0 {
		cause += "; it has " + strings.Join(missing.Near, ", ")
	}
	return api.Errorf("find type", missing.Name, api.ErrNotExist, cause)
}

// all returns every type that a header has.
func (s typeSet) all() ([]btf.Type, error) {
	list, err := btfc.All(s.spec)
	if err != nil {
		return nil, badBTF(s.about, err)
	}
	return list, nil
}

func badBTF(about string, err error) error {
	return api.E("read BTF", about, api.ErrInvalid, err)
}

// readTypes asks a session for BTF and parses it, with the kernel's under a
// module's.
func readTypes(ctx context.Context, s api.Session, about string, req api.BTFRequest) (typeSet, error) {
	data, err := s.ReadBTF(ctx, req)
	if err != nil {
		return typeSet{}, err
	}
	set := typeSet{about: about, info: data.BTF}
	if data.Split() {
		kernel, err := readTypes(ctx, s, api.KernelBTF, api.BTFRequest{Name: api.KernelBTF})
		if err != nil {
			return typeSet{}, err
		}
		set.base = kernel.spec
	}
	if set.spec, err = btfc.Parse(data.Data, set.base); err != nil {
		return typeSet{}, badBTF(about, err)
	}
	return set, nil
}

// btfRequest is how a person names BTF: by id, or the kernel's and modules' by
// name.
func btfRequest(which string) api.BTFRequest {
	if id, err := strconv.ParseUint(which, 10, 32); err == nil && id > 0 {
		return api.BTFRequest{ID: uint32(id)}
	}
	return api.BTFRequest{Name: which}
}

// isTypesFile reports whether an argument is a file with BTF, not a type's name.
func isTypesFile(arg string) bool {
	ext := filepath.Ext(arg)
	return ext == ".o" || ext == ".btf" || strings.ContainsRune(arg, filepath.Separator)
}

// fileTypes reads the BTF of an object file, or a file that is nothing else.
func fileTypes(path string) (typeSet, error) {
	obj, err := readObject(path)
	if err != nil {
		return typeSet{}, err
	}
	data := obj.Data
	switch {
	case bytes.HasPrefix(data, []byte(elf.ELFMAG)):
		if data, err = btfSection(data); err != nil {
			return typeSet{}, badBTF(path, err)
		}
	case !bytes.HasPrefix(data, []byte{0x9f, 0xeb}) && !bytes.HasPrefix(data, []byte{0xeb, 0x9f}):
		return typeSet{}, api.Errorf("read BTF", path, api.ErrInvalid, "it is neither an ELF file nor BTF")
	}
	set := typeSet{about: path, info: api.BTF{Bytes: uint32(len(data))}}
	if set.spec, err = btfc.Parse(data, nil); err != nil {
		return typeSet{}, badBTF(path, err)
	}
	return set, nil
}

var (
	errNoBTF  = errors.New("it has no section .BTF: was it compiled without -g?")
	errZipped = errors.New("its section .BTF is compressed or not in the file")
)

// btfSection returns the bytes of an object's section .BTF. It allocates no more
// than the file has.
func btfSection(data []byte) ([]byte, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := file.Section(".BTF")
	switch {
	case section == nil:
		return nil, errNoBTF
	case section.Type == elf.SHT_NOBITS || section.Flags&elf.SHF_COMPRESSED != 0 || section.FileSize > uint64(len(data)):
		return nil, errZipped
	}
	return section.Data()
}
