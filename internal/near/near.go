// Package near finds the names that somebody may have meant: those a few
// letters away from the one they wrote, those with its words in them, and those
// that differ in case or separators alone.
package near

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

const (
	longest  = 256 // bytes of a name whose letters are compared; a mangled symbol may have thousands
	farthest = 5   // letters that a near name differs in at most, however long it is

	// What nearness costs beside letters, in half letters.
	partCost  = 1 // only the last part of a path is near
	wordsCost = 3 // the wanted words are in it
)

// Names returns at most n of the names in from that are near want, the nearest
// first, each once; none when nothing is near. Upper and lower case are the
// same, and so are the separators between words. Among equally near names the
// one of the most similar length is first, then the order is the alphabet's.
// Where one is near, those more than twice as far are left out.
//
// It takes 10 to 60 milliseconds for 100,000 names, a kernel's symbols.
func Names(want string, from []string, n int) []string {
	text, part := fold(want)
	if text == "" || n <= 0 {
		return nil
	}
	m := matcher{whole: measure(text), part: measure(part), words: words(text)}
	var found []candidate
	for _, name := range from {
		if c, ok := m.match(name); ok {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(a.cost-b.cost, a.longer-b.longer, strings.Compare(a.name, b.name))
	})
	found = slices.CompactFunc(found, func(a, b candidate) bool { return a.name == b.name })
	var names []string
	for _, c := range found[:min(n, len(found))] {
		if c.cost <= 2*found[0].cost+1 {
			names = append(names, c.name)
		}
	}
	return names
}

// candidate is a name that is near.
type candidate struct {
	name   string
	cost   int // half letters
	longer int // bytes between its length and the wanted one's
}

// matcher is a wanted name, ready to be compared with many.
type matcher struct {
	whole, part measured
	words       []string // nil when there is too little to look for
}

// match reports whether a name is near in any of three ways, and the cost of the
// one that is the cheapest.
func (m *matcher) match(name string) (candidate, bool) {
	text, part := fold(name)
	c := candidate{name: name, longer: abs(len(text) - len(m.whole.text)), cost: 2*farthest + partCost + 1}
	near := false
	if d, ok := m.whole.distance(text); ok {
		near, c.cost = true, 2*d
	}
	if len(part) != len(text) || len(m.part.text) != len(m.whole.text) {
		if d, ok := m.part.distance(part); ok {
			near, c.cost = true, min(c.cost, 2*d+partCost)
		}
	}
	if c.cost > wordsCost && holds(text, m.words) {
		near, c.cost = true, wordsCost
	}
	return c, near
}

// measured is a folded name, how often it has each byte, and how many letters
// another may differ in.
type measured struct {
	text  string
	bytes [256]uint8
	limit int
}

func measure(text string) measured {
	m := measured{text: text, limit: min(1+len(text)/5, farthest)}
	for i := range min(len(text), longest-1) {
		m.bytes[text[i]]++
	}
	return m
}

// distance returns how many letters to change to make other of m, and whether
// they are few. Two letters that changed places count as one. Most names are refused by their length, or by letters that they
// have and m has not: that costs far less.
func (m *measured) distance(other string) (int, bool) {
	if max(len(m.text), len(other)) >= longest || abs(len(other)-len(m.text)) > m.limit {
		return 0, false
	}
	left, missing := m.bytes, 0
	for i := range len(other) {
		switch b := other[i]; {
		case left[b] > 0:
			left[b]--
		case b < utf8.RuneSelf:
			missing++
		}
	}
	if missing > m.limit {
		return 0, false
	}
	d := levenshtein.ComputeDistance(m.text, other)
	if d == 2 && missing == 0 && len(other) == len(m.text) {
		d = 1
	}
	return d, d <= m.limit && d < min(len(m.text), len(other))
}

// holds reports whether each word begins a word of text, in order; a word that
// is alone may be anywhere.
func holds(text string, words []string) bool {
	if len(words) == 1 {
		return strings.Contains(text, words[0])
	}
	for _, word := range words {
		if !strings.HasPrefix(text, word) {
			i := strings.Index(text, "_"+word)
			if i < 0 {
				return false
			}
			text = text[i+1:]
		}
		text = text[len(word):]
	}
	return len(words) > 0
}

// words returns a folded name's words, or nil for less than three letters: those
// are in far too many names.
func words(folded string) []string {
	fields := strings.FieldsFunc(folded, func(r rune) bool { return r == '_' })
	if len(strings.Join(fields, "")) < 3 {
		return nil
	}
	return fields
}

// fold writes a name in lower case with one kind of separator, and says what
// follows its last slash or colon.
func fold(name string) (text, part string) {
	text = strings.ToLower(name)
	start := strings.LastIndexAny(text, "/:") + 1
	text = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.', '/', ':':
			return '_'
		}
		return r
	}, text)
	return text, text[min(start, len(text)):]
}

func abs(n int) int { return max(n, -n) }
