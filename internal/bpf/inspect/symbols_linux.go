package inspect

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
)

// symbols are the kernel's, modules' and BPF programs', by address.
type symbols []symbol

type symbol struct {
	addr   uint64
	name   string
	global bool
}

// readSymbols reads /proc/kallsyms. Where the kernel hides addresses
// (kernel.kptr_restrict) there are none. It takes some 50 milliseconds.
func readSymbols() symbols {
	data, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return nil
	}
	return parseSymbols(string(data))
}

// parseSymbols reads lines such as "ffffffff81000000 T _text [module]". Of several
// names at an address a global one comes first.
func parseSymbols(text string) symbols {
	list := make(symbols, 0, strings.Count(text, "\n"))
	for line := range strings.Lines(text) {
		addr, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || len(rest) < 3 {
			continue
		}
		a, err := strconv.ParseUint(addr, 16, 64)
		if err != nil || a == 0 {
			continue
		}
		name, _, _ := strings.Cut(rest[2:], "\t")
		list = append(list, symbol{a, name, rest[0] >= 'A' && rest[0] <= 'Z'})
	}
	slices.SortStableFunc(list, func(a, b symbol) int {
		if a.addr == b.addr && a.global != b.global {
			return boolToInt(b.global) - boolToInt(a.global)
		}
		return cmp.Compare(a.addr, b.addr)
	})
	return list
}

// at returns the symbol at an address or the nearest before it.
func (s symbols) at(addr uint64) (name string, offset uint64, ok bool) {
	i, found := slices.BinarySearchFunc(s, addr, func(sym symbol, at uint64) int { return cmp.Compare(sym.addr, at) })
	if !found {
		if i == 0 {
			return "", 0, false
		}
		i--
	}
	return s[i].name, addr - s[i].addr, true
}

// address returns where a symbol is.
func (s symbols) address(name string) (uint64, bool) {
	for _, sym := range s {
		if sym.name == name {
			return sym.addr, true
		}
	}
	return 0, false
}
