package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type unloadOptions struct {
	*factory
	project string
	output  output.Choice
}

func newCmdUnload(f *factory) *cobra.Command {
	opts := &unloadOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "unload",
		Short:   "Take back what load made",
		Example: "  ebpfdev unload",
		Long: `Take back what "ebpfdev load" made for the project: links, then programs, then
maps. A pin that no longer holds what was put there is left alone and named. A
process that it started is asked to end as by Ctrl-C, and what it then prints is
printed: with bpftrace, what its maps held.`,
		Annotations: exits("5 a pin was left alone"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runUnload(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.project, "project", "", "the `NAME` it was loaded under (default: the workspace's)")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runUnload(ctx context.Context, opts *unloadOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		res, err := s.Unload(ctx, api.UnloadRequest{Project: projectName(opts.project, s)})
		if err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			if err := output.JSON(opts.io.Out, res); err != nil {
				return err
			}
		} else if err := opts.writeUnloaded(res); err != nil {
			return err
		}
		if len(res.Kept) > 0 {
			return exitError(api.ErrConflict.ExitCode())
		}
		return nil
	})
}

func (f *factory) writeUnloaded(res api.UnloadResult) error {
	if err := f.writeOutput(res.Output); err != nil {
		return err
	}
	if len(res.Removed)+len(res.Kept) == 0 {
		f.say("There is nothing to unload.")
	}
	for _, r := range res.Removed {
		f.say("removed %s", safe.Line(r))
	}
	for _, k := range res.Kept {
		f.note(fmt.Sprintf("kept %s", k))
	}
	return nil
}
