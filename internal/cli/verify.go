package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type verifyOptions struct {
	*factory
	paths    []string
	programs []string
	set      []string
	fullLog  bool
	output   output.Choice
}

func newCmdVerify(f *factory) *cobra.Command {
	opts := &verifyOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "verify [OBJECT...]",
		Short: "Ask the verifier about each program, without attaching",
		Long: `Load every program of the objects, attach none, and show the verifier's verdict
with its figures. A program that is refused is shown at its source line with the
end of the verifier's log, the cause and what to change. Without an argument the
project is built and its objects are verified.`,
		Example: `  ebpfdev verify
  ebpfdev verify bpf/exec_x86_bpfel.o --program handle_exec
  ebpfdev verify --set sample_every=16
  ebpfdev verify -o csv > figures.csv`,
		Annotations: exits("1 a program was refused"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.paths = args
			return runVerify(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringArrayVar(&opts.programs, "program", nil, "only program `NAME` (repeat for more)")
	addSetFlag(cmd, &opts.set)
	cmd.Flags().BoolVar(&opts.fullLog, "full-log", false, "print the whole log, also of programs that pass")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatCSV)
	return cmd
}

func runVerify(ctx context.Context, opts *verifyOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		objects, err := opts.objects(ctx, s, opts.paths)
		if err != nil {
			return err
		}
		results, err := opts.verify(ctx, s, objects)
		if err != nil {
			return err
		}
		if err := opts.write(results); err != nil {
			return err
		}
		if !allAccepted(results) {
			return exitError(api.ErrRejected.ExitCode())
		}
		return nil
	})
}

func (o *verifyOptions) verify(ctx context.Context, s api.Session, objects []api.Object) ([]api.VerifyResult, error) {
	set, err := parseSet(o.set)
	if err != nil {
		return nil, err
	}
	results := make([]api.VerifyResult, 0, len(objects))
	for _, obj := range objects {
		res, err := s.Verify(ctx, api.VerifyRequest{Object: obj, Programs: o.programs, Set: set, FullLog: o.fullLog})
		if err != nil {
			return nil, err
		}
		o.sources(s).inReport(res, obj)
		results = append(results, res)
	}
	return results, nil
}

func allAccepted(results []api.VerifyResult) bool {
	for _, r := range results {
		for _, p := range r.Programs {
			if p.Verdict != api.VerdictAccepted {
				return false
			}
		}
	}
	return true
}

func (o *verifyOptions) write(results []api.VerifyResult) error {
	switch o.output.Format {
	case output.FormatJSON:
		return output.JSON(o.io.Out, results)
	case output.FormatCSV:
		return writeVerifyCSV(o.io.Out, results)
	default:
		return o.writeVerdicts(results)
	}
}

// writeVerdicts prints the table and then what there is to say about each
// program that was refused.
func (f *factory) writeVerdicts(results []api.VerifyResult) error {
	t := output.NewTable(
		output.Column{Title: "OBJECT", Flex: true}, output.Column{Title: "PROGRAM", Flex: true}, output.Column{Title: "VERDICT"},
		output.Column{Title: "INSNS", Right: true}, output.Column{Title: "STATES", Right: true}, output.Column{Title: "PEAK", Right: true, Spare: true},
		output.Column{Title: "STACK", Right: true}, output.Column{Title: "XLATED", Right: true, Spare: true}, output.Column{Title: "JITED", Right: true},
		output.Column{Title: "TIME", Right: true})
	for _, r := range results {
		for _, p := range r.Programs {
			t.Row(r.Object, p.Program, verdictCell(p.Verdict), p.Insns, p.States, p.PeakStates, p.StackDepth,
				p.BytesXlated, p.BytesJited, p.VerificationTime.Round(time.Microsecond).String())
		}
	}
	if err := f.table(t, "The objects have no programs."); err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range results {
		for _, p := range r.Programs {
			f.describe(&b, p)
		}
	}
	_, err := io.WriteString(f.io.Out, b.String())
	return err
}

func verdictCell(v api.Verdict) output.Styled {
	if v == api.VerdictAccepted {
		return output.Styled{Style: output.Green, Value: string(v)}
	}
	return output.Styled{Style: output.Red, Value: string(v)}
}

// describe writes why a program was refused, its first line in the form that
// problem matchers read, and the log of one that passed when there is one.
func (f *factory) describe(b *strings.Builder, p api.ProgramReport) {
	palette := f.out()
	if p.Verdict == api.VerdictAccepted {
		if p.Log != "" {
			fmt.Fprintf(b, "\n%s\n%s\n", palette.Paint(output.Dim, "verifier log of "+safe.Line(p.Program).String()+":"),
				strings.TrimRight(safe.Lines(p.Log).String(), "\n"))
		}
		return
	}
	r := output.Rejection{
		Program: p.Program, Summary: p.Reason, File: p.File, Line: p.Line, Source: p.Source,
		Log: p.Log, Truncated: p.LogTruncated, Why: p.Why, Fix: p.Fix,
	}
	b.WriteByte('\n')
	output.RefusalHead(b, palette, r)
	output.Refusal(b, palette, r)
}

func writeVerifyCSV(w io.Writer, results []api.VerifyResult) error {
	c, err := output.NewCSV(w, "object", "program", "section", "type", "verdict", "insns", "states", "peak_states",
		"max_states_per_insn", "mark_read", "stack_depth", "prog_size", "bytes_xlated", "bytes_jited", "verification_time_ns")
	if err != nil {
		return err
	}
	for _, r := range results {
		for _, p := range r.Programs {
			err := c.Write(r.Object, p.Program, p.Section, p.Type, string(p.Verdict), strconv.Itoa(p.Insns), strconv.Itoa(p.States), strconv.Itoa(p.PeakStates),
				strconv.Itoa(p.MaxStatesPerInsn), strconv.Itoa(p.MarkRead), strconv.Itoa(p.StackDepth), strconv.Itoa(p.ProgramSize), strconv.Itoa(p.BytesXlated),
				strconv.Itoa(p.BytesJited), strconv.Itoa(int(p.VerificationTime)))
			if err != nil {
				return err
			}
		}
	}
	return c.Flush()
}
