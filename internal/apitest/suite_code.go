package apitest

import (
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func (s *suite) codeErrors(t *testing.T) {
	ctx, target, loaded := s.loaded(t)
	_, err := target.ReadCode(ctx, api.CodeRequest{ID: loaded.Programs[0].ID})
	wantKind(t, "ReadCode of nothing", err, api.ErrUsage)
	_, err = target.ReadCode(ctx, api.CodeRequest{ID: 1<<31 - 1, Xlated: true})
	wantKind(t, "ReadCode of what is not there", err, api.ErrNotExist)
	code, err := target.ReadCode(ctx, api.CodeRequest{ID: loaded.Programs[0].ID, Xlated: true})
	must(t, "ReadCode", err)
	if (len(code.Xlated) == 0) == (code.XlatedHidden == "") || code.Jited != nil || code.JitedHidden != "" {
		t.Errorf("ReadCode = %+v, want BPF instructions or why there are none, and nothing else", code)
	}
}

// code reads what CountObject's program became.
func (s *suite) code(t *testing.T) {
	ctx, target, loaded := s.loaded(t)
	code, err := target.ReadCode(ctx, api.CodeRequest{ID: loaded.Programs[0].ID, Xlated: true, Jited: true})
	must(t, "ReadCode", err)
	if code.ID != loaded.Programs[0].ID || code.Name != CountProgram || len(code.Xlated) == 0 {
		t.Fatalf("ReadCode = %+v, want %s", code, CountProgram)
	}
	first := code.Xlated[0]
	if first.Name != CountProgram || first.Lines[0].Source == nil || !strings.HasSuffix(first.Lines[0].Source.File, "count.bpf.c") {
		t.Errorf("it begins with %s, %+v", first.Name, first.Lines[0])
	}
	seen := map[string]bool{}
	insns := uint32(0)
	for _, f := range code.Xlated {
		for _, l := range f.Lines {
			if l.Offset != insns || len(l.Raw)%8 != 0 || l.Text == "" || strings.Contains(l.Text, "unknown") {
				t.Errorf("instruction %d: %+v", insns, l)
			}
			insns += uint32(len(l.Raw) / 8)
			seen[l.Symbol] = true
		}
	}
	if progs, err := target.ListPrograms(ctx, api.ListRequest{IDs: []uint32{code.ID}}); err != nil || len(progs) != 1 || progs[0].BytesXlated != 8*insns {
		t.Errorf("%d instructions of %+v, %v", insns, progs, err)
	}
	names := []string{CountsMap, EventsMap}
	if code.JitedHidden == "" { // who may see addresses is told whose they are
		names = append(names, "bpf_get_current_pid_tgid")
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("nothing refers to %s; seen were %v", name, seen)
		}
	}
	s.machineCode(t, code)
}

func (s *suite) machineCode(t *testing.T, code api.Code) {
	if code.JitedHidden != "" {
		t.Logf("no machine code: %s", code.JitedHidden)
		return
	}
	lines := 0
	for _, f := range code.Jited {
		at := uint32(0)
		for _, l := range f.Lines {
			if l.Offset != at || strings.HasPrefix(l.Text, ".byte") || strings.HasPrefix(l.Text, ".inst") {
				t.Errorf("%s+%d: %+v", f.Name, at, l)
			}
			at += uint32(len(l.Raw))
			if l.Source != nil {
				lines++
			}
		}
	}
	if len(code.Jited) != len(code.Xlated) || code.Jited[0].Name != CountProgram || code.Jited[0].Address == 0 || lines == 0 {
		t.Errorf("machine code of %d functions with %d source lines, first %s at %x", len(code.Jited), lines, code.Jited[0].Name, code.Jited[0].Address)
	}
}
