package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type disasmOptions struct {
	*factory
	xlated, jited, both bool
	output              output.Choice
}

func newCmdProgDisasm(f *factory) *cobra.Command {
	opts := &disasmOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "disasm ID|NAME",
		Short: "Show a program's instructions, with its source lines",
		Long: `Show the instructions of a loaded program: what the verifier made of its BPF
instructions (xlated), or the machine code that runs (jited), with the source
lines that they come from, and with the names of maps, helpers, kfuncs and functions.
Where a jump goes is shown in angle brackets.

The kernel shows BPF instructions to CAP_SYS_ADMIN, or CAP_BPF with CAP_PERFMON, and
machine code only to who may see its addresses (kernel.kptr_restrict).`,
		Example: `  ebpfdev prog disasm on_exec
  ebpfdev prog disasm on_exec --jited
  ebpfdev prog disasm 42 --both -o json | jq -r '.xlated[].lines[].symbol // empty'`,
		Annotations: exits("3 the kernel hides the code"),
		Args:        exactArgs("ID|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exclusive(cmd, "xlated", "jited", "both"); err != nil {
				return err
			}
			return runProgDisasm(cmd.Context(), opts, args[0])
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.xlated, "xlated", false, "BPF instructions, as the verifier left them (the default)")
	flags.BoolVar(&opts.jited, "jited", false, "the machine code")
	flags.BoolVar(&opts.both, "both", false, "first the one, then the other")
	addOutput(cmd, &opts.output, output.FormatText, output.FormatJSON)
	return cmd
}

func runProgDisasm(ctx context.Context, opts *disasmOptions, which string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		p, err := findProgram(ctx, s, which)
		if err != nil {
			return err
		}
		code, err := s.ReadCode(ctx, api.CodeRequest{ID: p.ID, Xlated: !opts.jited, Jited: opts.jited || opts.both})
		if err != nil {
			return err
		}
		if err := hiddenCode(p, code); err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, code)
		}
		opts.nameSources(s, code)
		return opts.writeCode(code)
	})
}

// hiddenCode is the error for a program of which the kernel shows nothing that was
// asked for.
func hiddenCode(p api.Program, code api.Code) error {
	if len(code.Xlated) > 0 || len(code.Jited) > 0 {
		return nil
	}
	why := code.XlatedHidden
	if why == "" {
		why = code.JitedHidden
	}
	return api.Errorf("read code", "program "+p.Name, api.ErrPermission, why).WithHint("ebpfdev doctor")
}

// nameSources shortens the names of source files to paths in the project.
func (o *disasmOptions) nameSources(s api.Session, code api.Code) {
	src := o.sources(s)
	for _, funcs := range [][]api.CodeFunc{code.Xlated, code.Jited} {
		for _, f := range funcs {
			for _, l := range f.Lines {
				if l.Source != nil {
					l.Source.File = src.path(l.Source.File, api.Object{})
				}
			}
		}
	}
}

func (o *disasmOptions) writeCode(code api.Code) error {
	w := codeWriter{p: o.out()}
	w.part(code.Xlated, code.XlatedHidden, "xlated", false)
	w.part(code.Jited, code.JitedHidden, "jited", true)
	_, err := fmt.Fprint(o.io.Out, w.text.String())
	return err
}

// codeWriter writes code for people.
type codeWriter struct {
	p    output.Palette
	text strings.Builder
}

// part writes the one or the other, where it is there.
func (w *codeWriter) part(funcs []api.CodeFunc, hidden, title string, machine bool) {
	if hidden != "" {
		fmt.Fprintf(&w.text, "%s\n", w.p.Paint(output.Dim, "not "+title+": "+line(hidden)))
	}
	for i, f := range funcs {
		if w.text.Len() > 0 {
			w.text.WriteByte('\n')
		}
		head := line(f.Name) + ":"
		if i == 0 {
			head += " " + w.p.Paint(output.Dim, title)
		}
		if f.Address != 0 {
			head += w.p.Paint(output.Dim, fmt.Sprintf(" at 0x%x", f.Address))
		}
		w.text.WriteString(head + "\n")
		w.lines(f, machine)
	}
}

// lines writes a function's instructions, and a line of source where it is another
// than the one before.
func (w *codeWriter) lines(f api.CodeFunc, machine bool) {
	var last api.SourceLine
	for _, l := range f.Lines {
		if src := l.Source; src != nil && strings.TrimSpace(src.Text) != "" && (src.File != last.File || src.Line != last.Line) {
			last = *src
			text := fmt.Sprintf("; %s  %s:%d", line(strings.TrimSpace(src.Text)), line(src.File), src.Line)
			w.text.WriteString(w.p.Paint(output.Cyan, text) + "\n")
		}
		format, target := "%6d: ", ""
		if machine {
			format = "%6x: "
		} else if l.Target != nil {
			target = w.p.Paint(output.Dim, fmt.Sprintf(" <%d>", *l.Target))
		}
		fmt.Fprintf(&w.text, format+"%s%s\n", l.Offset, line(l.Text), target)
	}
}
