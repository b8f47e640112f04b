package project

import (
	"maps"
	"slices"
)

const (
	maxRows   = 256 // of a table
	maxTables = 64  // that are looked for in a file
)

// value is a text that is known before a program runs, empty for one that is not.
type value struct {
	text  string
	line  int  // of the table that has it; 0 for what is written where it is used
	given bool // by the arguments that the program is run with
}

// scope is what the variables of loops are.
type scope map[string]value

// loop is a for statement over a table of constants: what is done in it is done
// for each row, so that it is no condition.
type loop struct {
	names []string
	rows  [][]value
}

// scopes are the loop's rounds in a scope.
func (l *loop) scopes(outer scope) []scope {
	var all []scope
	for _, row := range l.rows {
		s := maps.Clone(outer)
		for i, name := range l.names {
			s[name] = value{}
			if i < len(row) {
				s[name] = row[i]
			}
		}
		all = append(all, s)
	}
	return all
}

// loop reads the for statement that begins at a lexeme; nil when it is none, when
// what it goes through is not known, or when it does not do the same each time.
func (r *pythonReader) loop(i int) *loop {
	t := r.tokens[i:]
	if !matches(t, "for") || r.blocks.within(t[0]).under() {
		return nil
	}
	names, n := loopNames(t[1:])
	if n == 0 {
		return nil
	}
	rows, end := r.iterable(t[1+n:])
	end += 1 + n
	if end >= len(t) || !t[end].is(":") || rows == nil || chooses(t[end+1:], t[0].col) {
		return nil
	}
	return &loop{names: names, rows: rows}
}

// within returns the statements that a new line is in.
func (b pythonBlocks) within(t lexeme) pythonBlocks {
	for len(b) > 0 && b[len(b)-1].indent >= t.col {
		b = b[:len(b)-1]
	}
	return b
}

// loopNames reads "a in", "a, b in" and "(a, b) in".
func loopNames(t []lexeme) (names []string, n int) {
	for ; n < len(t); n++ {
		switch tok := t[n]; {
		case tok.is("in"):
			return names, n + 1
		case tok.kind == word:
			names = append(names, tok.text)
		case !tok.is(",") && !tok.is("(") && !tok.is(")"):
			return nil, 0
		}
	}
	return nil, 0
}

// chooses reports whether the statements of a block that begins in this column
// are not done each time.
func chooses(t []lexeme, col int) bool {
	depth := 0
	for _, tok := range t {
		if tok.first && depth == 0 && tok.col <= col {
			return false
		}
		depth = nesting(depth, tok)
		if tok.kind != word {
			continue
		}
		switch tok.text {
		case "if", "while", "match", "try", "continue", "break", "return", "suppress":
			return true
		}
	}
	return false
}

// iterable reads what a loop goes through, and returns how long that is: a table
// that is written there, the name of one, or one of a dict's methods.
func (r *pythonReader) iterable(t []lexeme) (rows [][]value, n int) {
	if len(t) == 0 {
		return nil, 0
	}
	if t[0].kind != word {
		table, n := readTable(t)
		if table.dict {
			return columns(table.rows, 0, 1), n
		}
		return table.rows, n
	}
	table := r.tableOf(t[0].text)
	if !table.dict {
		return table.rows, 1
	}
	switch {
	case matches(t, word, ".", "items", "(", ")"):
		return table.rows, 5
	case matches(t, word, ".", "values", "(", ")"):
		return columns(table.rows, 1, 2), 5
	case matches(t, word, ".", "keys", "(", ")"):
		return columns(table.rows, 0, 1), 5
	}
	return columns(table.rows, 0, 1), 1
}

func columns(rows [][]value, from, to int) [][]value {
	cut := make([][]value, 0, len(rows))
	for _, row := range rows {
		cut = append(cut, row[min(from, len(row)):min(to, len(row))])
	}
	return cut
}

