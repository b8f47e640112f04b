package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type statsOptions struct {
	*factory
	req    api.StatsRequest
	output output.Choice
}

func newCmdMapStats(f *factory) *cobra.Command {
	opts := &statsOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "stats ID|NAME",
		Short: "Count a map's entries and sum up the numbers in them",
		Long: `Count a map's entries in one pass, and give the least, the greatest, the mean and the
sum of each number in their values; of per-CPU maps those of the sums of all CPUs. Of
a ring buffer it tells how much waits.`,
		Example: `  ebpfdev map stats flows
  ebpfdev map stats flows --where 'proto == TCP' -o json`,
		Args: exactArgs("ID|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return runMapStats(cmd.Context(), opts, args[0]) },
	}
	cmd.Flags().StringVar(&opts.req.Where, "where", "", "only entries for which `EXPR` is true, or that hold a text")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runMapStats(ctx context.Context, opts *statsOptions, which string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, which)
		if err != nil {
			return err
		}
		opts.req.Map = api.MapRef{ID: m.ID}
		stats, err := s.StatMap(ctx, opts.req)
		if err != nil {
			return err
		}
		if stats.Incomplete {
			opts.note("the map changed too much while it was read; entries may be missing")
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, stats)
		}
		return opts.write(stats)
	})
}

func (o *statsOptions) write(s api.MapStats) error {
	var f output.Fields
	m := s.Map
	f.Add("name", m.Name)
	f.Add("type", m.Type)
	entries := strconv.Itoa(s.Entries)
	switch {
	case s.Buffer != nil:
		entries += " records wait"
	case s.Entries != s.Scanned:
		entries += fmt.Sprintf(" of %d match", s.Scanned)
	case m.Readable && m.MaxEntries > 0:
		entries += fmt.Sprintf(" of at most %d (%.1f %%)", m.MaxEntries, 100*float64(s.Entries)/float64(m.MaxEntries))
	}
	f.Add("entries", entries)
	f.Add("memory", output.Bytes(int64(m.BytesMem)))
	if b := s.Buffer; b != nil {
		f.Add("waiting", fmt.Sprintf("%s of %s", output.Bytes(int64(b.Waiting)), output.Bytes(int64(b.Bytes))))
		f.Add("written", output.Bytes(int64(b.Producer))+" since it was made")
	}
	if err := f.Write(o.io.Out, o.out()); err != nil || len(s.Fields) == 0 || s.Entries == 0 {
		return err
	}
	t := output.NewTable(output.Column{Title: "FIELD", Flex: true}, output.Column{Title: "MIN", Right: true},
		output.Column{Title: "MEAN", Right: true}, output.Column{Title: "MAX", Right: true}, output.Column{Title: "SUM", Right: true})
	for _, x := range s.Fields {
		t.Row(x.Name, figure(x.Min), figure(x.Mean), figure(x.Max), figure(x.Sum))
	}
	if _, err := fmt.Fprintln(o.io.Out); err != nil {
		return err
	}
	return o.table(t, "")
}

// figure writes a number without a fraction where it has none.
func figure(f float64) string {
	if f == float64(int64(f)) {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}
