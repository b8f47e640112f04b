package apitest

import (
	"context"
	"slices"
	"strconv"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// SetCode sets the code of a program by its id. A program without has none that
// the kernel shows.
func (f *Fake) SetCode(c api.Code) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.codes[c.ID] = c
}

// ReadCode implements api.Inspector.
func (f *Fake) ReadCode(ctx context.Context, req api.CodeRequest) (api.Code, error) {
	const op = "read code"
	if err := f.enter(ctx, "ReadCode"); err != nil {
		return api.Code{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	object := "program " + strconv.FormatUint(uint64(req.ID), 10)
	if !req.Xlated && !req.Jited {
		return api.Code{}, api.Errorf(op, object, api.ErrUsage, "neither xlated nor jited is asked for")
	}
	i := slices.IndexFunc(f.programs, func(p api.Program) bool { return p.ID == req.ID })
	if i < 0 {
		return api.Code{}, api.Errorf(op, object, api.ErrNotExist, "the kernel holds none with this id").WithHint("ebpfdev prog list")
	}
	c, ok := f.codes[req.ID]
	if !ok {
		const hidden = "the kernel shows code to CAP_SYS_ADMIN, or CAP_BPF with CAP_PERFMON"
		c = api.Code{ID: req.ID, Name: f.programs[i].Name, Machine: "x86_64", XlatedHidden: hidden, JitedHidden: hidden}
	}
	if !req.Xlated {
		c.Xlated, c.XlatedHidden = nil, ""
	}
	if !req.Jited {
		c.Jited, c.JitedHidden = nil, ""
	}
	return c, nil
}

// sampleCode is the code of a small program with a function of its own.
func sampleCode(id uint32) api.Code {
	at := func(n uint32) *uint32 { return &n }
	source := func(line uint32, text string) *api.SourceLine {
		return &api.SourceLine{File: "bpf/exec.bpf.c", Line: line, Column: 2, Text: text}
	}
	insn := func(code byte, rest ...byte) api.Hex {
		return append(api.Hex{code}, append(rest, make([]byte, 7-len(rest))...)...)
	}
	return api.Code{
		ID: id, Name: "handle_exec", Machine: "x86_64",
		Xlated: []api.CodeFunc{
			{Name: "handle_exec", Lines: []api.CodeLine{
				{Offset: 0, Raw: append(insn(0x18, 0x11), make([]byte, 8)...), Text: "(18) r1 = map[id:11 counts]", Symbol: "counts", Source: source(12, "\tcount = bpf_map_lookup_elem(&counts, &key);")},
				{Offset: 2, Raw: insn(0x85), Text: "(85) call __htab_map_lookup_elem", Symbol: "__htab_map_lookup_elem", Source: source(12, "\tcount = bpf_map_lookup_elem(&counts, &key);")},
				{Offset: 3, Raw: insn(0x15, 0, 1), Text: "(15) if r0 == 0x0 goto pc+1", Target: at(5), Source: source(13, "\tif (!count)")},
				{Offset: 4, Raw: insn(0x85, 0x10, 1), Text: "(85) call pc+1#twice", Target: at(6), Symbol: "twice", Source: source(15, "\treturn twice(count); \x1b[2J")},
				{Offset: 5, Raw: insn(0x95), Text: "(95) exit"},
			}},
			{Name: "twice", Lines: []api.CodeLine{
				{Offset: 6, Raw: insn(0xb7), Text: "(b7) r0 = 0", Source: source(4, "\treturn 0;")},
				{Offset: 7, Raw: insn(0x95), Text: "(95) exit"},
			}},
		},
		Jited: []api.CodeFunc{{Name: "handle_exec", Address: 0xffffffffc0001000, Lines: []api.CodeLine{
			{Offset: 0, Raw: api.Hex{0xf3, 0x0f, 0x1e, 0xfa}, Text: "endbr64", Source: source(12, "\tcount = bpf_map_lookup_elem(&counts, &key);")},
			{Offset: 4, Raw: api.Hex{0xe8, 1, 2, 3, 4}, Text: "callq __htab_map_lookup_elem", Symbol: "__htab_map_lookup_elem"},
			{Offset: 9, Raw: api.Hex{0x74, 0x01}, Text: "je 0xc", Target: at(12)},
			{Offset: 11, Raw: api.Hex{0x90}, Text: "nop"},
			{Offset: 12, Raw: api.Hex{0xc3}, Text: "retq"},
		}}},
	}
}
