package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

func newCmdMap(f *factory) *cobra.Command {
	return newNoun("map", "Maps in the kernel and their entries",
		newCmdMapList(f), newCmdMapShow(f), newCmdMapStats(f), newCmdMapDump(f), newCmdMapGet(f), newCmdMapWatch(f),
		newCmdMapDiff(f), newCmdMapSet(f), newCmdMapDelete(f), newCmdMapPeek(f), newCmdMapPush(f), newCmdMapPop(f),
		newCmdMapSave(f), newCmdMapRestore(f))
}

func newCmdMapList(f *factory) *cobra.Command {
	opts := &listOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List maps",
		Example: "  ebpfdev map list --mine",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runMapList(cmd.Context(), opts) },
	}
	opts.addFlags(cmd)
	return cmd
}

func runMapList(ctx context.Context, opts *listOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		maps, err := s.ListMaps(ctx, opts.request(s))
		if err != nil {
			return err
		}
		if len(maps) == 0 {
			opts.noteEnded(ctx, s, opts.request(s).Project)
		}
		if opts.output.Format != output.FormatTable {
			return writeList(opts.factory, opts.output.Format, maps)
		}
		t := output.NewTable(output.Column{Title: "ID", Right: true}, output.Column{Title: "TYPE"}, output.Column{Title: "NAME", Flex: true},
			output.Column{Title: "KEY", Flex: true}, output.Column{Title: "VALUE", Flex: true}, output.Column{Title: "MAX", Right: true},
			output.Column{Title: "MEMORY", Right: true}, output.Column{Title: "PROJECT", Flex: true})
		for _, m := range maps {
			t.Row(m.ID, m.Type, m.Name, typeAndSize(m.KeyType, m.KeySize), typeAndSize(m.ValueType, m.ValueSize), m.MaxEntries,
				output.Bytes(int64(m.BytesMem)), m.Project)
		}
		return opts.table(t, "No map matches.")
	})
}

func newCmdMapShow(f *factory) *cobra.Command {
	opts := &listOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "show ID|NAME",
		Short:   "Show all that is known of a map",
		Example: "  ebpfdev map show execs",
		Args:    exactArgs("ID|NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runMapShow(cmd.Context(), opts, args[0]) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runMapShow(ctx context.Context, opts *listOptions, which string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, which)
		if err != nil {
			return err
		}
		if again, err := s.ListMaps(ctx, api.ListRequest{IDs: []uint32{m.ID}, Owners: true}); err == nil && len(again) == 1 {
			m.Owners = again[0].Owners
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, m)
		}
		progs, err := s.ListPrograms(ctx, api.ListRequest{})
		if err != nil {
			return err
		}
		return opts.writeMap(m, progs)
	})
}

func (o *listOptions) writeMap(m api.Map, progs []api.Program) error {
	var f output.Fields
	f.Add("id", m.ID)
	f.Add("name", m.Name)
	f.Add("type", m.Type)
	f.Add("key", typeAndSize(m.KeyType, m.KeySize))
	value := typeAndSize(m.ValueType, m.ValueSize)
	if m.PerCPU && value != "" {
		value += " for each CPU"
	}
	f.Add("value", value)
	f.Add("max entries", m.MaxEntries)
	f.Add("BTF", idOrNone(m.BTFID))
	f.Add("memory", output.Bytes(int64(m.BytesMem)))
	if m.Flags != 0 {
		f.Add("flags", fmt.Sprintf("%#x", m.Flags))
	}
	if m.Frozen {
		f.Add("frozen", "yes: entries cannot be changed from here")
	}
	if !m.Readable {
		f.Add("entries", "cannot be listed by key")
	}
	f.Add("project", m.Project)
	for _, p := range progs {
		for _, id := range p.MapIDs {
			if id == m.ID {
				f.Add("used by", fmt.Sprintf("program %d %s", p.ID, p.Name))
			}
		}
	}
	f.Add("held by", owners(m.Owners))
	f.Add("pinned", strings.Join(m.Pinned, " "))
	return f.Write(o.io.Out, o.out())
}

func typeAndSize(typ string, size uint32) string {
	switch {
	case size == 0:
		return ""
	case typ == "":
		return fmt.Sprintf("%d B", size)
	default:
		return fmt.Sprintf("%s (%d B)", typ, size)
	}
}
