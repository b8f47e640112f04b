// Package prompt asks a person for what the command line left out.
//
// A Question is plain data, so that the same questions can be asked line by
// line here and on the pages of a wizard elsewhere.
package prompt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Question is one thing to ask.
type Question struct {
	ID       string // stable: "template"
	Title    string // "Which framework?"
	Help     string // one line about what hangs on the answer; may be empty
	Options  []Option
	Default  string             // taken when the answer is empty
	Validate func(string) error // may be nil; its error says what is wrong with the answer
}

// Option is one answer that a question offers.
type Option struct {
	Value string // what Answer returns
	Title string
	Help  string
}

// Answer turns what a person typed into the question's answer: the default for
// nothing, an option for its number or its value.
func (q Question) Answer(typed string) (string, error) {
	answer := strings.TrimSpace(typed)
	if answer == "" {
		answer = q.Default
	}
	if len(q.Options) > 0 {
		i, err := q.option(answer)
		if err != nil {
			return "", err
		}
		answer = q.Options[i].Value
	}
	if q.Validate != nil {
		if err := q.Validate(answer); err != nil {
			return "", err
		}
	}
	return answer, nil
}

func (q Question) option(answer string) (int, error) {
	if i := slices.IndexFunc(q.Options, func(o Option) bool { return o.Value == answer }); i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(q.Options) {
		return n - 1, nil
	}
	return 0, fmt.Errorf("type a number from 1 to %d, or a name", len(q.Options))
}
