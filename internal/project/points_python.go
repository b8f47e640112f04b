package project

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// bccChooses is how BCC programs find out what a kernel has, or try.
var bccChooses = regexp.MustCompile(`tracepoint_exists|get_kprobe_functions|kernel_struct_has_field|\bksymname\(|support_\w+\(|suppress\((?:Base)?Exception`)

// pythonFile is what a BCC program in Python says.
type pythonFile struct {
	list []found
	// compiles names the files of C that it compiles whatever happens.
	compiles []cSource
	// replaced are the words that it puts others for, maybe in its C.
	replaced []string
}

// cSource is a file's name and the variable that it is put into.
type cSource struct{ file, owner string }

// pointsPython reads BCC programs: what is attached outside conditions, and the C
// in their strings. The arguments are those that the program is run with, nil when
// they are not known. A file that is no BCC program, or asks the kernel, is nil.
func pointsPython(src string, args []string) *pythonFile {
	if !importsBCC.MatchString(src) {
		return nil
	}
	r := &pythonReader{tokens: lex(src, langPython), file: &pythonFile{}, used: map[string]bool{}, tables: map[string]table{}}
	if bccChooses.MatchString(src) {
		return r.file
	}
	r.arguments = readArgparse(r.tokens, args)
	r.read()
	r.file.list = slices.DeleteFunc(r.file.list, func(f found) bool { return !r.needed(f.owner) || f.holds(r.file.replaced) })
	r.file.compiles = slices.DeleteFunc(r.file.compiles, func(n cSource) bool { return !r.needed(n.owner) })
	return r.file
}

// needed reports whether a variable is used whatever happens.
func (r *pythonReader) needed(owner string) bool { return owner == "" || r.used[owner] }

// holds reports whether a point's name may be replaced.
func (f *found) holds(words []string) bool {
	for _, w := range words {
		if w != "" && strings.Contains(f.Target, w) {
			return true
		}
	}
	return false
}

// pythonReader reads one file.
type pythonReader struct {
	tokens    []lexeme
	file      *pythonFile
	blocks    pythonBlocks
	depth     int // of brackets, in which a line begins no statement
	statement int // where the present one begins
	arguments *pythonArguments
	used      map[string]bool  // variables that are used outside conditions
	tables    map[string]table // that were looked for
	shorten   map[string]bool  // functions that do no more than shorten a library's name
}

func (r *pythonReader) read() {
	for i, t := range r.tokens {
		if t.first && r.depth == 0 {
			r.statement = i
			r.blocks.line(t, r.loop(i))
		}
		r.depth = nesting(r.depth, t)
		switch {
		case matches(r.tokens[i:], ".", "replace", "(", str):
			r.file.replaced = append(r.file.replaced, r.tokens[i+3].text)
		case r.blocks.under() || r.eitherOr(i):
		case t.kind == word && !matches(r.tokens[i+1:], "=") && !matches(r.tokens[i+1:], "+", "="):
			r.used[t.text] = true
		case t.kind == str && !t.fill:
			r.text(i)
		case matches(r.tokens[i:], ".", word, "(") && strings.HasPrefix(r.tokens[i+1].text, "attach_"):
			if !r.conditional(i) {
				r.attach(r.tokens[i+1], arguments(r.tokens[i+3:]))
			}
		}
	}
}

// nesting is how many brackets are open after a lexeme.
func nesting(depth int, t lexeme) int {
	switch {
	case t.is("("), t.is("["), t.is("{"):
		return depth + 1
	case t.is(")"), t.is("]"), t.is("}"):
		return max(depth-1, 0)
	}
	return depth
}

// eitherOr reports whether a lexeme is one side of "a if x else b".
func (r *pythonReader) eitherOr(i int) bool {
	next := r.tokens[i+1:]
	return i > 0 && r.tokens[i-1].is("else") || matches(next, "if") && (!next[0].first || r.depth > 0)
}

// conditional reports whether a statement does what is in it only sometimes.
func (r *pythonReader) conditional(i int) bool {
	const most = 256 // lexemes on each side
	for _, t := range r.tokens[max(r.statement, i-most):i] {
		if t.is("if") || t.is("and") || t.is("or") || t.is("lambda") {
			return true
		}
	}
	depth := r.depth
	for _, t := range r.tokens[i:min(i+most, len(r.tokens))] {
		if t.first && depth == 0 {
			return false
		}
		depth = nesting(depth, t)
		if depth == r.depth && t.is("if") {
			return true
		}
	}
	return false
}

// text reads a string, which may be C or the name of a file with C.
func (r *pythonReader) text(i int) {
	t := r.tokens[i]
	if t.plain && strings.HasSuffix(t.text, ".c") {
		r.file.compiles = append(r.file.compiles, cSource{path.Base(t.text), r.owner(i)})
	}
	for _, f := range pointsC(t.text) {
		f.Line += t.line - 1
		f.owner = r.owner(i)
		r.file.list = append(r.file.list, f)
	}
}

