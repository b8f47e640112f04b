package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type diffOptions struct {
	*factory
	which, other string
	where        string
	pause        time.Duration
	output       output.Choice
}

func newCmdMapDiff(f *factory) *cobra.Command {
	opts := &diffOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "diff ID|NAME [FILE|ID|NAME]",
		Short: "Print what is different in a map: from a file, another map, or a moment ago",
		Long: `Print the entries that a map has in other ways than a file that "map save" wrote, than
another map, or than itself --for a time ago. All entries of both are kept in memory.`,
		Example: `  ebpfdev map diff flows --for 5s
  ebpfdev map diff flows before.ndjson
  ebpfdev map diff 41 42 -o ndjson`,
		Args: rangeArgs(1, "ID|NAME", "FILE|ID|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which = args[0]
			if len(args) > 1 {
				opts.other = args[1]
			}
			if (opts.other == "") == (opts.pause == 0) {
				return usage(cmd, "a file, a map or --for is needed to compare with, and one of them")
			}
			return runMapDiff(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.where, "where", "", "only entries for which `EXPR` is true, or that hold a text")
	cmd.Flags().DurationVar(&opts.pause, "for", 0, "compare the map with itself after `TIME`")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func runMapDiff(ctx context.Context, opts *diffOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		before, err := opts.before(ctx, s, m)
		if err != nil {
			return err
		}
		after, err := snapshot(ctx, s, m, opts.where)
		if err != nil {
			return err
		}
		return opts.write(changes(index(before), index(after), after))
	})
}

// before returns what the map is compared with.
func (o *diffOptions) before(ctx context.Context, s api.Session, m api.Map) ([]api.Entry, error) {
	if o.other == "" {
		entries, err := snapshot(ctx, s, m, o.where)
		if err != nil {
			return nil, err
		}
		timer := time.NewTimer(o.pause)
		defer timer.Stop()
		select {
		case <-timer.C:
			return entries, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if info, err := os.Stat(o.other); err == nil && info.Mode().IsRegular() {
		if o.where != "" {
			return nil, api.Errorf("compare maps", o.other, api.ErrUsage, "--where selects in maps, not in files")
		}
		saved, err := openSaved(o.other)
		if err != nil {
			return nil, err
		}
		defer saved.Close()
		if err := saved.fits(m); err != nil {
			return nil, err
		}
		return saved.all()
	}
	other, err := findMap(ctx, s, o.other)
	if err != nil {
		return nil, err
	}
	return snapshot(ctx, s, other, o.where)
}

// snapshot returns all entries of a map.
func snapshot(ctx context.Context, s api.Session, m api.Map, where string) ([]api.Entry, error) {
	var all []api.Entry
	res, err := s.ExportMap(ctx, api.ExportRequest{Map: api.MapRef{ID: m.ID}, Where: where}, func(c api.Chunk) error {
		all = append(all, c.Entries...)
		return nil
	})
	if err == nil && res.Incomplete {
		err = api.Errorf("read map", m.Name, api.ErrFailed, "it changes faster than it can be read")
	}
	return all, err
}

func index(entries []api.Entry) map[string]api.Entry {
	all := make(map[string]api.Entry, len(entries))
	for _, e := range entries {
		all[string(e.Key.Raw)] = e
	}
	return all
}

func (o *diffOptions) write(list []api.Change) error {
	if o.output.Format != output.FormatTable {
		if list == nil {
			list = []api.Change{}
		}
		return writeList(o.factory, o.output.Format, list)
	}
	if len(list) == 0 {
		o.say("Nothing is different.")
	}
	for _, c := range list {
		if _, err := fmt.Fprintln(o.io.Out, changeLine(o.out(), c)); err != nil {
			return err
		}
	}
	return nil
}
