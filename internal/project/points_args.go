package project

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// script returns the file that a command runs and the arguments that this gets;
// nothing for what is no plain call of bpftrace or Python.
func script(run []string) (file string, args []string) {
	words := run
	for len(words) > 0 && (words[0] == "sudo" || words[0] == "env") {
		words = words[1:]
	}
	if len(words) == 0 {
		return "", nil
	}
	tool, ext := path.Base(words[0]), path.Ext(words[0])
	switch {
	case ext == ".bt" || ext == ".py": // by its first line
		return path.Clean(words[0]), words[1:]
	case tool == "bpftrace":
		ext = ".bt"
	case strings.HasPrefix(tool, "python"):
		ext = ".py"
	default:
		return "", nil
	}
	for i, w := range words[1:] {
		switch {
		case w == "-c" || w == "-e" || w == "-m": // the program is in the command
			return "", nil
		case path.Ext(w) == ext:
			return path.Clean(w), words[i+2:]
		}
	}
	return "", nil
}

// pythonArguments is what a program's argparse makes of the arguments that it is
// run with.
type pythonArguments struct {
	args     []string            // as they are, sys.argv[1:]
	variable string              // that parse_args was assigned to
	values   map[string]string   // of what was given, by the name in the variable
	defaults map[string][]lexeme // of options that were not given; nil for None
}

// declared is an argument that a program takes.
type declared struct {
	names   []string // of an option: "-p", "--pid"
	dest    string
	text    bool // it is a string, as it was given
	flag    bool // an option without a value
	standby []lexeme
}

// readArgparse reads the declarations of a program's arguments, and the arguments
// by them. What it cannot be sure of leaves it without values.
func readArgparse(tokens []lexeme, args []string) *pythonArguments {
	a := &pythonArguments{args: args}
	var all []declared
	var blocks pythonBlocks
	depth, parsed := 0, 0
	for i, t := range tokens {
		if t.first && depth == 0 {
			blocks.line(t, nil)
		}
		depth = nesting(depth, t)
		switch {
		case t.kind != word:
		case slices.Contains([]string{"add_subparsers", "parse_known_args", "parse_intermixed_args", "set_defaults", "setattr", "parents", "prefix_chars", "fromfile_prefix_chars"}, t.text):
			return a
		case t.is("add_argument") && matches(tokens[i:], word, "("):
			d, ok := declaration(arguments(tokens[i+2:]))
			if !ok || blocks.under() {
				return a
			}
			all = append(all, d)
		case t.is("parse_args"):
			if parsed++; parsed > 1 || !matches(tokens[i:], word, "(", ")") {
				return a
			}
			a.variable = assigned(tokens, i)
		}
	}
	if args == nil || a.variable == "" {
		return a
	}
	a.fill(all)
	a.forget(tokens)
	return a
}

// assigned returns the variable of "variable = parser.parse_args".
func assigned(tokens []lexeme, i int) string {
	if i < 4 || !matches(tokens[i-4:], word, "=", word, ".") || !tokens[i-4].first {
		return ""
	}
	return tokens[i-4].text
}

// declaration reads the arguments of add_argument.
func declaration(args map[string][]lexeme) (declared, bool) {
	d := declared{text: true}
	for _, n := range []string{"0", "1", "2", "3"} {
		expr, ok := args[n]
		if !ok {
			break
		}
		name := constant(expr).text
		if name == "" {
			return d, false
		}
		d.names = append(d.names, name)
	}
	if _, some := args["nargs"]; some || len(d.names) == 0 {
		return d, false
	}
	d.dest = strings.TrimLeft(d.names[0], "-")
	for _, name := range d.names {
		if long, ok := strings.CutPrefix(name, "--"); ok {
			d.dest = long
			break
		}
	}
	if d.names[0][0] == '-' {
		d.dest = strings.ReplaceAll(d.dest, "-", "_")
	}
	if expr, ok := args["dest"]; ok {
		d.dest = constant(expr).text
	}
	if expr, ok := args["type"]; ok {
		d.text = matches(expr, "str")
	}
	if expr, ok := args["action"]; ok {
		d.text, d.flag = false, constant(expr).text != "store" && constant(expr).text != "append"
	}
	d.standby = args["default"]
	return d, true
}