// owner is the variable that the present statement puts a string into, nothing
// when the string is used there and then.
func (r *pythonReader) owner(i int) string {
	t := r.tokens[r.statement:i]
	if !matches(t, word, "=") && !matches(t, word, "+", "=") {
		return ""
	}
	if slices.ContainsFunc(t, func(t lexeme) bool { return t.is("BPF") }) {
		return ""
	}
	return t[0].text
}

// attach reads a call of one of BPF's methods, once for each row of the tables
// that it is called for.
func (r *pythonReader) attach(method lexeme, args map[string][]lexeme) {
	for _, row := range r.rounds() {
		point, line, given := r.point(method.text, args, row)
		if point.Target == "" {
			continue
		}
		if line == 0 {
			line = method.line
		}
		r.file.list = append(r.file.list, found{Point: Point{AttachPoint: point, Line: line, Given: given}})
	}
}

// rounds are what the variables of the loops are that the present line is in.
func (r *pythonReader) rounds() []scope {
	rounds := []scope{{}}
	for _, b := range r.blocks {
		if b.loop == nil {
			continue
		}
		var inner []scope
		for _, outer := range rounds {
			if inner = append(inner, b.loop.scopes(outer)...); len(inner) > maxPoints {
				break
			}
		}
		rounds = inner
	}
	return rounds
}

// pythonBlocks are the statements that the present line is in.
type pythonBlocks []struct {
	indent int
	under  bool
	loop   *loop // over a table that is known
}

// line begins a statement.
func (b *pythonBlocks) line(t lexeme, l *loop) {
	blocks := *b
	for len(blocks) > 0 && blocks[len(blocks)-1].indent >= t.col {
		blocks = blocks[:len(blocks)-1]
	}
	under := blocks.under()
	switch t.text {
	case "if", "elif", "else", "try", "except", "finally", "for", "while", "match", "case":
		under = under || t.kind == word && l == nil
	}
	*b = append(blocks, struct {
		indent int
		under  bool
		loop   *loop
	}{t.col, under, l})
}

// under reports whether the line depends on something.
func (b pythonBlocks) under() bool { return len(b) > 0 && b[len(b)-1].under }

// arguments returns what a call is given: the arguments with names under these,
// the others under their numbers, from "0". It is nil when the call has no end.
func arguments(t []lexeme) map[string][]lexeme {
	args := map[string][]lexeme{}
	const most = 256 // lexemes; a call that is not closed would go on to the end
	t = t[:min(len(t), most)]
	for n := 0; ; n++ {
		arg, end := expression(t)
		if end == len(t) {
			return nil
		}
		switch {
		case matches(arg, word, "="):
			args[arg[0].text] = arg[2:]
		case len(arg) > 0:
			args[string(rune('0'+min(n, 9)))] = arg
		}
		if !t[end].is(",") {
			return args
		}
		t = t[end+1:]
	}
}

// expression returns what is before the next comma, or the bracket that closes.
func expression(t []lexeme) (expr []lexeme, end int) {
	depth := 0
	for i, tok := range t {
		if depth == 0 && (tok.is(",") || tok.is(")") || tok.is("]") || tok.is("}")) {
			return t[:i], i
		}
		depth = nesting(depth, tok)
	}
	return t, len(t)
}

// point reads a call of BPF's methods. The line is that of the table, if the
// place is from one.
func (r *pythonReader) point(method string, args map[string][]lexeme, row scope) (p api.AttachPoint, line int, given bool) {
	get := func(names ...string) value {
		for _, name := range names {
			if expr, ok := args[name]; ok {
				return r.evaluate(expr, row)
			}
		}
		return value{}
	}
	switch method {
	case "attach_tracepoint":
		tp := get("tp", "0")
		if category, name, ok := strings.Cut(tp.text, ":"); ok {
			return api.AttachPoint{Kind: api.PointTracepoint, Target: category + "/" + name}, tp.line, tp.given
		}
	case "attach_raw_tracepoint":
		tp := get("tp", "0")
		return api.AttachPoint{Kind: api.PointRawTracepoint, Target: tp.text}, tp.line, tp.given
	case "attach_kprobe", "attach_kretprobe":
		event := get("event", "0")
		return api.AttachPoint{Kind: api.PointKprobe, Target: event.text}, event.line, event.given
	case "attach_uprobe", "attach_uretprobe":
		name, symbol := get("name", "0"), get("sym", "1")
		if expr := args["name"]; name.text == "" {
			name = r.evaluate(r.shortened(expr), row)
		}
		_, placed := args["addr"]
		_, more := args["2"]        // the address, without its name
		pid, process := args["pid"] // whose files may be others
		if name.text != "" && symbol.text != "" && !placed && !more && (!process || r.everyProcess(pid)) {
			p = api.AttachPoint{Kind: api.PointUprobe, Target: name.text + ":" + symbol.text}
			return p, max(name.line, symbol.line), name.given || symbol.given
		}
	}
	return p, 0, false
}
