package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

const tableLimit = 100 // entries that a table shows unless --limit says otherwise

type dumpOptions struct {
	*factory
	which    string
	req      api.ExportRequest
	limitSet bool
	output   output.Choice
}

func newCmdMapDump(f *factory) *cobra.Command {
	opts := &dumpOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "dump ID|NAME",
		Short: "Print a map's entries",
		Long: `Print a map's entries, keys and values as their C types when the map has BTF,
else as bytes. A map changes while it is read, so this is no snapshot. A table
shows 100 entries unless --limit says otherwise; the other formats show all.

--where takes an expression over the fields of key and value, or text to look for
in both. It is evaluated next to the kernel: what does not match goes nowhere.

  bytes > 1MB && (proto == TCP || !seen)     units: KB MB GB KiB MiB GiB, ns us ms s min h
  src in 10.0.0.0/8, port in (80, 443)       addresses, networks, lists
  comm =~ "sh", comm =~ /^ba.*h$/            text in any case, regular expressions
  key.port == 443, value.at[1] < 5s          one side by its name, elements of arrays

Of a queue or a stack the next entry is shown, of a ring buffer the records that
wait. Nothing is taken out of them.`,
		Example: `  ebpfdev map dump exec_count --sort -value --limit 10
  ebpfdev map dump exec_count --where bash
  ebpfdev map dump flows --where 'bytes > 1MB && proto == TCP' --columns src,dst,bytes
  ebpfdev map dump flows --sort -bytes,src --columns src,bytes,last:time
  ebpfdev map dump outer --descend --where 'outer == 3'
  ebpfdev map dump 42 -o csv > entries.csv`,
		Annotations: exits("2 the expression is wrong", "3 the map's type has no entries that can be read"),
		Args:        exactArgs("ID|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which = args[0]
			opts.limitSet = cmd.Flags().Changed("limit")
			return runMapDump(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.req.Where, "where", "", "only entries for which `EXPR` is true, or that hold a text")
	addSort(cmd, &opts.req.Order)
	flags.IntVar(&opts.req.Limit, "limit", 0, "at most `N` entries, 0 for all (default 100 for tables)")
	flags.StringSliceVar(&opts.req.Columns, "columns", nil, "only these `FIELDS`; :hex, :time (since boot) and :duration write them so")
	flags.BoolVar(&opts.req.Descend, "descend", false, "the entries of the maps in a map of maps")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	return cmd
}

// addSort adds --sort, which was --order.
func addSort(cmd *cobra.Command, order *string) {
	const usage = "`FIELDS` to sort by, each with - for the greatest first: key, -value, -bytes,src (default: the kernel's order)"
	cmd.Flags().StringVar(order, "sort", "", usage)
	cmd.Flags().StringVar(order, "order", "", usage)
	_ = cmd.Flags().MarkHidden("order")
	complete(cmd, "sort", []string{"key", "-key", "value", "-value"})
}

func runMapDump(ctx context.Context, opts *dumpOptions) error {
	if opts.req.Limit < 0 {
		return api.Errorf("dump map", opts.which, api.ErrUsage, "--limit takes a number from 0")
	}
	if !opts.limitSet && opts.output.Format == output.FormatTable {
		opts.req.Limit = tableLimit
	}
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		return opts.entries(ctx, s, m)
	})
}

// entries prints the entries of a map.
func (o *dumpOptions) entries(ctx context.Context, s api.Session, m api.Map) error {
	o.req.Map = api.MapRef{ID: m.ID}
	w, err := newEntryWriter(o.factory, o.output.Format, m, o.req.Columns)
	if err != nil {
		return err
	}
	o.req.Format = w.wants()
	res, err := s.ExportMap(ctx, o.req, w.chunk)
	if err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	o.remarks(m, res, w.n)
	return nil
}

// remarks says what a dump does not show.
func (o *dumpOptions) remarks(m api.Map, res api.ExportResult, n int) {
	if res.Incomplete {
		o.note("the map changed too much while it was read; entries may be missing")
	}
	switch {
	case !res.More || o.output.Format != output.FormatTable:
	case o.req.Order == "":
		o.note(fmt.Sprintf("the first %d entries; --limit 0 shows all", n))
	default:
		o.note(fmt.Sprintf("%d of %d entries; --limit 0 shows all", n, res.Matched))
	}
	switch {
	case res.Method == "peek" && n > 0:
		o.note("the entry that is taken next; those behind it cannot be seen")
	case res.Method == "records" && m.Type == "ringbuf":
		o.note("records that wait for their reader; ebpfdev events shows them as they come")
	}
}

// columnTitles are the headings of columns, without how they are written.
func columnTitles(columns []string) []string {
	titles := slices.Clone(columns)
	for i, c := range titles {
		titles[i], _, _ = strings.Cut(c, ":")
	}
	return titles
}
