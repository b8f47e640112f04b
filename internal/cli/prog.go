package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

func newCmdProg(f *factory) *cobra.Command {
	return newNoun("prog", "Programs in the kernel", newCmdProgList(f), newCmdProgShow(f), newCmdProgDisasm(f), newCmdProgRun(f))
}

// listOptions are the flags that select objects of the kernel.
type listOptions struct {
	*factory
	name    string
	project string
	mine    bool
	output  output.Choice
}

func (o *listOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "only those called `NAME`")
	flags.StringVar(&o.project, "project", "", "only what ebpfdev loaded for project `NAME`")
	flags.BoolVar(&o.mine, "mine", false, "only what ebpfdev loaded for this workspace")
	cmd.MarkFlagsMutuallyExclusive("project", "mine")
	addOutput(cmd, &o.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
}

func (o *listOptions) request(s api.Session) api.ListRequest {
	req := api.ListRequest{Name: o.name, Project: o.project}
	if o.mine {
		req.Project = s.Info().Project
	}
	return req
}

func newCmdProgList(f *factory) *cobra.Command {
	opts := &listOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List loaded programs",
		Example: `  ebpfdev prog list --mine
  ebpfdev prog list -o json | jq '.[] | select(.type == "xdp")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runProgList(cmd.Context(), opts) },
	}
	opts.addFlags(cmd)
	return cmd
}

func runProgList(ctx context.Context, opts *listOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		progs, err := s.ListPrograms(ctx, opts.request(s))
		if err != nil {
			return err
		}
		if len(progs) == 0 {
			opts.noteEnded(ctx, s, opts.request(s).Project)
		}
		if opts.output.Format != output.FormatTable {
			return writeList(opts.factory, opts.output.Format, progs)
		}
		t := output.NewTable(output.Column{Title: "ID", Right: true}, output.Column{Title: "TYPE"}, output.Column{Title: "NAME", Flex: true},
			output.Column{Title: "PROJECT", Flex: true}, output.Column{Title: "LOADED"}, output.Column{Title: "XLATED", Right: true, Spare: true},
			output.Column{Title: "JITED", Right: true}, output.Column{Title: "MAPS", Flex: true}, output.Column{Title: "PIDS", Flex: true})
		for _, p := range progs {
			t.Row(p.ID, p.Type, p.Name, p.Project, opts.when(p.LoadedAt), p.BytesXlated, p.BytesJited, ids(p.MapIDs), owners(p.Owners))
		}
		return opts.table(t, "No program matches.")
	})
}

func newCmdProgShow(f *factory) *cobra.Command {
	opts := &listOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "show ID|NAME",
		Short:   "Show all that is known of a program",
		Example: "  ebpfdev prog show on_exec",
		Args:    exactArgs("ID|NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runProgShow(cmd.Context(), opts, args[0]) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runProgShow(ctx context.Context, opts *listOptions, which string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		p, err := findProgram(ctx, s, which)
		if err != nil {
			return err
		}
		links, err := attachments(ctx, s, api.ListRequest{})
		if err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, p)
		}
		maps, err := mapsOf(ctx, s, p)
		if err != nil {
			return err
		}
		return opts.writeProgram(p, links, maps)
	})
}

// mapsOf returns the maps that a program uses.
func mapsOf(ctx context.Context, s api.Session, p api.Program) ([]api.Map, error) {
	if len(p.MapIDs) == 0 {
		return nil, nil
	}
	return s.ListMaps(ctx, api.ListRequest{IDs: p.MapIDs})
}

func (o *listOptions) writeProgram(p api.Program, links []api.Link, maps []api.Map) error {
	var f output.Fields
	f.Add("id", p.ID)
	f.Add("name", p.Name)
	f.Add("type", p.Type)
	f.Add("tag", p.Tag)
	f.Add("license", gpl(p))
	f.Add("project", p.Project)
	f.Add("loaded", o.when(p.LoadedAt))
	f.Add("by", "uid "+strconv.Itoa(int(p.UID)))
	f.Add("size", fmt.Sprintf("xlated %d B, jited %d B, memory %s", p.BytesXlated, p.BytesJited, output.Bytes(int64(p.BytesMem))))
	if p.VerifiedInsns > 0 {
		f.Add("verified", fmt.Sprintf("%d instructions processed", p.VerifiedInsns))
	}
	f.Add("ran", ran(p))
	f.Add("BTF", idOrNone(p.BTFID))
	for _, m := range maps {
		f.Add("map", fmt.Sprintf("%d %s (%s)", m.ID, m.Name, m.Type))
	}
	for _, l := range links {
		if l.ProgramID == p.ID {
			f.Add("attached", attachedInWords(l))
		}
	}
	f.Add("held by", owners(p.Owners))
	f.Add("pinned", strings.Join(p.Pinned, " "))
	return f.Write(o.io.Out, o.out())
}

func gpl(p api.Program) string {
	if p.GPL {
		return "compatible with the GPL"
	}
	return "not compatible with the GPL"
}

// ran says how often a program ran and how long that took; the kernel counts only
// while kernel.bpf_stats_enabled is on.
func ran(p api.Program) string {
	if p.RunCount == 0 {
		return "not counted: kernel.bpf_stats_enabled is off, or it never ran while it was on"
	}
	return fmt.Sprintf("%d times in %s, %s each", p.RunCount, p.RunTime, p.RunTime/time.Duration(p.RunCount))
}

func idOrNone(id uint32) string {
	if id == 0 {
		return "none"
	}
	return strconv.FormatUint(uint64(id), 10)
}

// writeList writes a list as JSON; the empty one is [] or no line at all.
func writeList[T any](f *factory, format output.Format, list []T) error {
	if format == output.FormatJSON {
		if list == nil {
			list = []T{}
		}
		return output.JSON(f.io.Out, list)
	}
	for _, item := range list {
		if err := output.JSONLine(f.io.Out, item); err != nil {
			return err
		}
	}
	return nil
}

func ids(list []uint32) string {
	words := make([]string, len(list))
	for i, id := range list {
		words[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(words, ",")
}

func owners(list []api.Owner) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = fmt.Sprintf("%s(%d)", p.Comm, p.PID)
		if p.Container != "" {
			words[i] += "@" + p.Container[:min(len(p.Container), 12)]
		}
	}
	return strings.Join(words, " ")
}
