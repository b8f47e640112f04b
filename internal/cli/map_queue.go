package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

func newCmdMapPush(f *factory) *cobra.Command {
	opts := &editOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "push MAP VALUE",
		Short:   "Add a value to a queue, a stack or a bloom filter",
		Example: `  ebpfdev map push jobs '{"id": 7, "prio": 1}' --yes`,
		Args:    exactArgs("MAP", "VALUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which, opts.edit = args[0], api.Edit{Op: api.EditPush, Value: args[1]}
			return runMapEdit(cmd.Context(), opts)
		},
	}
	opts.addPreview(cmd)
	return cmd
}

func newCmdMapPop(f *factory) *cobra.Command {
	opts := &editOptions{factory: f}
	cmd := &cobra.Command{
		Use:         "pop MAP",
		Short:       "Take the next value out of a queue or a stack",
		Long:        `Take the next value out of a queue or a stack and print it. "map peek" leaves it there.`,
		Example:     "  ebpfdev map pop jobs --yes",
		Annotations: exits("1 it is empty"),
		Args:        exactArgs("MAP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which, opts.edit = args[0], api.Edit{Op: api.EditPop}
			return runMapEdit(cmd.Context(), opts)
		},
	}
	opts.addPreview(cmd)
	return cmd
}

type getOptions struct {
	*factory
	peek   bool
	which  string
	keys   []string
	output output.Choice
}

func newCmdMapGet(f *factory) *cobra.Command {
	opts := &getOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "get MAP KEY...",
		Short: "Print the entries of some keys",
		Long: `Print the entries of some keys, written as "map dump" shows them. The key of storage
is the number of a process or a thread, the path of a cgroup or a file, or PID/FD for
a socket of a process.`,
		Example: `  ebpfdev map get limits 443
  ebpfdev map get routes 10.0.0.0/8 -o json
  ebpfdev map get task_state 4711`,
		Annotations: exits("1 there is no such entry"),
		Args:        atLeast("MAP", "KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which, opts.keys = args[0], args[1:]
			return runMapGet(cmd.Context(), opts)
		},
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	return cmd
}

func newCmdMapPeek(f *factory) *cobra.Command {
	opts := &getOptions{factory: f, peek: true}
	cmd := &cobra.Command{
		Use:   "peek MAP [VALUE...]",
		Short: "Print what comes next in a queue or a stack, or ask a bloom filter",
		Long: `Print the value that comes next in a queue or a stack and leave it there, or ask a
bloom filter whether values may be in it.`,
		Example: `  ebpfdev map peek jobs
  ebpfdev map peek seen 4711`,
		Annotations: exits("1 it is empty; a value is not in the filter"),
		Args:        atLeast("MAP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which, opts.keys = args[0], args[1:]
			return runMapGet(cmd.Context(), opts)
		},
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	return cmd
}

func runMapGet(ctx context.Context, opts *getOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		if opts.peek && m.KeySize > 0 {
			return api.Errorf("peek into map", opts.which, api.ErrUsage, "its entries have keys").
				WithHint(shell.Join("ebpfdev", "map", "get", opts.which, "KEY"))
		}
		entries, err := s.LookupMap(ctx, api.LookupRequest{Map: api.MapRef{ID: m.ID}, Keys: opts.keys})
		if err != nil {
			return err
		}
		switch opts.output.Format {
		case output.FormatJSON, output.FormatNDJSON:
			return writeList(opts.factory, opts.output.Format, entries)
		}
		w, err := newEntryWriter(opts.factory, opts.output.Format, m, nil)
		if err != nil {
			return err
		}
		if err := w.chunk(api.Chunk{Entries: entries, Count: len(entries)}); err != nil {
			return err
		}
		return w.end()
	})
}
