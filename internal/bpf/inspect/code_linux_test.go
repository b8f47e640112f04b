package inspect

import (
	"strings"
	"testing"
)

// Why code is not there, in words: the kernel says so with zeros.
func TestHidden(t *testing.T) {
	shown := progInfo{xlatedLen: 16, jitedLen: 20, xlated: 1, jited: 1}
	for want, tt := range map[string]struct {
		info, got progInfo
		machine   string
	}{
		"":                         {shown, shown, "x86_64"},
		"CAP_BPF with CAP_PERFMON": {progInfo{}, progInfo{}, "x86_64"},
		"bpf_jit_harden":           {shown, progInfo{xlatedLen: 16}, "x86_64"},
		"bpf_jit_enable":           {progInfo{xlatedLen: 16}, progInfo{xlatedLen: 16, xlated: 1}, "x86_64"},
		"kptr_restrict":            {shown, progInfo{xlatedLen: 16, xlated: 1}, "x86_64"},
		"of riscv64":               {shown, shown, "riscv64"},
	} {
		c := rawCode{info: tt.info, got: tt.got}
		if got := c.jitedHidden(tt.machine); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q, want one with %q", got, want)
		}
	}
}

func TestParseSymbols(t *testing.T) {
	s := parseSymbols("0000000000000000 A zero\nffffffff81000010 t local\nffffffff81000010 T global\nffffffff81000000 T first\nffffffffc0000000 t in_module\t[mod]\nbroken\n")
	if name, off, ok := s.at(0xffffffff81000010); name != "global" || off != 0 || !ok {
		t.Errorf("at = %s+%d, %v", name, off, ok)
	}
	if name, off, ok := s.at(0xffffffffc0000004); name != "in_module" || off != 4 || !ok {
		t.Errorf("at = %s+%d, %v", name, off, ok)
	}
	if _, _, ok := s.at(1); ok {
		t.Error("there is a symbol before the first")
	}
	if addr, ok := s.address("first"); addr != 0xffffffff81000000 || !ok {
		t.Errorf("address = %x, %v", addr, ok)
	}
	if _, ok := s.address("zero"); ok {
		t.Error("a hidden address is one")
	}
}
