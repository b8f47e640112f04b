package project

import (
	"regexp"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// bccChooses is how BCC programs find out what a kernel has.
var bccChooses = regexp.MustCompile(`tracepoint_exists|get_kprobe_functions|kernel_struct_has_field|\bksymname\(|support_\w+\(`)

// pointsPython reads BCC programs: what is attached outside conditions, and the C
// in their strings.
func pointsPython(src string) []found {
	if !importsBCC.MatchString(src) || bccChooses.MatchString(src) {
		return nil
	}
	var list []found
	var blocks pythonBlocks
	tokens := lex(src, langPython)
	depth := 0 // of brackets, in which a line begins no statement
	for i, t := range tokens {
		if t.first && depth == 0 {
			blocks.line(t)
		}
		switch {
		case t.is("("), t.is("["), t.is("{"):
			depth++
		case t.is(")"), t.is("]"), t.is("}"):
			depth = max(depth-1, 0)
		}
		switch {
		case blocks.under():
		case t.kind == str && !t.fill:
			for _, f := range pointsC(t.text) {
				f.Line += t.line - 1
				list = append(list, f)
			}
		case matches(tokens[i:], ".", word, "(") && strings.HasPrefix(tokens[i+1].text, "attach_"):
			if p, ok := attachBCC(tokens[i+1].text, arguments(tokens[i+3:])); ok {
				list = append(list, found{Point: Point{AttachPoint: p, Line: tokens[i+1].line}})
			}
		}
	}
	return list
}

// pythonBlocks are the statements that the present line is in.
type pythonBlocks []struct {
	indent int
	under  bool
}

// line begins a statement.
func (b *pythonBlocks) line(t lexeme) {
	blocks := *b
	for len(blocks) > 0 && blocks[len(blocks)-1].indent >= t.col {
		blocks = blocks[:len(blocks)-1]
	}
	under := blocks.under()
	switch t.text {
	case "if", "elif", "else", "try", "except", "finally", "for", "while", "match", "case":
		under = under || t.kind == word
	}
	*b = append(blocks, struct {
		indent int
		under  bool
	}{t.col, under})
}

// under reports whether the line depends on something.
func (b pythonBlocks) under() bool { return len(b) > 0 && b[len(b)-1].under }

// arguments returns the named arguments of a call that are one plain string, and
// an empty text for those that are not.
func arguments(t []lexeme) map[string]string {
	args := map[string]string{}
	const most = 256 // lexemes; a call that is not closed would go on to the end
	depth := 1
	for i, tok := range t[:min(len(t), most)] {
		switch {
		case tok.is("("), tok.is("["), tok.is("{"):
			depth++
		case tok.is(")"), tok.is("]"), tok.is("}"):
			if depth--; depth == 0 {
				return args
			}
		case depth == 1 && matches(t[i:], word, "=") && (i == 0 || t[i-1].is(",")):
			args[tok.text] = ""
			if rest := t[i+2:]; matches(rest, str, ",") || matches(rest, str, ")") {
				if rest[0].plain {
					args[tok.text] = rest[0].text
				}
			}
		}
	}
	return nil
}

// attachBCC reads a call of BPF's methods.
func attachBCC(method string, args map[string]string) (api.AttachPoint, bool) {
	var p api.AttachPoint
	switch method {
	case "attach_tracepoint":
		if category, name, ok := strings.Cut(args["tp"], ":"); ok {
			p = api.AttachPoint{Kind: api.PointTracepoint, Target: category + "/" + name}
		}
	case "attach_raw_tracepoint":
		p = api.AttachPoint{Kind: api.PointRawTracepoint, Target: args["tp"]}
	case "attach_kprobe", "attach_kretprobe":
		p = api.AttachPoint{Kind: api.PointKprobe, Target: args["event"]}
	case "attach_uprobe", "attach_uretprobe":
		_, placed := args["addr"]
		_, process := args["pid"] // whose files may be others
		if name, symbol := args["name"], args["sym"]; name != "" && symbol != "" && !placed && !process {
			p = api.AttachPoint{Kind: api.PointUprobe, Target: name + ":" + symbol}
		}
	}
	return p, p.Target != ""
}
