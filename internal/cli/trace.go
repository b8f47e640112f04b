package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

type traceOptions struct {
	streamOptions
	programs []string
}

func newCmdTrace(f *factory) *cobra.Command {
	opts := &traceOptions{streamOptions: streamOptions{factory: f, ready: "watching; Ctrl-C ends it"}}
	cmd := &cobra.Command{
		Use:   "trace [PROGRAM...]",
		Short: "Follow what programs print",
		Long: `Print the lines that programs write with bpf_printk, of all programs, beside
whoever else reads them. With programs named, also what those write to streams of
their own with bpf_stream_printk, and what the kernel says of one that it had to
end (Linux 6.17); that is gone once it was read.`,
		Example: `  ebpfdev trace
  ebpfdev trace on_exec -o ndjson`,
		Annotations: exits("0 --for or --count was reached", "130 Ctrl-C"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.programs = args
			return runTrace(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func runTrace(ctx context.Context, opts *traceOptions) error {
	if err := opts.checkFlags("trace"); err != nil {
		return err
	}
	return opts.withSession(ctx, func(s api.Session) error {
		req := api.EventsRequest{Logs: true}
		for _, name := range opts.programs {
			p, err := findProgram(ctx, s, name)
			if err != nil {
				return err
			}
			req.Programs = append(req.Programs, p.ID)
		}
		err := opts.stream(ctx, s, req)
		if errors.Is(err, api.ErrNotSupported) && len(req.Programs) > 0 {
			opts.note(err.Error() + "; only what is written with bpf_printk is shown")
			req.Programs = nil
			err = opts.stream(ctx, s, req)
		}
		return err
	})
}
