package output

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// logTail is how many lines of a verifier log or of a tool's output an error shows.
const logTail = 20

// ErrorReport is an error as JSON shows it.
type ErrorReport struct {
	Kind     api.Kind        `json:"kind"`
	Op       string          `json:"op,omitempty"`
	Object   string          `json:"object,omitempty"`
	Cause    string          `json:"cause"`
	Hint     string          `json:"hint,omitempty"`
	ExitCode int             `json:"exit_code"`
	Verifier *VerifierReport `json:"verifier,omitempty"`
	Tool     *ToolReport     `json:"tool,omitempty"`
}

// VerifierReport is what JSON shows of a program that was refused.
type VerifierReport struct {
	Program   string `json:"program"`
	Summary   string `json:"summary"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Source    string `json:"source,omitempty"`
	Why       string `json:"why,omitempty"`
	Fix       string `json:"fix,omitempty"`
	Log       string `json:"log,omitempty"`
	Truncated bool   `json:"log_truncated,omitempty"`
}

// ToolReport is what JSON shows of a tool that ended with an error.
type ToolReport struct {
	Tool     string `json:"tool"`
	ExitCode int    `json:"exit_code"`
	Stderr   string `json:"stderr,omitempty"`
}

// Report takes an error apart. The exit code is the one that its kind stands for.
func Report(err error) ErrorReport {
	kind := api.KindOf(err)
	r := ErrorReport{Kind: kind, Cause: err.Error(), Hint: api.HintOf(err), ExitCode: kind.ExitCode()}
	// What wraps an error only to give it a hint says the same.
	var e *api.Error
	for rest := err; errors.As(rest, &e) && e.Error() == err.Error(); rest = e.Err {
		r.Op, r.Object, r.Cause = e.Op, e.Object, e.Cause
	}
	var v *api.VerifierError
	if errors.As(err, &v) {
		r.Verifier = &VerifierReport{
			Program: v.Program, Summary: v.Summary, File: v.File, Line: v.Line, Source: v.Source,
			Why: v.Why, Fix: v.Fix, Log: v.Log, Truncated: v.Truncated,
		}
	}
	var t *api.ToolError
	if errors.As(err, &t) {
		r.Tool = &ToolReport{Tool: t.Tool, ExitCode: t.ExitCode, Stderr: t.Stderr}
	}
	return r
}

// ErrorJSON writes an error as the one JSON document {"error": {...}}; as a
// line when lines is set.
func ErrorJSON(w io.Writer, err error, lines bool) error {
	doc := struct {
		Error ErrorReport `json:"error"`
	}{Report(err)}
	if lines {
		return JSONLine(w, doc)
	}
	return JSON(w, doc)
}

// Error writes an error for a person: what failed and why, what is known of the
// cause, and a hint that can be run. The end of what a failed tool said is
// repeated unless toolShown says that it is on the screen already.
func Error(w io.Writer, p Palette, err error, toolShown bool) error {
	var b strings.Builder
	var v *api.VerifierError
	var t *api.ToolError
	switch {
	case errors.As(err, &v):
		refusal(&b, p, v)
	case errors.As(err, &t):
		toolFailure(&b, p, err, t, toolShown)
	default:
		fmt.Fprintf(&b, "%s %s\n", p.Paint(Red, "error:"), safe.Lines(text(err)))
	}
	hint(&b, p, api.HintOf(err))
	_, werr := io.WriteString(w, b.String())
	return werr
}

// text is an error's text, in which the object's name stays on its line: it may
// come from anywhere, and must not look like a hint of ours.
func text(err error) string {
	var e *api.Error
	if !errors.As(err, &e) || e.Error() != err.Error() {
		return err.Error()
	}
	named := *e
	named.Object = safe.Line(e.Object).String()
	return named.Error()
}

func hint(b *strings.Builder, p Palette, text string) {
	if text != "" {
		fmt.Fprintf(b, "%s %s\n", p.Paint(Cyan, "hint:"), safe.Lines(text))
	}
}

// toolFailure shows the end of what the tool said. Its last line is part of the
// error only where it would not stand right above.
func toolFailure(b *strings.Builder, p Palette, err error, t *api.ToolError, shown bool) {
	text := err.Error()
	said := tail(t.Stderr, logTail)
	if !shown && strings.Contains(said, "\n") {
		for line := range strings.Lines(said) {
			b.WriteString(toolLine(line) + "\n")
		}
		shown = true
	}
	if shown {
		short := api.ToolError{Tool: t.Tool, ExitCode: t.ExitCode}
		text = strings.Replace(text, t.Error(), short.Error(), 1)
	}
	fmt.Fprintf(b, "%s %s\n", p.Paint(Red, "error:"), safe.Line(text))
}

// toolLine makes a line of a tool safe to print. Tools that draw a progress bar
// write over the same line again and again: what they wrote last counts.
func toolLine(s string) string {
	s = strings.TrimRight(s, "\r\n")
	return safe.Lines(s[strings.LastIndexByte(s, '\r')+1:]).String()
}

// refusal shows a program that the verifier refused.
func refusal(b *strings.Builder, p Palette, v *api.VerifierError) {
	RefusalHead(b, p, Rejection{Program: v.Program, File: v.File, Line: v.Line, Summary: v.Summary})
	Refusal(b, p, Rejection{
		Program: v.Program, Source: v.Source, Line: v.Line, Log: v.Log, Truncated: v.Truncated, Why: v.Why, Fix: v.Fix,
	})
}

// Rejection is what there is to say about a refused program.
type Rejection struct {
	Program, Summary, File, Source, Log, Why, Fix string

	Line      int
	Truncated bool
}

// RefusalHead writes the line that says what was refused, where and why, in the
// form that problem matchers read: "FILE:LINE: error: PROGRAM: SUMMARY".
func RefusalHead(b *strings.Builder, p Palette, r Rejection) {
	if r.File != "" {
		fmt.Fprintf(b, "%s:%d: ", safe.Line(r.File), r.Line)
	}
	fmt.Fprintf(b, "%s %s: %s\n", p.Paint(Red, "error:"), safe.Line(r.Program), safe.Line(r.Summary))
}

// Refusal writes the source line, the log's tail, the cause in words and what
// to change.
func Refusal(b *strings.Builder, p Palette, r Rejection) {
	if r.Source != "" {
		fmt.Fprintf(b, "%6d | %s\n", r.Line, p.Paint(Bold, safe.Line(strings.ReplaceAll(r.Source, "\t", "    ")).String()))
	}
	if log := tail(r.Log, logTail); log != "" {
		head := "verifier log of " + safe.Line(r.Program).String()
		if r.Truncated || len(log) < len(strings.TrimRight(r.Log, "\n")) {
			head += " (its end; all of it: -o json)"
		}
		b.WriteString(p.Paint(Dim, head+":") + "\n")
		for line := range strings.Lines(safe.Lines(log).String() + "\n") {
			b.WriteString("  " + line)
		}
	}
	if r.Why != "" {
		fmt.Fprintf(b, "%s %s\n", p.Paint(Yellow, "why:"), safe.Line(r.Why))
	}
	if r.Fix != "" {
		fmt.Fprintf(b, "%s %s\n", p.Paint(Green, "fix:"), safe.Line(r.Fix))
	}
}

// tail returns the last n lines of s, without the line feed that ends it.
func tail(s string, n int) string {
	s = strings.TrimRight(s, "\n")
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '\n' {
			if n--; n == 0 {
				return s[i+1:]
			}
		}
	}
	return s
}
