package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type logsOptions struct {
	*factory
	follow bool
	tail   int
	output output.Choice
}

func newCmdLogs(f *factory) *cobra.Command {
	opts := &logsOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "logs",
		Short:   "Print what the container's main process printed",
		Example: "  ebpfdev logs --tail 20 --follow",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runLogs(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVarP(&opts.follow, "follow", "f", false, "go on until Ctrl-C")
	cmd.Flags().IntVarP(&opts.tail, "tail", "n", 0, "only the last `N` lines (default: all)")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatNDJSON)
	return cmd
}

func runLogs(ctx context.Context, opts *logsOptions) error {
	if opts.tail < 0 {
		return api.Errorf("print the logs", "", api.ErrUsage, "--tail takes a number from 0")
	}
	return opts.withWorkspace(func(ws api.Workspace, folder string) error {
		req := api.LogsRequest{Folder: folder, Follow: opts.follow, Tail: opts.tail}
		return ws.Logs(ctx, req, func(l api.LogLine) error {
			if opts.output.Format == output.FormatNDJSON {
				return output.JSONLine(opts.io.Out, l)
			}
			to := opts.io.Out
			if l.Stderr {
				to = opts.io.ErrOut
			}
			_, err := fmt.Fprintln(to, safe.Lines(l.Text))
			return err
		})
	})
}
