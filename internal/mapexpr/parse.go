package mapexpr

import "slices"

// node is a part of an expression.
type node struct {
	op          string // "&&" "||" "!" of parts, "==" … "=~" "in" of operands, "" of a field alone
	pos         int
	parts       []node
	left, right token
	list        []token // of in
}

// maxDepth bounds brackets and negations, and maxLength the source in bytes.
const (
	maxDepth  = 64
	maxLength = 4096
)

// parser reads tokens.
type parser struct {
	src    string
	tokens []token
	depth  int
}

func parse(src string) (node, error) {
	if len(src) > maxLength {
		return node{}, fail(src, maxLength, "an expression has at most %d bytes", maxLength)
	}
	tokens, err := lex(src)
	if err != nil {
		return node{}, err
	}
	p := &parser{src: src, tokens: tokens}
	n, err := p.either()
	if err != nil {
		return node{}, err
	}
	if t := p.tokens[0]; t.kind != end {
		return node{}, p.fail(t, "expected && or || before %q", clip(t.text))
	}
	return n, nil
}

func (p *parser) fail(t token, format string, args ...any) error {
	return fail(p.src, t.pos, format, args...)
}

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// take reads an operator when it is next.
func (p *parser) take(op string) bool {
	if t := p.tokens[0]; t.kind != operator || t.text != op {
		return false
	}
	p.next()
	return true
}

func (p *parser) either() (node, error) { return p.chain("||", p.both) }

func (p *parser) both() (node, error) { return p.chain("&&", p.one) }

// chain reads parts between which an operator is.
func (p *parser) chain(op string, part func() (node, error)) (node, error) {
	first, err := part()
	if err != nil {
		return node{}, err
	}
	n := node{op: op, parts: []node{first}}
	for p.take(op) {
		more, err := part()
		if err != nil {
			return node{}, err
		}
		n.parts = append(n.parts, more)
	}
	if len(n.parts) == 1 {
		return first, nil
	}
	return n, nil
}

// one reads a comparison, a negation or what is in brackets.
func (p *parser) one() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return node{}, p.fail(p.tokens[0], "too many brackets")
	}
	defer func() { p.depth-- }()
	if p.take("!") {
		inner, err := p.one()
		return node{op: "!", parts: []node{inner}}, err
	}
	if at := p.tokens[0]; p.take("(") {
		inner, err := p.either()
		if err == nil && !p.take(")") {
			err = p.fail(at, "the bracket is not closed")
		}
		return inner, err
	}
	return p.comparison()
}

func (p *parser) comparison() (node, error) {
	n := node{left: p.next()}
	if n.left.kind != word && n.left.kind != quoted {
		return n, p.fail(n.left, "expected a field, %s", found(n.left))
	}
	op := p.tokens[0]
	n.pos = op.pos
	if op.kind == word && op.text == "in" {
		p.next()
		n.op = "in"
		return p.list(n)
	}
	if op.kind != operator || !slices.Contains([]string{"==", "!=", "<", "<=", ">", ">=", "=~"}, op.text) {
		return n, nil // a field alone
	}
	p.next()
	n.op, n.right = op.text, p.next()
	if n.right.kind == end || n.right.kind == operator {
		return n, p.fail(n.right, "expected a value after %s, %s", op.text, found(n.right))
	}
	return n, nil
}

// list reads what follows in: one value, or some in brackets.
func (p *parser) list(n node) (node, error) {
	if !p.take("(") {
		n.list = []token{p.next()}
	} else {
		for {
			n.list = append(n.list, p.next())
			if p.take(")") {
				break
			}
			if !p.take(",") {
				return n, p.fail(p.tokens[0], "expected , or ) in the list, %s", found(p.tokens[0]))
			}
		}
	}
	for _, t := range n.list {
		if t.kind != word && t.kind != quoted {
			return n, p.fail(t, "expected a value, %s", found(t))
		}
	}
	return n, nil
}

func found(t token) string {
	if t.kind == end {
		return "but it ends here"
	}
	return "not " + clip(t.text)
}

// Text returns what src looks for when it is no expression but text.
func Text(src string) (string, bool) {
	tokens, err := lex(src)
	if err != nil {
		// A quote alone is text; a quote in an expression is an error.
		return src, !compares(src)
	}
	if len(tokens) == 2 && tokens[0].kind == quoted {
		return tokens[0].text, true
	}
	for i, t := range tokens {
		if t.kind == operator && slices.Contains([]string{"&&", "||", "==", "!=", "<", "<=", ">", ">=", "=~"}, t.text) {
			return "", false
		}
		if t.kind == word && t.text == "in" && i > 0 && listed(tokens[i+1]) {
			return "", false
		}
	}
	if len(tokens) == 3 && tokens[0].text == "!" && tokens[1].kind == word {
		return "", false
	}
	return src, true
}

// listed reports whether what follows in makes it an operator: a network, an
// address or a list.
func listed(t token) bool {
	if t.kind == operator {
		return t.text == "("
	}
	_, isNetwork := network(t.text)
	return isNetwork
}

// compares reports whether text that can't be parted has an operator in it.
func compares(src string) bool {
	for i := range src {
		if t := operatorAt(src, i); len(t.text) == 2 {
			return true
		}
	}
	return false
}
