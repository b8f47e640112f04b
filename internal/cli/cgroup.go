package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type placesOptions struct {
	*factory
	inherited bool // of cgroups
	all       bool // network namespaces
	output    output.Choice
}

func newCmdCgroup(f *factory) *cobra.Command {
	return newNoun("cgroup", "Programs on cgroups", newCmdCgroupList(f))
}

func newCmdCgroupList(f *factory) *cobra.Command {
	opts := &placesOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list [FOLDER]",
		Aliases: []string{"ls", "tree"},
		Short:   "List what is attached to cgroups",
		Long: `Walk the hierarchy of cgroups (version 2) and list the programs that are attached
to each, in the order in which they run. In a dev container it is the machine's
hierarchy; with a folder the walk begins there.`,
		Example: `  ebpfdev cgroup list
  ebpfdev cgroup list /sys/fs/cgroup/system.slice --inherited`,
		Args: rangeArgs(0, "FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error { return runCgroupList(cmd.Context(), opts, args) },
	}
	cmd.Flags().BoolVar(&opts.inherited, "inherited", false, "list what counts in a cgroup, wherever it was attached")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func runCgroupList(ctx context.Context, opts *placesOptions, args []string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		req := api.PlacesRequest{Kind: api.PlaceCgroup, Inherited: opts.inherited}
		if len(args) > 0 {
			req.Root = args[0]
		}
		places, err := s.ListPlaces(ctx, req)
		if err != nil {
			return err
		}
		if opts.output.Format != output.FormatTable {
			return writeList(opts.factory, opts.output.Format, places)
		}
		t := output.NewTable(output.Column{Title: "CGROUP", Flex: true}, output.Column{Title: "HOOK"}, output.Column{Title: "ID", Right: true},
			output.Column{Title: "PROGRAM", Flex: true}, output.Column{Title: "LINK", Right: true}, output.Column{Title: "PROJECT", Flex: true})
		for _, p := range places {
			linked := any("")
			if p.LinkID != 0 {
				linked = p.LinkID
			}
			t.Row(p.Where, p.Hook, p.ProgramID, p.Program, linked, p.Project)
		}
		return opts.table(t, "No program is attached to a cgroup there.")
	})
}
