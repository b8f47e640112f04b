package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

const (
	tableLimit = 100  // entries that a table shows unless --limit says otherwise
	pageLimit  = 1000 // the most that QueryMap returns at once
)

type dumpOptions struct {
	*factory
	which    string
	where    string
	order    string
	limit    int
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
shows 100 entries unless --limit says otherwise; the other formats show all.`,
		Example: `  ebpfdev map dump exec_count --order -value --limit 10
  ebpfdev map dump exec_count --where bash
  ebpfdev map dump 42 -o csv > entries.csv`,
		Annotations: exits("3 the map's type has no entries that can be read by key"),
		Args:        exactArgs("ID|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which = args[0]
			opts.limitSet = cmd.Flags().Changed("limit")
			return runMapDump(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.where, "where", "", "only entries whose key or value holds `TEXT`")
	flags.StringVar(&opts.order, "order", "", "`ORDER`: key, -key, value or -value (default: the kernel's order)")
	flags.IntVar(&opts.limit, "limit", 0, "at most `N` entries, 0 for all (default 100 for tables)")
	complete(cmd, "order", []string{"key", "-key", "value", "-value"})
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	return cmd
}

func runMapDump(ctx context.Context, opts *dumpOptions) error {
	if opts.limit < 0 {
		return api.Errorf("dump map", opts.which, api.ErrUsage, "--limit takes a number from 0")
	}
	if !opts.limitSet && opts.output.Format == output.FormatTable {
		opts.limit = tableLimit
	}
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		w, err := newEntryWriter(opts.factory, opts.output.Format, m)
		if err != nil {
			return err
		}
		if opts.order == "" && opts.limit == 0 {
			req := api.ExportRequest{Map: api.MapRef{ID: m.ID}, Where: opts.where}
			err = s.ExportMap(ctx, req, w.entries)
		} else {
			err = opts.pages(ctx, s, m, w)
		}
		if err != nil {
			return err
		}
		return w.end()
	})
}

// pages reads the entries that were asked for a page at a time, so that any
// number can be had in order.
func (o *dumpOptions) pages(ctx context.Context, s api.Session, m api.Map, w *entryWriter) error {
	req := api.QueryRequest{Map: api.MapRef{ID: m.ID}, Where: o.where, Order: o.order}
	for {
		req.Limit = pageLimit
		if o.limit > 0 {
			req.Limit = min(pageLimit, o.limit-req.Offset)
		}
		page, err := s.QueryMap(ctx, req)
		if err != nil {
			return err
		}
		if err := w.entries(page.Entries); err != nil {
			return err
		}
		if page.Incomplete {
			o.note("the map changed too much while it was read; entries are missing")
		}
		req.Offset += len(page.Entries)
		switch {
		case o.limit > 0 && req.Offset >= o.limit:
			if page.Matched > req.Offset && o.output.Format == output.FormatTable {
				o.note(fmt.Sprintf("%d of %d entries; --limit 0 shows all", req.Offset, page.Matched))
			}
			return nil
		case len(page.Entries) == 0 || req.Offset >= page.Matched:
			return nil
		}
	}
}
