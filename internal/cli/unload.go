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
	names   []string
	project string
	output  output.Choice
}

func newCmdUnload(f *factory) *cobra.Command {
	opts := &unloadOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "unload [NAME|PIN...]",
		Short: "Take back what load made",
		Example: `  ebpfdev unload
  ebpfdev unload count_packets
  ebpfdev unload /sys/fs/bpf/ebpfdev/hello/links/count_packets`,
		Long: `Take back what "ebpfdev load" made for the project: links, then programs, then
maps. A pin that no longer holds what was put there is left alone and named. A
process that it started is asked to end as by Ctrl-C, and what it then prints is
printed: with bpftrace, what its maps held.

With names only those programs, with what attaches them, and maps are taken back;
with paths only those pins, of whatever project.`,
		Annotations: exits("1 there is no such name or pin", "5 a pin was left alone"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.names = args
			return runUnload(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.project, "project", "", "the `NAME` it was loaded under (default: the workspace's)")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runUnload(ctx context.Context, opts *unloadOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		res, err := s.Unload(ctx, api.UnloadRequest{Project: projectName(opts.project, s), Names: opts.names})
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
