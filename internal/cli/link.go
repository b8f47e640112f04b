package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

func newCmdLink(f *factory) *cobra.Command {
	return newNoun("link", "Attachments in the kernel", newCmdLinkList(f), newCmdLinkDetach(f))
}

func newCmdLinkList(f *factory) *cobra.Command {
	opts := &listOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List what is attached where",
		Long: `List what is attached where. What processes of "ebpfdev load" have attached by
perf events, as bpftrace and BCC do, is no link of the kernel's and has no id.`,
		Example: "  ebpfdev link list --mine",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runLinkList(cmd.Context(), opts) },
	}
	opts.addFlags(cmd)
	return cmd
}

func runLinkList(ctx context.Context, opts *listOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		links, err := attachments(ctx, s, opts.request(s))
		if err != nil {
			return err
		}
		if len(links) == 0 {
			opts.noteEnded(ctx, s, opts.request(s).Project)
		}
		if opts.output.Format != output.FormatTable {
			return writeList(opts.factory, opts.output.Format, links)
		}
		t := output.NewTable(output.Column{Title: "ID", Right: true}, output.Column{Title: "TYPE"}, output.Column{Title: "PROGRAM", Flex: true},
			output.Column{Title: "PROG ID", Right: true}, output.Column{Title: "ATTACHED TO", Flex: true}, output.Column{Title: "PROJECT", Flex: true})
		for _, l := range links {
			t.Row(linkID(l), l.Type, l.Program, l.ProgramID, l.Target, l.Project)
		}
		return opts.table(t, "No link matches.")
	})
}
