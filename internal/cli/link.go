package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

func newCmdLink(f *factory) *cobra.Command {
	return newNoun("link", "Attachments in the kernel", newCmdLinkList(f), newCmdLinkShow(f), newCmdLinkDetach(f))
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

func newCmdLinkShow(f *factory) *cobra.Command {
	opts := &listOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "show ID|PROGRAM",
		Short: "Show all that is known of an attachment",
		Long: `Show a link by its id, or all that attaches a program by the program's name. What
processes have attached by perf events has no id.`,
		Example: `  ebpfdev link show on_exec
  ebpfdev link show 7 -o json`,
		Args: exactArgs("ID|PROGRAM"),
		RunE: func(cmd *cobra.Command, args []string) error { return runLinkShow(cmd.Context(), opts, args[0]) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runLinkShow(ctx context.Context, opts *listOptions, which string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		links, err := findLinks(ctx, s, which)
		if err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, links)
		}
		progs, err := s.ListPrograms(ctx, api.ListRequest{})
		if err != nil {
			return err
		}
		for i, l := range links {
			if i > 0 {
				fmt.Fprintln(opts.io.Out)
			}
			if err := opts.writeLink(l, progs); err != nil {
				return err
			}
		}
		return nil
	})
}

// findLinks returns the link of an id, or all of a program's name.
func findLinks(ctx context.Context, s api.Session, which string) ([]api.Link, error) {
	list, err := attachments(ctx, s, api.ListRequest{Owners: true})
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseUint(which, 10, 32)
	isID := err == nil
	names := make([]string, len(list))
	for i, l := range list {
		names[i] = l.Program
	}
	list = slices.DeleteFunc(list, func(l api.Link) bool {
		if isID {
			return l.ID == 0 || uint64(l.ID) != id
		}
		return !called(l.Program, which)
	})
	if len(list) == 0 {
		return nil, notFound("link", which, near.Names(which, names, 3))
	}
	return list, nil
}

func (o *listOptions) writeLink(l api.Link, progs []api.Program) error {
	var f output.Fields
	f.Add("id", linkID(l))
	f.Add("type", l.Type)
	f.Add("attached", l.Target)
	program := fmt.Sprintf("%d %s", l.ProgramID, l.Program)
	for _, p := range progs {
		if p.ID == l.ProgramID {
			program += " (" + p.Type + ", tag " + p.Tag + ")"
		}
	}
	f.Add("program", program)
	f.Add("project", l.Project)
	f.Add("held by", owners(l.Owners))
	f.Add("pinned", strings.Join(l.Pinned, " "))
	return f.Write(o.io.Out, o.out())
}