// fill gives each argument to what was declared for it, as argparse does.
func (a *pythonArguments) fill(all []declared) {
	values, defaults := map[string]string{}, map[string][]lexeme{}
	var positional []declared
	for _, d := range all {
		if d.names[0][0] != '-' {
			positional = append(positional, d)
			continue
		}
		defaults[d.dest] = d.standby
	}
	take := func(d declared, text string) {
		delete(defaults, d.dest)
		if d.text {
			values[d.dest] = text
		}
	}
	for rest := a.args; len(rest) > 0; rest = rest[1:] {
		name, text, joined := strings.Cut(rest[0], "=")
		if !strings.HasPrefix(name, "-") {
			if len(positional) == 0 {
				return // too many
			}
			take(positional[0], rest[0])
			positional = positional[1:]
			continue
		}
		i := slices.IndexFunc(all, func(d declared) bool { return slices.Contains(d.names, name) })
		switch {
		case i < 0: // it may be short for another
			return
		case all[i].flag || joined:
		case len(rest) < 2:
			return
		default:
			rest = rest[1:]
			text = rest[0]
		}
		take(all[i], text)
	}
	if len(positional) == 0 {
		a.values, a.defaults = values, defaults
	}
}

// forget removes what the program sets itself: args.library = …
func (a *pythonArguments) forget(tokens []lexeme) {
	for i, t := range tokens {
		rest := tokens[i:]
		if !t.is(a.variable) || !matches(rest, word, ".", word) {
			continue
		}
		after := rest[3:]
		if matches(after, "=") && !matches(after, "=", "=") || matches(after, mark, "=") && !matches(after, "!") && !matches(after, "<") && !matches(after, ">") && !matches(after, "=") {
			delete(a.values, rest[2].text)
			delete(a.defaults, rest[2].text)
		}
	}
}

// evaluate returns what an expression is, as far as that is plain to see.
func (r *pythonReader) evaluate(expr []lexeme, row scope) value {
	a := r.arguments
	switch {
	case len(expr) == 1 && expr[0].kind == str:
		v := constant(expr)
		v.line = 0
		return v
	case len(expr) == 1:
		return row[expr[0].text]
	case len(expr) == 3 && matches(expr, a.variable, ".", word):
		if text, ok := a.values[expr[2].text]; ok {
			return value{text: text, given: true}
		}
	case len(expr) == 6 && matches(expr, "sys", ".", "argv", "[", word, "]"):
		if n, err := strconv.Atoi(expr[4].text); err == nil && n > 0 && n <= len(a.args) {
			return value{text: a.args[n-1], given: true}
		}
	}
	return value{}
}

// everyProcess reports whether a pid is the one that stands for all.
func (r *pythonReader) everyProcess(expr []lexeme) bool {
	a := r.arguments
	if len(expr) == 3 && matches(expr, a.variable, ".", word) {
		expr = a.defaults[expr[2].text]
	}
	return len(expr) == 2 && matches(expr, "-", "1")
}

// shortened returns the expression that a library's name is made of by a function
// which only takes "lib" and what follows ".so" off it: short(args.library). Nobody
// looks these up by other files.
func (r *pythonReader) shortened(expr []lexeme) []lexeme {
	if !matches(expr, word, "(") || !expr[len(expr)-1].is(")") {
		return nil
	}
	if r.shorten == nil {
		r.shorten = map[string]bool{}
		for i, t := range r.tokens {
			if t.is("def") && matches(r.tokens[i:], word, word, "(", word, ")", ":") {
				r.shorten[r.tokens[i+1].text] = shortens(r.tokens[i:])
			}
		}
	}
	if !r.shorten[expr[0].text] {
		return nil
	}
	return expr[2 : len(expr)-1]
}

// shortens reports whether each thing that a function returns is its parameter or
// that without "lib" and ".so".
func shortens(t []lexeme) bool {
	parameter, any := t[3].text, false
	for i := 6; i < len(t) && (!t[i].first || t[i].col > t[0].col); i++ {
		switch {
		case t[i].is("="), t[i].is("def"), t[i].is("lambda"), t[i].is("for"):
			return false
		case !t[i].is("return"):
		case matches(t[i+1:], parameter, ".", "partition", "(", str, ")", "[", "0", "]", ".", "removeprefix", "(", str, ")") &&
			t[i+5].text == ".so" && t[i+13].text == "lib":
			any = true
		case !matches(t[i+1:], parameter) || i+2 < len(t) && !t[i+2].first:
			return false
		}
	}
	return any
}
