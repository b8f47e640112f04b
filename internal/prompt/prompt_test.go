package prompt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func fruit() Question {
	return Question{
		ID: "fruit", Title: "Which fruit?", Help: "For the pie.",
		Options: []Option{{Value: "apple", Title: "Apple"}, {Value: "pear", Title: "Pear", Help: "soft"}},
		Default: "pear",
	}
}

func TestAnswer(t *testing.T) {
	short := Question{Default: "a", Validate: func(s string) error {
		if len(s) > 3 {
			return errors.New("too long")
		}
		return nil
	}}
	tests := []struct {
		q           Question
		typed, want string
		err         string
	}{
		{fruit(), "", "pear", ""},
		{fruit(), "1\n", "apple", ""},
		{fruit(), " apple ", "apple", ""},
		{fruit(), "3", "", "type a number from 1 to 2, or a name"},
		{fruit(), "0", "", "type a number from 1 to 2, or a name"},
		{short, "\n", "a", ""},
		{short, "abcd", "", "too long"},
	}
	for _, tt := range tests {
		got, err := tt.q.Answer(tt.typed)
		if got != tt.want || (err == nil) != (tt.err == "") || (err != nil && err.Error() != tt.err) {
			t.Errorf("Answer(%q) = %q, %v; want %q, %q", tt.typed, got, err, tt.want, tt.err)
		}
	}
}

func TestAskAgainUntilValid(t *testing.T) {
	var out bytes.Buffer
	got, err := NewLinear(strings.NewReader("plum\n2\n"), &out, 0).Ask(t.Context(), fruit())
	if err != nil || got != "pear" {
		t.Fatalf("Ask = %q, %v", got, err)
	}
	const want = `Which fruit?
  For the pie.
  1  apple  Apple
  2  pear   Pear: soft
[pear] >   type a number from 1 to 2, or a name
Which fruit?
  For the pie.
  1  apple  Apple
  2  pear   Pear: soft
[pear] > `
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestLongTextWrapsAtWords(t *testing.T) {
	q := Question{
		Title: "Which fruit goes into the pie?", Help: "It is baked for an hour, whatever it is.",
		Options: []Option{{Value: "apple", Title: "Apple", Help: "sour and firm, keeps its shape"}, {Value: "unbreakable", Title: "averyveryverylongword of one"}},
	}
	var out bytes.Buffer
	if _, err := NewLinear(strings.NewReader("1\n"), &out, 32).Ask(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	const want = `Which fruit goes into the pie?
  It is baked for an hour,
  whatever it is.
  1  apple        Apple: sour
                  and firm,
                  keeps its
                  shape
  2  unbreakable  averyveryverylongword
                  of one
> `
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestConfirm(t *testing.T) {
	for typed, want := range map[string]bool{"\n": true, "y\n": true, "NO\n": false, "what\nn\n": false, "yes": true} {
		got, err := NewLinear(strings.NewReader(typed), io.Discard, 0).Confirm(t.Context(), "Sure?", true)
		if err != nil || got != want {
			t.Errorf("Confirm with %q = %v, %v; want %v", typed, got, err, want)
		}
	}
}

func TestEndOfInputIsAUsageError(t *testing.T) {
	_, err := NewLinear(strings.NewReader(""), io.Discard, 0).Ask(t.Context(), fruit())
	if !errors.Is(err, api.ErrUsage) {
		t.Errorf("Ask = %v, want a usage error", err)
	}
}

func TestCancelEndsTheQuestion(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewLinear(r, io.Discard, 0).Ask(ctx, fruit()); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask = %v, want the context's error", err)
	}
}
