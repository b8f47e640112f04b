package usdt

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Probe is one place of a probe in the code; a probe that is inlined has several.
type Probe struct {
	Provider  string
	Name      string
	Address   uint64 // virtual, as the file says
	Offset    uint64 // in the file
	Semaphore uint64 // offset in the file of what tells the program that it is traced; 0 for none
	Args      string // "-4@%edi 8@-8(%rbp)"
}

// File is what a file says.
type File struct {
	Machine elf.Machine
	Fixed   bool // it always runs at the addresses that it names (ET_EXEC)
	Probes  []Probe
}

const (
	noteSection = ".note.stapsdt"
	baseSection = ".stapsdt.base"
	noteType    = 3
	maxNotes    = 16 << 20 // bytes of notes that are read at most
)

// Read reads the probes of an ELF file of 64 bits. One without probes gives none.
func Read(r io.ReaderAt) (file File, err error) {
	defer func() { // debug/elf is not hardened against hostile files
		if p := recover(); p != nil {
			err = fmt.Errorf("the ELF file is broken: %v", p)
		}
	}()
	f, err := elf.NewFile(r)
	if err != nil {
		return File{}, err
	}
	if f.Class != elf.ELFCLASS64 {
		return File{}, errors.New("it is no ELF file of 64 bits")
	}
	file = File{Machine: f.Machine, Fixed: f.Type == elf.ET_EXEC}
	section := f.Section(noteSection)
	if section == nil {
		return file, nil
	}
	if section.Size > maxNotes {
		return File{}, fmt.Errorf("its section %s has %d bytes", noteSection, section.Size)
	}
	data, err := section.Data()
	if err != nil {
		return File{}, err
	}
	base := uint64(0)
	if s := f.Section(baseSection); s != nil {
		base = s.Addr
	}
	file.Probes, err = parse(f, data, base)
	return file, err
}

// parse reads the notes. Prelinking moves the code and not the notes: what both
// say about .stapsdt.base tells by how much.
func parse(f *elf.File, data []byte, base uint64) ([]Probe, error) {
	var probes []Probe
	for len(data) >= 12 {
		nameSize, descSize := f.ByteOrder.Uint32(data), f.ByteOrder.Uint32(data[4:])
		kind := f.ByteOrder.Uint32(data[8:])
		name, desc, rest, ok := split(data[12:], nameSize, descSize)
		if !ok {
			return nil, fmt.Errorf("its section %s is cut off", noteSection)
		}
		data = rest
		if kind != noteType || string(name) != "stapsdt\x00" {
			continue
		}
		p, err := probe(f, desc, base)
		if err != nil {
			return nil, err
		}
		probes = append(probes, p)
	}
	return probes, nil
}

func split(b []byte, nameSize, descSize uint32) (name, desc, rest []byte, ok bool) {
	aligned := func(n uint32) int { return (int(n) + 3) &^ 3 }
	size := uint64(len(b))
	if uint64(nameSize) > size || uint64(descSize) > size || uint64(aligned(nameSize))+uint64(descSize) > size {
		return nil, nil, nil, false
	}
	name, b = b[:nameSize], b[aligned(nameSize):]
	return name, b[:descSize], b[min(len(b), aligned(descSize)):], true
}

// probe reads one note: three addresses and three texts.
func probe(f *elf.File, desc []byte, base uint64) (Probe, error) {
	if len(desc) < 24 {
		return Probe{}, errors.New("the note of a probe is cut off")
	}
	texts := bytes.SplitN(desc[24:], []byte{0}, 4)
	if len(texts) < 4 {
		return Probe{}, errors.New("the note of a probe is cut off")
	}
	p := Probe{Provider: string(texts[0]), Name: string(texts[1]), Args: strings.TrimSpace(string(texts[2]))}
	moved := uint64(0)
	if noted := f.ByteOrder.Uint64(desc[8:]); base != 0 && noted != 0 {
		moved = base - noted
	}
	p.Address = f.ByteOrder.Uint64(desc) + moved
	var ok bool
	if p.Offset, ok = fileOffset(f, p.Address); !ok {
		return Probe{}, fmt.Errorf("the probe %s:%s is at %#x, which no segment holds", p.Provider, p.Name, p.Address)
	}
	if semaphore := f.ByteOrder.Uint64(desc[16:]); semaphore != 0 {
		if p.Semaphore, ok = fileOffset(f, semaphore+moved); !ok {
			return Probe{}, fmt.Errorf("the semaphore of %s:%s is at %#x, which no segment holds", p.Provider, p.Name, semaphore)
		}
	}
	return p, nil
}

// fileOffset turns an address into an offset in the file.
func fileOffset(f *elf.File, address uint64) (uint64, bool) {
	for _, s := range f.Progs {
		if s.Type == elf.PT_LOAD && address >= s.Vaddr && address-s.Vaddr < s.Memsz {
			return address - s.Vaddr + s.Off, true
		}
	}
	return 0, false
}

// Find returns the places of a probe. An empty provider stands for any.
func (f File) Find(provider, name string) []Probe {
	var found []Probe
	for _, p := range f.Probes {
		if p.Name == name && (provider == "" || provider == p.Provider) {
			found = append(found, p)
		}
	}
	return found
}

// Names returns "provider:name" of every probe, in the order of the file.
func (f File) Names() []string {
	var names []string
	seen := map[string]bool{}
	for _, p := range f.Probes {
		if name := p.Provider + ":" + p.Name; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
