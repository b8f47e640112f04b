package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type initOptions struct {
	*factory
	req    api.InitRequest
	output output.Choice
}

func newCmdInit(f *factory) *cobra.Command {
	opts := &initOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Give a project that is there its dev container",
		Long: `Recognise the eBPF project in this folder (cilium/ebpf, libbpf, Aya, BCC, bpftrace)
and write a dev container for it that can load programs. Where there is one, it
stays as it is and only gets ebpfdev's settings, customizations.ebpfdev. Nothing
else in the folder is touched. What the Makefile's rule "run" tells of the program's
arguments, or of where programs are attached, becomes the setting "run" or "attach";
where one is needed and nothing tells it, init says which.`,
		Example: `  ebpfdev init
  ebpfdev init --template aya --least-privilege`,
		Annotations: exits("2 no eBPF project is recognised: see --template", "5 a file is in the way"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runInit(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.req.Template, "template", "", "the framework, `ID`, instead of the one that the folder holds")
	addContainerFlags(cmd, &opts.req.Options)
	completeTemplates(cmd, f)
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runInit(ctx context.Context, opts *initOptions) error {
	sc, err := opts.scaffolder()
	if err != nil {
		return err
	}
	here, err := currentFolder()
	if err != nil {
		return api.E("set up", "", api.ErrEnvironment, err)
	}
	opts.req.Folder = absolute(here, opts.folder)
	res, err := sc.Init(ctx, opts.req)
	if errors.Is(err, api.ErrConflict) && api.HintOf(err) == "" {
		return api.E("", "", "", err).WithHint("mv .devcontainer devcontainer.old && ebpfdev init")
	}
	if err != nil {
		return err
	}
	if opts.output.Format == output.FormatJSON {
		return output.JSON(opts.io.Out, res)
	}
	var fields output.Fields
	fields.Add("framework", res.Template)
	for _, name := range res.Written {
		fields.Add("wrote", name)
	}
	if res.Changed != "" {
		fields.Add("changed", res.Changed+": added customizations.ebpfdev")
	}
	for _, setting := range res.Told {
		fields.Add("set", setting+", as the Makefile has it")
	}
	if len(res.Written) == 0 && res.Changed == "" {
		fields.Add("changed", "nothing: its dev container has ebpfdev's settings already")
	}
	if err := fields.Write(opts.io.Out, opts.out()); err != nil {
		return err
	}
	for _, lack := range res.Lacks {
		opts.note("the dev container that is there: " + lack)
	}
	opts.noteOpen(res.Open)
	opts.say("\nNext:\n  ebpfdev up      start its container\n  ebpfdev run     build, verify, load and watch")
	return nil
}

// noteOpen says which settings somebody has to fill in, with an example each.
func (o *initOptions) noteOpen(list []api.OpenSetting) {
	for _, s := range list {
		o.note(fmt.Sprintf("%s: fill in %q in customizations.ebpfdev of devcontainer.json, such as", s.Reason, s.Name))
		o.say("  %s", safe.Line(s.Example))
	}
}
