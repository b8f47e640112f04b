package cli

import (
	"bytes"
	"cmp"
	"context"

	"github.com/cilium/ebpf/btf"
	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfc"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type btfDumpOptions struct {
	*factory
	c                  bool
	module, prog, bmap string
	output             output.Choice
}

func newCmdBTFDump(f *factory) *cobra.Command {
	opts := &btfDumpOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "dump [FILE.o] [TYPE...]",
		Short: "List types, or write them as C",
		Long: `List the types of the kernel's BTF, of a module's, of a program's or a map's, or of
an object file's. With --c they are written as C that compiles, with the layout
that the kernel has them in: named ones with all that they need, else everything
(the kernel's is vmlinux.h). TYPE may have its keyword: 'struct sock'.

An argument that ends with .o or .btf, or has a slash, is a file.`,
		Example: `  ebpfdev btf dump --c task_struct bio > types.h
  ebpfdev btf dump --c --map counts
  ebpfdev btf dump --c bpf/exec.bpf.o
  ebpfdev btf dump -o ndjson | jq -r 'select(.kind == "struct" and .bytes > 4096) | .name'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(exclusive(cmd, "module", "prog", "map"), exclusive(cmd, "c", "output")); err != nil {
				return err
			}
			return runBTFDump(cmd.Context(), opts, args)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.c, "c", false, "write C")
	flags.StringVar(&opts.module, "module", "", "the types of kernel module `NAME`")
	flags.StringVar(&opts.prog, "prog", "", "the types that came with program `NAME|ID`")
	flags.StringVar(&opts.bmap, "map", "", "the types that came with map `NAME|ID`")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON, output.FormatNDJSON)
	return cmd
}

func runBTFDump(ctx context.Context, opts *btfDumpOptions, args []string) error {
	if len(args) > 0 && isTypesFile(args[0]) {
		if opts.module+opts.prog+opts.bmap != "" {
			return api.Errorf("dump BTF", args[0], api.ErrUsage, "a file has nothing to do with --module, --prog and --map")
		}
		set, err := fileTypes(args[0])
		if err != nil {
			return err
		}
		return opts.dump(set, args[1:], "")
	}
	return opts.withSession(ctx, func(s api.Session) error {
		set, err := opts.source(ctx, s)
		if err != nil {
			return err
		}
		return opts.dump(set, args, release(ctx, s))
	})
}

// release returns what the kernel of a session calls itself, "" when it cannot.
func release(ctx context.Context, s api.Session) string {
	k, err := s.Probe(ctx, api.ProbeRequest{})
	if err != nil {
		return ""
	}
	return k.Release
}

// source reads the BTF that the flags choose.
func (o *btfDumpOptions) source(ctx context.Context, s api.Session) (typeSet, error) {
	switch {
	case o.prog != "":
		p, err := findProgram(ctx, s, o.prog)
		if err != nil {
			return typeSet{}, err
		}
		return typesOf(ctx, s, "program "+p.Name, p.BTFID)
	case o.bmap != "":
		m, err := findMap(ctx, s, o.bmap)
		if err != nil {
			return typeSet{}, err
		}
		return typesOf(ctx, s, "map "+m.Name, m.BTFID)
	case o.module != "":
		return readTypes(ctx, s, o.module, api.BTFRequest{Name: o.module})
	default:
		return readTypes(ctx, s, api.KernelBTF, api.BTFRequest{Name: api.KernelBTF})
	}
}

// typesOf reads the BTF that came with a program or a map.
func typesOf(ctx context.Context, s api.Session, about string, id uint32) (typeSet, error) {
	if id == 0 {
		return typeSet{}, api.Errorf("read BTF", about, api.ErrNotExist, "it was loaded without BTF")
	}
	return readTypes(ctx, s, about, api.BTFRequest{ID: id})
}

func (o *btfDumpOptions) dump(set typeSet, names []string, release string) error {
	types, err := set.choose(names)
	if err != nil {
		return err
	}
	if o.c {
		return o.dumpC(set, types, release)
	}
	rows := make([]typeRow, 0, len(types))
	for _, t := range types {
		if t.TypeName() != "" {
			size, _ := btfc.SizeOf(t)
			rows = append(rows, typeRow{uint32(set.id(t)), btfc.Word(t), t.TypeName(), size})
		}
	}
	if o.output.Format != output.FormatTable {
		return writeList(o.factory, o.output.Format, rows)
	}
	t := output.NewTable(output.Column{Title: "ID", Right: true}, output.Column{Title: "KIND"}, output.Column{Title: "BYTES", Right: true}, output.Column{Title: "NAME", Flex: true})
	for _, r := range rows {
		t.Row(r.ID, r.Kind, r.Bytes, r.Name)
	}
	return o.table(t, "It has no types with names.")
}

// typeRow is a line of `ebpfdev btf dump`.
type typeRow struct {
	ID    uint32 `json:"id"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// choose returns the named types, or all.
func (s typeSet) choose(names []string) ([]btf.Type, error) {
	if len(names) == 0 {
		return s.all()
	}
	return s.named(names)
}

func (o *btfDumpOptions) dumpC(set typeSet, types []btf.Type, release string) error {
	about := "Types of " + set.about
	h := btfc.Header{}
	if set.info.Kernel {
		h.Guard, h.CORE = kernelGuard, true
		about += ", " + linux(release)
	}
	h.About = headerAbout(about, o.deps.Version)
	text, err := header(types, h)
	if err != nil {
		return err
	}
	_, err = o.io.Out.Write(text)
	return err
}

// kernelGuard is the macro by which libbpf's headers know that the kernel's types
// are there.
const kernelGuard = "__VMLINUX_H__"

// writtenBy is how a header of ours is known again.
const writtenBy = "written by ebpfdev"

func headerAbout(about, version string) []string {
	return []string{safe.Line(about + ", " + writtenBy + " " + version + ".").String()}
}

func linux(release string) string {
	if release == "" {
		return "an unknown Linux"
	}
	return "Linux " + release
}

// header writes types as C.
func header(types []btf.Type, h btfc.Header) ([]byte, error) {
	var b bytes.Buffer
	if err := btfc.Write(&b, types, h); err != nil {
		return nil, api.E("write C", "", api.ErrInvalid, err)
	}
	return b.Bytes(), nil
}
