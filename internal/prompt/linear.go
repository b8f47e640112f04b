package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// Linear asks one question after the other, a line each: nothing is redrawn, so
// that it works in any terminal and reads well aloud.
type Linear struct {
	in    io.Reader
	out   io.Writer
	width int       // in cells; 0 does not wrap
	lines chan line // filled by one reader, started with the first question
}

type line struct {
	text string
	err  error
}

// NewLinear reads answers from in and writes questions to out, wrapped at words
// to a width in cells; 0 does not wrap.
func NewLinear(in io.Reader, out io.Writer, width int) *Linear {
	return &Linear{in: in, out: out, width: width}
}

// Ask asks until the answer is valid. The end of the input is an error, a
// cancelled context ends the question with the context's error.
func (l *Linear) Ask(ctx context.Context, q Question) (string, error) {
	for {
		if _, err := io.WriteString(l.out, render(q, l.width)); err != nil {
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

func render(q Question, cells int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", wrap(safe.Line(q.Title), 0, cells))
	if q.Help != "" {
		fmt.Fprintf(&b, "  %s\n", wrap(safe.Line(q.Help), 2, cells))
	}
	width := 0
	for _, o := range q.Options {
		width = max(width, len(o.Value))
	}
	for i, o := range q.Options {
		about := o.Title
		if o.Help != "" {
			about += ": " + o.Help
		}
		head := fmt.Sprintf("  %d  %-*s  ", i+1, width, safe.Line(o.Value))
		fmt.Fprintf(&b, "%s%s\n", head, wrap(safe.Line(about), len(head), cells))
	}
	if q.Default != "" {
		fmt.Fprintf(&b, "[%s] ", safe.Line(q.Default))
	}
	b.WriteString("> ")
	return b.String()
}

// wrap breaks a line at spaces so that it fits a terminal of so many cells when
// it begins after an indent, as the lines that follow do.
func wrap[T ~string](text T, indent, cells int) string {
	if cells <= indent {
		return string(text)
	}
	var b strings.Builder
	at := indent
	for i, word := range strings.Split(string(text), " ") {
		w := ansi.StringWidth(word)
		switch {
		case i == 0:
		case at+1+w > cells:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += w
	}
	return b.String()
}
