package project

import (
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// pointsC reads libbpf's sections and BCC's macros.
func pointsC(src string) []found {
	if !strings.Contains(src, "SEC(") && !strings.Contains(src, "TRACEPOINT_PROBE(") && !strings.Contains(src, bccStruct) {
		return nil
	}
	var list []found
	depth := 0 // of #if: whether that code is compiled is not known here
	tokens := lex(src, langC)
	for i, t := range tokens {
		if t.kind == directive {
			switch name := strings.TrimLeft(t.text, " \t"); {
			case strings.HasPrefix(name, "if"):
				depth++
			case strings.HasPrefix(name, "endif"):
				depth--
			}
			continue
		}
		if depth > 0 || t.kind != word {
			continue
		}
		if f, ok := pointC(tokens[i:]); ok {
			f.Line = t.line
			list = append(list, f)
		}
	}
	return list
}

// pointC reads the point that some tokens begin with.
func pointC(t []lexeme) (found, bool) {
	switch {
	case matches(t, "SEC", "(", str, ")") && t[2].plain:
		return section(t[2].text, programName(t[4:]))
	case matches(t, "TRACEPOINT_PROBE", "(", word, ",", word, ")"):
		return ofBCC(macro(api.PointTracepoint, t[2].text+"/"+t[4].text)), true
	case matches(t, "RAW_TRACEPOINT_PROBE", "(", word, ")"):
		return ofBCC(macro(api.PointRawTracepoint, t[2].text)), true
	case matches(t, "struct", word, "*"):
		return structBCC(t[1].text)
	}
	return found{}, false
}

// bccStruct begins the name of a struct that BCC makes of what the kernel says of
// a tracepoint: struct tracepoint__sched__sched_switch.
const bccStruct = "tracepoint__"

func structBCC(name string) (found, bool) {
	rest, ok := strings.CutPrefix(name, bccStruct)
	category, event, _ := strings.Cut(rest, "__")
	if !ok || category == "" || event == "" {
		return found{}, false
	}
	f := ofBCC(macro(api.PointTracepoint, category+"/"+event))
	f.made = true
	return f, true
}

func ofBCC(f found) found {
	f.bcc = true
	return f
}

func macro(kind api.PointKind, target string) found {
	return found{Point: Point{AttachPoint: api.AttachPoint{Kind: kind, Target: target}}}
}

// matches reports whether tokens begin with these: a text for a word or a mark,
// a kind for any of it.
func matches(t []lexeme, want ...any) bool {
	if len(t) < len(want) {
		return false
	}
	for i, w := range want {
		switch w := w.(type) {
		case string:
			if !t[i].is(w) {
				return false
			}
		case lexKind:
			if t[i].kind != w {
				return false
			}
		}
	}
	return true
}

// section reads a section's name. Optional programs ("?kprobe/…") are left out,
// and kinds that name no place or a pattern of places.
func section(text, program string) (found, bool) {
	head, target, _ := strings.Cut(text, "/")
	kind, ok := sectionKind(head)
	return found{section: true, Point: Point{
		AttachPoint: api.AttachPoint{Kind: kind, Target: target}, Program: program,
	}}, ok
}

func sectionKind(head string) (api.PointKind, bool) {
	switch head {
	case "tracepoint", "tp":
		return api.PointTracepoint, true
	case "raw_tracepoint", "raw_tp", "raw_tracepoint.w", "raw_tp.w", "tp_btf", "tp_btf.s":
		return api.PointRawTracepoint, true
	case "kprobe", "kretprobe":
		return api.PointKprobe, true
	case "ksyscall", "kretsyscall":
		return api.PointSyscall, true
	case "fentry", "fentry.s", "fexit", "fexit.s", "fmod_ret", "fmod_ret.s":
		return api.PointFentry, true
	case "uprobe", "uprobe.s", "uretprobe", "uretprobe.s":
		return api.PointUprobe, true
	}
	return "", false
}

// programName returns the name of the function that a section is for: the word
// before its parameters, or the first parameter of one of libbpf's macros.
func programName(t []lexeme) string {
	for i := 0; i+1 < len(t) && t[i].kind == word || i < len(t) && t[i].is("*"); i++ {
		if i+1 >= len(t) || !t[i+1].is("(") {
			continue
		}
		switch name := t[i].text; {
		case !strings.HasPrefix(name, "BPF_") && name != "__attribute__":
			return name
		case strings.HasPrefix(name, "BPF_") && matches(t[i+1:], "(", word):
			return t[i+2].text
		}
		return ""
	}
	return ""
}
