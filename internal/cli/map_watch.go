package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type mapWatchOptions struct {
	*factory
	which    string
	req      api.WatchRequest
	duration time.Duration
	output   output.Choice
	seen     map[string]api.Entry // by the keys' bytes
	first    bool
}

// mapChange is a line of map watch and map diff as JSON.
type mapChange struct {
	Time time.Time `json:"time,omitzero"`
	api.Change
}

func newCmdMapWatch(f *factory) *cobra.Command {
	opts := &mapWatchOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "watch ID|NAME",
		Short: "Print a map's entries as they change",
		Long: `Print a map's entries, and from then on those that changed, until it is interrupted.
The map is read again at every interval, and less often when that takes long. At most
--limit entries are looked at: the first in the order that --sort asks for. An entry
that leaves these is "deleted", whether it is gone or others are greater.`,
		Example: `  ebpfdev map watch exec_count --sort -value --limit 10
  ebpfdev map watch flows --where 'bytes > 1MB' --interval 200ms -o ndjson
  ebpfdev map watch exec_count --for 10s`,
		Args: exactArgs("ID|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which = args[0]
			return runMapWatch(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.req.Query.Where, "where", "", "only entries for which `EXPR` is true, or that hold a text")
	addSort(cmd, &opts.req.Query.Order)
	flags.IntVar(&opts.req.Query.Limit, "limit", 100, "look at `N` entries at most, 1 to 1000")
	flags.DurationVar(&opts.req.Interval, "interval", time.Second, "read the map again after `TIME`, at least 100ms")
	flags.DurationVar(&opts.duration, "for", 0, "end after `TIME` (default: when it is interrupted)")
	flags.BoolVar(&opts.req.Query.Descend, "descend", false, "the entries of the maps in a map of maps")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatNDJSON)
	return cmd
}

func runMapWatch(ctx context.Context, opts *mapWatchOptions) error {
	if n := opts.req.Query.Limit; n < 1 || n > 1000 {
		return api.Errorf("watch map", opts.which, api.ErrUsage, "--limit takes a number from 1 to 1000")
	}
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		opts.req.Query.Map = api.MapRef{ID: m.ID}
		opts.seen, opts.first = map[string]api.Entry{}, true
		watched, cancel := ctx, context.CancelFunc(func() {})
		if opts.duration > 0 {
			watched, cancel = context.WithTimeout(ctx, opts.duration)
		}
		defer cancel()
		err = s.WatchMap(watched, opts.req, opts.page)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return nil // the time that was asked for
		}
		return err
	})
}

// page prints what a page has that the last had not.
func (o *mapWatchOptions) page(p api.Page) error {
	if o.first && p.Matched > len(p.Entries) {
		o.note(fmt.Sprintf("%d of %d entries are watched; --limit takes up to 1000", len(p.Entries), p.Matched))
	}
	o.first = false
	now := map[string]api.Entry{}
	for _, e := range p.Entries {
		now[string(e.Key.Raw)] = e
	}
	for _, c := range changes(o.seen, now, p.Entries) {
		if err := o.write(mapChange{time.Now(), c}); err != nil {
			return err
		}
	}
	o.seen = now
	return nil
}

func (o *mapWatchOptions) write(c mapChange) error {
	if o.output.Format == output.FormatNDJSON {
		return output.JSONLine(o.io.Out, c)
	}
	p := o.out()
	_, err := fmt.Fprintf(o.io.Out, "%s  %s\n", p.Paint(output.Dim, c.Time.Format("15:04:05.000")), changeLine(p, c.Change))
	return err
}

// changes returns what is different in now: what is new or changed in the order of
// entries, then what is gone in the order of its keys.
func changes(before, now map[string]api.Entry, entries []api.Entry) []api.Change {
	var all []api.Change
	for _, e := range entries {
		old, had := before[string(e.Key.Raw)]
		if had && sameValue(old, e) {
			continue
		}
		c := api.Change{Key: e.Key, After: summed(e)}
		if had {
			c.Before = summed(old)
		}
		all = append(all, c)
	}
	var gone []string
	for key := range before {
		if _, ok := now[key]; !ok {
			gone = append(gone, key)
		}
	}
	slices.Sort(gone)
	for _, key := range gone {
		all = append(all, api.Change{Key: before[key].Key, Before: summed(before[key])})
	}
	return all
}

func sameValue(a, b api.Entry) bool {
	if len(a.PerCPU) != len(b.PerCPU) || len(a.PerCPU) == 0 {
		return slices.Equal(a.Value.Raw, b.Value.Raw)
	}
	return slices.EqualFunc(a.PerCPU, b.PerCPU, func(x, y api.Datum) bool { return slices.Equal(x.Raw, y.Raw) })
}

// summed is an entry's value, or the sum of what the CPUs have.
func summed(e api.Entry) *api.Datum {
	if e.Sum != nil {
		return e.Sum
	}
	return &e.Value
}
