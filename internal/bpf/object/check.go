package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// section is what matters of an Elf64_Shdr.
type section struct {
	typ       elf.SectionType
	flags     elf.SectionFlag
	off, size uint64
	memory    uint64 // bytes that it makes when it is parsed
}

const (
	headerSize        = 64
	sectionHeaderSize = 64
)

// Check looks at the headers of an object file and refuses what is not a BPF
// object or claims more memory than MaxData. It allocates nothing that depends
// on the file.
func Check(obj api.Object) error {
	if err := check(obj.Data); err != nil {
		e := invalid(obj.Name, err.Error())
		e.Hint = hint(obj.Data)
		return e
	}
	return nil
}

// hint suggests what to run for files that are often given by mistake.
func hint(data []byte) string {
	if bytes.HasPrefix(data, []byte(elf.ELFMAG)) && len(data) >= headerSize {
		return ""
	}
	return "clang -g -O2 -target bpf -c prog.bpf.c -o prog.bpf.o"
}

func check(data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case len(data) > MaxFile:
		return fmt.Errorf("the file has %d bytes, at most %d are read", len(data), MaxFile)
	case !bytes.HasPrefix(data, []byte(elf.ELFMAG)):
		return errors.New("not an ELF file")
	case len(data) < headerSize:
		return fmt.Errorf("truncated: an ELF header has %d bytes, the file %d", headerSize, len(data))
	}
	order, err := checkIdent(data)
	if err != nil {
		return err
	}
	return checkSections(data, order)
}

// checkIdent checks the part of the header that says whose the file is.
func checkIdent(data []byte) (binary.ByteOrder, error) {
	if class := elf.Class(data[elf.EI_CLASS]); class != elf.ELFCLASS64 {
		if class == elf.ELFCLASS32 {
			return nil, errors.New("a 32-bit ELF file; BPF objects are 64-bit")
		}
		return nil, fmt.Errorf("unknown ELF class %d", class)
	}
	var order binary.ByteOrder
	switch elf.Data(data[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		order = binary.BigEndian
	default:
		return nil, fmt.Errorf("unknown byte order %d", data[elf.EI_DATA])
	}
	machine := elf.Machine(order.Uint16(data[18:]))
	if machine != elf.EM_BPF && machine != elf.EM_NONE { // LLVM wrote EM_NONE before 3.9
		return nil, fmt.Errorf("an ELF file for %s, not for BPF", machineName(machine))
	}
	if typ := elf.Type(order.Uint16(data[16:])); typ != elf.ET_REL {
		return nil, fmt.Errorf("an ELF file of type %s; BPF objects are relocatable (ET_REL)", typ)
	}
	return order, nil
}

func machineName(m elf.Machine) string {
	return strings.TrimPrefix(m.String(), "EM_")
}

// checkSections walks the table of sections and adds up what parsing them
// would take.
func checkSections(data []byte, order binary.ByteOrder) error {
	size := uint64(len(data))
	off := order.Uint64(data[40:])
	entry, count := uint64(order.Uint16(data[58:])), uint64(order.Uint16(data[60:]))
	if count == 0 {
		return errors.New("no section headers")
	}
	if entry != sectionHeaderSize {
		return fmt.Errorf("section headers of %d bytes, want %d", entry, sectionHeaderSize)
	}
	if off > size || count > (size-off)/entry {
		return fmt.Errorf("truncated: %d section headers at offset %d do not fit %d bytes", count, off, size)
	}
	total := uint64(0)
	r := bytes.NewReader(data)
	for i := range count {
		sh := readHeader(data[off+i*entry:], order)
		if err := sh.check(r, order, size, i); err != nil {
			return err
		}
		if total += sh.memory; total > MaxData {
			return fmt.Errorf("its sections take more than %d MiB in memory", MaxData>>20)
		}
	}
	return nil
}

func readHeader(raw []byte, order binary.ByteOrder) section {
	return section{
		typ:   elf.SectionType(order.Uint32(raw[4:])),
		flags: elf.SectionFlag(order.Uint64(raw[8:])),
		off:   order.Uint64(raw[24:]),
		size:  order.Uint64(raw[32:]),
	}
}

// check compares one section with the file's size and sets how many bytes it
// makes in memory.
func (s *section) check(r io.ReaderAt, order binary.ByteOrder, size, index uint64) error {
	s.memory = s.size
	switch {
	case s.typ == elf.SHT_NULL:
		s.memory = 0
		return nil
	case s.typ == elf.SHT_NOBITS:
		if s.size > MaxData {
			return fmt.Errorf("section %d (zeroed data) claims %d bytes, at most %d are allowed", index, s.size, MaxData)
		}
		return nil
	case s.off > size || s.size > size-s.off:
		return fmt.Errorf("truncated: section %d needs %d bytes at offset %d of %d", index, s.size, s.off, size)
	case s.flags&elf.SHF_COMPRESSED == 0:
		return nil
	}
	// Elf64_Chdr: its third field is what decompression allocates.
	var ch [24]byte
	if s.size < uint64(len(ch)) {
		return fmt.Errorf("truncated: section %d has no compression header", index)
	}
	if _, err := r.ReadAt(ch[:], int64(s.off)); err != nil {
		return fmt.Errorf("truncated compression header: %w", err)
	}
	if s.memory = order.Uint64(ch[8:]); s.memory > MaxData {
		return fmt.Errorf("section %d unpacks to %d bytes, at most %d are allowed", index, s.memory, MaxData)
	}
	return nil
}
