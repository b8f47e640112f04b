package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfc"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

const vmlinuxFile = "vmlinux.h"

type vmlinuxOptions struct {
	*factory
	modules []string
	file    string
	output  output.Choice
}

// VmlinuxReport is what `ebpfdev vmlinux -o json` prints.
type VmlinuxReport struct {
	File    string   `json:"file"`
	Bytes   int      `json:"bytes"`
	Types   int      `json:"types"` // those that have a name
	Kernel  string   `json:"kernel"`
	Modules []string `json:"modules,omitempty"`
}

func newCmdVmlinux(f *factory) *cobra.Command {
	opts := &vmlinuxOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "vmlinux",
		Short: "Write vmlinux.h, the kernel's types as C, into the project",
		Long: `Write the types of the target's kernel as C, for programs with CO-RE. The file goes
where the project has its vmlinux.h, else to the BPF sources; -f names another
place, and "-" standard output. A vmlinux.h that ebpfdev did not write, such as a
template's with a few types, is only replaced with consent.

The types of modules come into the same file, so that each type is there once.`,
		Example: `  ebpfdev vmlinux
  ebpfdev vmlinux --module nf_conntrack -f bpf/vmlinux.h
  ebpfdev vmlinux -f - | grep -A3 'struct bio {'`,
		Annotations: exits("1 the kernel has no BTF", "4 a vmlinux.h of somebody else's is in the way"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runVmlinux(cmd.Context(), opts) },
	}
	cmd.Flags().StringArrayVar(&opts.modules, "module", nil, "with the types of kernel module `NAME` (repeat for more)")
	cmd.Flags().StringVarP(&opts.file, "file", "f", "", "write to `FILE`, - for standard output")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runVmlinux(ctx context.Context, opts *vmlinuxOptions) error {
	if opts.file == "" {
		folder, err := opts.workspaceFolder()
		if err != nil {
			return err
		}
		if opts.file, err = vmlinuxPlace(folder); err != nil {
			return err
		}
	}
	var (
		report = VmlinuxReport{File: opts.file, Modules: opts.modules}
		text   []byte
	)
	err := opts.withSession(ctx, func(s api.Session) (err error) {
		text, err = opts.header(ctx, s, &report)
		return err
	})
	if err != nil {
		return err
	}
	if opts.file == "-" {
		_, err := opts.io.Out.Write(text)
		return err
	}
	if err := opts.consent(ctx, text); err != nil {
		return err
	}
	if err := replaceFile(opts.file, text); err != nil {
		return err
	}
	if opts.output.Format == output.FormatJSON {
		return output.JSON(opts.io.Out, report)
	}
	_, err = fmt.Fprintf(opts.io.Out, "%s: %s, %d types of %s\n", line(shorter(opts.file)), output.Bytes(int64(report.Bytes)), report.Types, line(linux(report.Kernel)))
	return err
}

// header makes the whole file.
func (o *vmlinuxOptions) header(ctx context.Context, s api.Session, report *VmlinuxReport) ([]byte, error) {
	kernel, err := readTypes(ctx, s, api.KernelBTF, api.BTFRequest{Name: api.KernelBTF})
	if err != nil {
		return nil, err
	}
	types, err := kernel.all()
	if err != nil {
		return nil, err
	}
	for _, name := range o.modules {
		own, err := moduleTypes(ctx, s, name, kernel.spec)
		if err != nil {
			return nil, err
		}
		types = append(types, own...)
	}
	report.Kernel = release(ctx, s)
	for _, t := range types {
		if t.TypeName() != "" {
			report.Types++
		}
	}
	about := "Types of " + linux(report.Kernel)
	if len(o.modules) > 0 {
		about += " with " + strings.Join(o.modules, ", ")
	}
	text, err := header(types, btfc.Header{About: headerAbout(about, o.deps.Version), Guard: kernelGuard, CORE: true})
	report.Bytes = len(text)
	return text, err
}

// moduleTypes reads a module's own types; what they need of the kernel's is what
// the kernel's spec has, so that a type is one.
func moduleTypes(ctx context.Context, s api.Session, name string, kernel *btf.Spec) ([]btf.Type, error) {
	data, err := s.ReadBTF(ctx, api.BTFRequest{Name: name})
	if err != nil {
		return nil, err
	}
	if !data.Split() {
		return nil, api.Errorf("read BTF", name, api.ErrUsage, "it is no module")
	}
	spec, err := btfc.Parse(data.Data, kernel)
	if err != nil {
		return nil, badBTF(name, err)
	}
	return typeSet{about: name, spec: spec}.all()
}

// consent asks before a file is replaced that we did not write.
func (o *vmlinuxOptions) consent(ctx context.Context, text []byte) error {
	const op = "write " + vmlinuxFile
	have, err := os.ReadFile(o.file)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && bytes.Equal(have, text):
		return nil
	case err != nil:
		return api.E(op, o.file, readKind(err), errors.Unwrap(err))
	}
	first, _, _ := bytes.Cut(have, []byte("\n"))
	if bytes.Contains(first, []byte(writtenBy)) {
		return nil
	}
	words := []string{"ebpfdev", "vmlinux", "-f", shorter(o.file), "--yes"}
	for _, name := range o.modules {
		words = append(words, "--module", name)
	}
	return o.confirm(ctx, op, fmt.Sprintf("Replace %s (%s, not written by ebpfdev)?", shorter(o.file), output.Bytes(int64(len(have)))), shell.Join(words...))
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, data []byte) error {
	const op = "write " + vmlinuxFile
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+vmlinuxFile+"-*")
	if err != nil {
		return api.E(op, name, readKind(err), errors.Unwrap(err))
	}
	defer os.Remove(temporary.Name()) // it is gone after the rename
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	if cerr := temporary.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		return api.E(op, name, readKind(err), err)
	}
	return nil
}

// shorter returns a path as the person would type it here.
func shorter(path string) string {
	here, err := currentFolder()
	if err != nil {
		return path
	}
	if rel, ok := within(here, path); ok {
		return rel
	}
	return path
}

// vmlinuxPlace returns where a project's vmlinux.h is or belongs: next to the BPF
// sources.
// Errors: ErrUsage (there are several such places, or none).
func vmlinuxPlace(folder string) (string, error) {
	var headers, sources []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read has no sources for us
		case d.IsDir() && path != folder && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"target", "vendor", "node_modules", "build"}, d.Name())):
			return fs.SkipDir
		case !d.Type().IsRegular():
		case d.Name() == vmlinuxFile:
			headers = append(headers, path)
		case strings.HasSuffix(d.Name(), ".bpf.c"):
			sources = append(sources, filepath.Join(filepath.Dir(path), vmlinuxFile))
		}
		return nil
	})
	if err != nil {
		return "", api.E("find "+vmlinuxFile, folder, api.ErrEnvironment, err)
	}
	slices.Sort(sources)
	places := headers
	if len(places) == 0 {
		places = slices.Compact(sources)
	}
	switch len(places) {
	case 1:
		return places[0], nil
	case 0:
		return "", api.Errorf("find "+vmlinuxFile, folder, api.ErrUsage, "the project has no vmlinux.h and no *.bpf.c that it belongs to; name a file").
			WithHint("ebpfdev vmlinux -f " + vmlinuxFile)
	default:
		return "", api.Errorf("find "+vmlinuxFile, folder, api.ErrUsage, fmt.Sprintf("there are %d places for it; name one", len(places))).
			WithHint("ebpfdev vmlinux -f " + shell.Quote(shorter(places[0])))
	}
}
