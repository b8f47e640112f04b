package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

func newCmdNet(f *factory) *cobra.Command {
	return newNoun("net", "Programs on network interfaces", newCmdNetList(f))
}

func newCmdNetList(f *factory) *cobra.Command {
	opts := &placesOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List what is attached to network interfaces",
		Long: `List the programs on network interfaces, in the order in which they see a packet:
XDP, tcx or netkit, and filters of tc, attached by whomever; and those on the
network namespace itself (flow dissector, socket lookup). The namespace is the
target's: a dev container has one of its own unless it was made with
--host-network. --all looks into those of all processes that the target sees.`,
		Example: `  ebpfdev net list
  ebpfdev net list --all -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runNetList(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVarP(&opts.all, "all", "a", false, "in the network namespaces of all processes")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func runNetList(ctx context.Context, opts *placesOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		places, err := s.ListPlaces(ctx, api.PlacesRequest{Kind: api.PlaceNetwork, All: opts.all})
		if err != nil {
			return err
		}
		if opts.output.Format != output.FormatTable {
			return writeList(opts.factory, opts.output.Format, places)
		}
		columns := []output.Column{
			{Title: "INTERFACE", Flex: true},
			{Title: "HOOK"},
			{Title: "ID", Right: true},
			{Title: "PROGRAM", Flex: true},
			{Title: "PROJECT", Flex: true},
		}
		if opts.all {
			columns = append(columns, output.Column{Title: "NAMESPACE"}, output.Column{Title: "PROCESS", Flex: true})
		}
		t := output.NewTable(columns...)
		for _, p := range places {
			row := []any{p.Where, p.Hook, p.ProgramID, p.Program, p.Project}
			if opts.all {
				row = append(row, p.Namespace, p.Process)
			}
			t.Row(row...)
		}
		return opts.table(t, "No program is attached to a network interface there.")
	})
}