// table is a list, tuple or dict of constants.
type table struct {
	rows [][]value // of a dict: a key and its value
	dict bool
}

func (r *pythonReader) tableOf(name string) table {
	t, ok := r.tables[name]
	if !ok && len(r.tables) < maxTables {
		t = r.table(name)
		r.tables[name] = t
	}
	return t
}

// table returns the table of this name, nothing when there is none, or when it
// may be another by the time that it is used.
func (r *pythonReader) table(name string) table {
	var t table
	var blocks pythonBlocks
	depth, set := 0, false
	for i, tok := range r.tokens {
		if tok.first && depth == 0 {
			blocks.line(tok, nil)
		}
		outside := depth == 0
		depth = nesting(depth, tok)
		switch {
		case !tok.is(name) || i > 0 && r.tokens[i-1].is("."):
		case tok.first && outside && !set && !blocks.under() && matches(r.tokens[i:], word, "="):
			set = true
			read, n := readTable(r.tokens[i+2:])
			if after := i + 2 + n; n == 0 || after < len(r.tokens) && !r.tokens[after].first {
				return table{}
			}
			t = read
		case !r.onlyRead(i):
			return table{}
		}
	}
	return t
}

// onlyRead reports whether a name is used in a way that leaves its value as it is.
func (r *pythonReader) onlyRead(i int) bool {
	next := r.tokens[i+1:]
	if matches(next, ".", word, "(") {
		return slices.Contains([]string{"items", "keys", "values", "get", "index", "count", "copy"}, next[1].text)
	}
	switch {
	case i > 0 && r.tokens[i-1].is("in"):
		return matches(next, ":") || matches(next, ")") || matches(next, "]") || matches(next, "}")
	case i > 1 && r.tokens[i-1].is("("):
		return slices.Contains([]string{"fromkeys", "len", "list", "sorted", "tuple", "set", "dict", "print", "enumerate"}, r.tokens[i-2].text)
	}
	return false
}

// readTable reads a list, tuple, set or dict, and returns how long it is: 0 for
// something else.
func readTable(t []lexeme) (table, int) {
	if !matches(t, "[") && !matches(t, "(") && !matches(t, "{") {
		return table{}, 0
	}
	var res table
	for n := 1; ; {
		expr, end := expression(t[n:])
		if n += end; n >= len(t) {
			return table{}, 0
		}
		switch colon := top(expr, ":"); {
		case len(expr) == 0:
		case colon > 0 && t[0].is("{"):
			res.dict = true
			res.rows = append(res.rows, []value{constant(expr[:colon]), constant(expr[colon+1:])})
		default:
			res.rows = append(res.rows, row(expr))
		}
		if !t[n].is(",") {
			noTuple := t[0].is("(") && len(res.rows) == 1 && !t[n-1].is(",")
			if noTuple || len(res.rows) > maxRows {
				return table{}, 0
			}
			return res, n + 1
		}
		n++
	}
}

// row reads an entry of a list, which may have several parts.
func row(expr []lexeme) []value {
	if !matches(expr, "(") && !matches(expr, "[") {
		return []value{constant(expr)}
	}
	var parts []value
	for rest := expr[1:]; ; {
		part, end := expression(rest)
		if len(part) > 0 {
			parts = append(parts, constant(part))
		}
		if end+1 >= len(rest) || !rest[end].is(",") {
			return parts
		}
		rest = rest[end+1:]
	}
}

// top returns where a mark is in an expression, outside of brackets.
func top(expr []lexeme, text string) int {
	depth := 0
	for i, t := range expr {
		if depth == 0 && t.is(text) {
			return i
		}
		depth = nesting(depth, t)
	}
	return -1
}

// constant reads a string that is written out.
func constant(expr []lexeme) value {
	if len(expr) == 1 && expr[0].kind == str && expr[0].plain {
		return value{text: expr[0].text, line: expr[0].line}
	}
	return value{}
}
