package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type doctorOptions struct {
	*factory
	fix    bool
	output output.Choice
}

func newCmdDoctor(f *factory) *cobra.Command {
	opts := &doctorOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what stands between this machine and a loaded program",
		Long: `Check the container engine, what it can grant, the kernel and its BTF, the file
systems that eBPF needs, limits, disk and base image. Each finding says why it
matters and what to run. --fix does what is safe to do here, after asking.`,
		Example: `  ebpfdev doctor
  ebpfdev doctor --fix --yes
  ebpfdev doctor -o json | jq '.[] | select(.state != "ok")'`,
		Annotations: exits("0 nothing failed (there may be warnings)", "3 a check failed"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.fix, "fix", false, "repair what can be repaired safely; asks first")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func runDoctor(ctx context.Context, opts *doctorOptions) error {
	doc, err := opts.doctor()
	if err != nil {
		return err
	}
	folder, err := opts.workspaceFolder()
	if err != nil {
		return err
	}
	req := api.DoctorRequest{Folder: folder, Target: api.TargetName(opts.target)}
	checks, err := opts.diagnose(ctx, doc, req, !opts.fix)
	if err != nil {
		return err
	}
	if opts.fix {
		if checks, err = opts.repair(ctx, doc, req, checks); err != nil {
			return err
		}
	}
	if opts.output.Format == output.FormatJSON {
		if err := writeList(opts.factory, output.FormatJSON, checks); err != nil {
			return err
		}
	}
	for _, c := range checks {
		if c.State == api.CheckFail {
			return exitError(api.ErrEnvironment.ExitCode())
		}
	}
	return nil
}

// diagnose runs the checks and shows each as it is known. Where more comes
// after, only people see these.
func (o *doctorOptions) diagnose(ctx context.Context, doc api.Doctor, req api.DoctorRequest, last bool) ([]api.Check, error) {
	checks := []api.Check{}
	err := doc.Diagnose(ctx, req, func(c api.Check) error {
		checks = append(checks, c)
		switch o.output.Format {
		case output.FormatTable:
			return o.writeCheck(c)
		case output.FormatNDJSON:
			if last {
				return output.JSONLine(o.io.Out, c)
			}
		}
		return nil
	})
	return checks, err
}

func (o *doctorOptions) writeCheck(c api.Check) error {
	p := o.out()
	mark, style := "ok  ", output.Green
	switch c.State {
	case api.CheckWarn:
		mark, style = "warn", output.Yellow
	case api.CheckFail:
		mark, style = "fail", output.Red
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s", p.Paint(style, mark), p.Paint(output.Bold, line(c.Title)))
	if c.Found != "" {
		b.WriteString(": " + line(c.Found))
	}
	b.WriteByte('\n')
	if c.State != api.CheckOK {
		if c.Why != "" {
			b.WriteString("      why: " + line(c.Why) + "\n")
		}
		if c.Fix != "" {
			b.WriteString("      fix: " + line(c.Fix) + "\n")
		}
	}
	_, err := fmt.Fprint(o.io.Out, b.String())
	return err
}

// repair applies the plan after asking and returns the checks as they are then.
func (o *doctorOptions) repair(ctx context.Context, doc api.Doctor, req api.DoctorRequest, checks []api.Check) ([]api.Check, error) {
	plan, err := doc.Plan(ctx, checks)
	if err != nil {
		return nil, err
	}
	if len(plan) == 0 {
		o.say("There is nothing that can be repaired from here.")
		return checks, nil
	}
	o.say("\nThis would be done:")
	for _, fix := range plan {
		o.say("  %s", safe.Line(fix.Title))
		for _, command := range fix.Commands {
			o.say("    $ %s", safe.Line(command))
		}
	}
	if err := o.confirm(ctx, "repair this machine", "Do it?", "ebpfdev doctor --fix --yes"); err != nil {
		return nil, err
	}
	progress := o.newProgress()
	for _, fix := range plan {
		if err := doc.Apply(ctx, fix, progress.Update); err != nil {
			progress.Close()
			return nil, err
		}
	}
	progress.Close()
	o.say("")
	return o.diagnose(ctx, doc, req, true)
}
