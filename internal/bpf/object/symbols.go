package object

import (
	"bytes"
	"debug/elf"
)

// Fields of an Elf64_Sym.
const (
	symbolSize    = 24
	symbolInfo    = 4
	symbolOther   = 5
	symbolSection = 6
)

// adapt finds in a file that has passed Check what libbpf reads in its symbols and
// cilium/ebpf (v0.22) does not. Headers such as libbpf's usdt.bpf.h depend on it.
//
// A map may be weak, for when objects are linked; the library refuses a reference
// to one. The object that adapt returns has global ones instead. A hidden function
// is static to the verifier, which looks at it with its callers; adapt returns
// the names.
func adapt(data []byte) (out []byte, hidden []string) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return data, nil // whoever parses it says so
	}
	out = data
	for _, table := range f.Sections {
		if table.Type != elf.SHT_SYMTAB || table.Offset > uint64(len(data)) || table.FileSize > uint64(len(data))-table.Offset {
			continue
		}
		for at := table.Offset; at+symbolSize <= table.Offset+table.FileSize; at += symbolSize {
			symbol := data[at : at+symbolSize]
			bind, kind := elf.ST_BIND(symbol[symbolInfo]), elf.ST_TYPE(symbol[symbolInfo])
			switch {
			case kind == elf.STT_FUNC && elf.ST_VISIBILITY(symbol[symbolOther]) == elf.STV_HIDDEN:
				hidden = append(hidden, name(f, table, symbol))
			case bind == elf.STB_WEAK && isMap(f, f.ByteOrder.Uint16(symbol[symbolSection:])):
				if &out[0] == &data[0] {
					out = bytes.Clone(data)
				}
				out[at+symbolInfo] = byte(elf.STB_GLOBAL)<<4 | byte(kind)
			}
		}
	}
	return out, hidden
}

func isMap(f *elf.File, section uint16) bool {
	return int(section) < len(f.Sections) && f.Sections[section].Name == ".maps"
}

// name reads the name of a symbol; "" when there is none.
func name(f *elf.File, table *elf.Section, symbol []byte) string {
	if int(table.Link) >= len(f.Sections) {
		return ""
	}
	text := make([]byte, 256)
	n, _ := f.Sections[table.Link].ReadAt(text, int64(f.ByteOrder.Uint32(symbol)))
	text, _, ended := bytes.Cut(text[:n], []byte{0})
	if !ended {
		return ""
	}
	return string(text)
}
