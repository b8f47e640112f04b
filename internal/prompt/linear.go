package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// Linear asks one question after the other, a line each: nothing is redrawn, so
// that it works in any terminal and reads well aloud.
type Linear struct {
	in    io.Reader
	out   io.Writer
	lines chan line // filled by one reader, started with the first question
}

type line struct {
	text string
	err  error
}

// NewLinear reads answers from in and writes questions to out.
func NewLinear(in io.Reader, out io.Writer) *Linear {
	return &Linear{in: in, out: out}
}

// Ask asks until the answer is valid. The end of the input is an error, a
// cancelled context ends the question with the context's error.
func (l *Linear) Ask(ctx context.Context, q Question) (string, error) {
	for {
		if _, err := io.WriteString(l.out, render(q)); err != nil {
			return "", err
		}
		typed, err := l.read(ctx)
		if err != nil {
			return "", err
		}
		answer, err := q.Answer(typed)
		if err == nil {
			return answer, nil
		}
		fmt.Fprintf(l.out, "  %s\n", safe.Line(err.Error()))
	}
}

// Confirm asks a question that is answered with yes or no; nothing typed is def.
func (l *Linear) Confirm(ctx context.Context, title string, def bool) (bool, error) {
	choices := "y/N"
	if def {
		choices = "Y/n"
	}
	for {
		fmt.Fprintf(l.out, "%s [%s] ", safe.Line(title), choices)
		typed, err := l.read(ctx)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(typed)) {
		case "":
			return def, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		fmt.Fprintln(l.out, "  type y or n")
	}
}

func (l *Linear) read(ctx context.Context) (string, error) {
	if l.lines == nil {
		l.lines = make(chan line)
		go scan(l.in, l.lines)
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-l.lines:
		if errors.Is(got.err, io.EOF) {
			return "", api.Errorf("read the answer", "", api.ErrUsage, "the input ended")
		}
		return got.text, got.err
	}
}

// scan ends with the input; a read from a terminal cannot be called off.
func scan(in io.Reader, lines chan<- line) {
	r := bufio.NewReader(in)
	for {
		text, err := r.ReadString('\n')
		if text != "" {
			lines <- line{text: text}
		}
		if err != nil {
			lines <- line{err: err}
			return
		}
	}
}

func render(q Question) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", safe.Line(q.Title))
	if q.Help != "" {
		fmt.Fprintf(&b, "  %s\n", safe.Line(q.Help))
	}
	width := 0
	for _, o := range q.Options {
		width = max(width, len(o.Value))
	}
	def := q.Default
	for i, o := range q.Options {
		about := o.Title
		if o.Help != "" {
			about += ": " + o.Help
		}
		fmt.Fprintf(&b, "  %d  %-*s  %s\n", i+1, width, safe.Line(o.Value), safe.Line(about))
	}
	if def != "" {
		fmt.Fprintf(&b, "[%s] ", safe.Line(def))
	}
	b.WriteString("> ")
	return b.String()
}
