package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type downOptions struct {
	*factory
	all    bool
	output output.Choice
}

func newCmdDown(f *factory) *cobra.Command {
	opts := &downOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Remove the workspace's container and its volumes",
		Example: `  ebpfdev down
  ebpfdev down --all                   the image too`,
		Long: `Remove the workspace's container, its volumes and, with the last mount of its
bpffs, every program that was pinned there. The project's files stay. With
nothing to remove it does nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.gone = true // what was made for a folder that was deleted is still there
			return runDown(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.all, "all", false, "remove the image too")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runDown(ctx context.Context, opts *downOptions) error {
	return opts.withWorkspace(func(ws api.Workspace, folder string) error {
		res, err := ws.Down(ctx, api.DownRequest{Folder: folder, All: opts.all})
		if err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, res)
		}
		if len(res.Removed) == 0 {
			opts.say("There is nothing to remove.")
		}
		opts.removedLines(res.Removed)
		return nil
	})
}
