package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfc"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

func newCmdBTF(f *factory) *cobra.Command {
	return newNoun("btf", "Types of the kernel and of programs", newCmdBTFList(f), newCmdBTFShow(f), newCmdBTFDump(f))
}

type btfListOptions struct {
	*factory
	output output.Choice
}

func newCmdBTFList(f *factory) *cobra.Command {
	opts := &btfListOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the BTF that the kernel holds, and who uses it",
		Long: `List the BTF objects that the kernel holds: its own, its modules', and what came
with programs and maps. Without privilege the kernel's and modules' are listed,
without ids.`,
		Example: "  ebpfdev btf list",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runBTFList(cmd.Context(), opts) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func runBTFList(ctx context.Context, opts *btfListOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		list, err := s.ListBTF(ctx, api.BTFRequest{})
		if err != nil {
			return err
		}
		if opts.output.Format != output.FormatTable {
			return writeList(opts.factory, opts.output.Format, list)
		}
		t := output.NewTable(output.Column{Title: "ID", Right: true}, output.Column{Title: "NAME"}, output.Column{Title: "KIND"},
			output.Column{Title: "SIZE", Right: true}, output.Column{Title: "PROGRAMS", Flex: true}, output.Column{Title: "MAPS", Flex: true}, output.Column{Title: "PIDS", Flex: true})
		for _, b := range list {
			t.Row(btfID(b), b.Name, btfKind(b), output.Bytes(int64(b.Bytes)), ids(b.ProgramIDs), ids(b.MapIDs), owners(b.Owners))
		}
		return opts.table(t, "This kernel has no BTF.")
	})
}

func btfID(b api.BTF) string {
	if b.ID == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(b.ID), 10)
}

func btfKind(b api.BTF) string {
	switch {
	case b.Split():
		return "module"
	case b.Kernel:
		return "kernel"
	default:
		return "program"
	}
}

type btfShowOptions struct {
	*factory
	output output.Choice
}

func newCmdBTFShow(f *factory) *cobra.Command {
	opts := &btfShowOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "show NAME|ID|TYPE [TYPE]",
		Short: "Show where a type has its members",
		Long: `Show a type of a BTF object: of a struct each member's offset and size in bytes,
the holes between members, and where cache lines of 64 bytes begin. A bit-field is
at BYTE:BIT. Without TYPE it shows the BTF object itself: its size and its users; a name that
no object has is one of the kernel's types.`,
		Example: `  ebpfdev btf show bio
  ebpfdev btf show vmlinux 'struct task_struct' -o json`,
		Args: rangeArgs(1, "NAME|ID|TYPE", "TYPE"),
		RunE: func(cmd *cobra.Command, args []string) error { return runBTFShow(cmd.Context(), opts, args) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runBTFShow(ctx context.Context, opts *btfShowOptions, args []string) error {
	return opts.withSession(ctx, func(s api.Session) error {
		if len(args) == 1 {
			err := opts.showObject(ctx, s, args[0])
			if !errors.Is(err, api.ErrNotExist) {
				return err
			}
			if set, readErr := readTypes(ctx, s, "vmlinux", btfRequest("vmlinux")); readErr == nil {
				if types, findErr := set.named(args); findErr == nil { // a type of the kernel's
					return opts.showTypes(types)
				}
			}
			return err
		}
		set, err := readTypes(ctx, s, args[0], btfRequest(args[0]))
		if err != nil {
			return err
		}
		types, err := set.named(args[1:])
		if err != nil {
			return err
		}
		return opts.showTypes(types)
	})
}

// showTypes shows all the types of one name.
func (o *btfShowOptions) showTypes(types []btf.Type) error {
	shown := make([]shownType, len(types))
	for i, t := range types {
		shown[i] = showType(t)
	}
	if o.output.Format == output.FormatJSON {
		return output.JSON(o.io.Out, shown)
	}
	for i, s := range shown {
		if i > 0 {
			fmt.Fprintln(o.io.Out)
		}
		if _, err := fmt.Fprint(o.io.Out, safe.Lines(s.text())); err != nil {
			return err
		}
	}
	return nil
}

// shownType is a type as `ebpfdev btf show -o json` prints it.
type shownType struct {
	Kind   string       `json:"kind"`
	Name   string       `json:"name"`
	Bytes  int          `json:"bytes,omitempty"`
	C      string       `json:"c,omitempty"`      // of what has no members
	Layout *btfc.Layout `json:"layout,omitempty"` // of a struct, a union, or a typedef of one without a name
}

func showType(t btf.Type) shownType {
	s := shownType{Kind: btfc.Word(t), Name: t.TypeName()}
	s.Bytes, _ = btfc.SizeOf(t)
	td, named := t.(*btf.Typedef)
	if !named || td.Type.TypeName() == "" {
		if l, ok := btfc.LayoutOf(t); ok {
			s.Layout = &l
			return s
		}
	}
	s.C = btfc.Definition(t)
	return s
}

func (s shownType) text() string {
	if s.Layout == nil {
		text := s.C
		if s.Bytes > 0 {
			text += fmt.Sprintf(" /* %d bytes */", s.Bytes)
		}
		return text + "\n"
	}
	var b strings.Builder
	_, _ = s.Layout.WriteTo(&b) // a builder takes everything
	return b.String()
}

// showObject shows a BTF object without its types.
func (o *btfShowOptions) showObject(ctx context.Context, s api.Session, which string) error {
	list, err := s.ListBTF(ctx, btfRequest(which))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return api.Errorf("find BTF", which, api.ErrNotExist, "the kernel holds none with this name or id").WithHint("ebpfdev btf list")
	}
	if o.output.Format == output.FormatJSON {
		return output.JSON(o.io.Out, list[0])
	}
	progs, err := s.ListPrograms(ctx, api.ListRequest{IDs: list[0].ProgramIDs})
	if err != nil {
		return err
	}
	maps, err := s.ListMaps(ctx, api.ListRequest{IDs: list[0].MapIDs})
	if err != nil {
		return err
	}
	set, err := readTypes(ctx, s, which, btfRequest(which))
	if err != nil {
		return err
	}
	return o.writeObject(list[0], set, progs, maps)
}

func (o *btfShowOptions) writeObject(b api.BTF, set typeSet, progs []api.Program, maps []api.Map) error {
	var f output.Fields
	f.Add("id", btfID(b))
	f.Add("name", b.Name)
	f.Add("kind", btfKind(b))
	f.Add("size", output.Bytes(int64(b.Bytes)))
	f.Add("types", countTypes(set.spec))
	if len(b.ProgramIDs) > 0 {
		for _, p := range progs {
			f.Add("used by", fmt.Sprintf("program %d %s", p.ID, p.Name))
		}
	}
	if len(b.MapIDs) > 0 {
		for _, m := range maps {
			f.Add("used by", fmt.Sprintf("map %d %s", m.ID, m.Name))
		}
	}
	f.Add("held by", owners(b.Owners))
	return f.Write(o.io.Out, o.out())
}

// countTypes says how many types there are of the kinds that people look for.
func countTypes(spec *btf.Spec) string {
	kinds := []string{"struct", "union", "enum", "typedef", "function", "variable"}
	count, all := map[string]int{}, 0
	for t, err := range spec.All() {
		if err != nil {
			return "broken: " + err.Error()
		}
		count[btfc.Word(t)]++
		all++
	}
	var words []string
	for _, kind := range kinds {
		if n := count[kind]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, plural(n, kind, kind+"s")))
		}
	}
	if len(words) == 0 {
		return strconv.Itoa(all)
	}
	return fmt.Sprintf("%d: %s", all, strings.Join(words, ", "))
}
