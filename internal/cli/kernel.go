package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

type kernelOptions struct {
	*factory
	mirror string
	output output.Choice
}

func newCmdKernel(f *factory) *cobra.Command {
	return newNoun("kernel", "Kernels to boot under QEMU", newCmdKernelList(f), newCmdKernelFetch(f), newCmdKernelRemove(f), newCmdKernelRun(f))
}

func newCmdKernelList(f *factory) *cobra.Command {
	opts := &kernelOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the kernels that are here, and those to fetch",
		Long: `List the kernels that are here, and those that "kernel fetch" gets by a digest
that is built in. Others of Debian's can be fetched too: its signed indexes are
asked for them.`,
		Example: `  ebpfdev kernel list
  ebpfdev kernel list -o json | jq -r '.[] | select(.fetched).vmlinux'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runKernelList(cmd.Context(), opts) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runKernelList(ctx context.Context, opts *kernelOptions) error {
	kernels, err := opts.kernels()
	if err != nil {
		return err
	}
	list, err := kernels.List(ctx)
	if err != nil {
		return err
	}
	if opts.output.Format == output.FormatJSON {
		return writeList(opts.factory, output.FormatJSON, list)
	}
	t := output.NewTable(output.Column{Title: "SERIES"}, output.Column{Title: "RELEASE", Flex: true}, output.Column{Title: "PACKAGE VERSION", Flex: true},
		output.Column{Title: "SIZE", Right: true}, output.Column{Title: "FETCHED"})
	for _, k := range list {
		fetched := "no: " + output.Bytes(k.Size) + " to download"
		size := ""
		if k.Fetched {
			fetched, size = opts.when(k.FetchedAt), output.Bytes(k.Size)
		}
		t.Row(k.Series, k.Release, k.PackageVersion, size, fetched)
	}
	return opts.table(t, "There are no kernels.")
}

func newCmdKernelFetch(f *factory) *cobra.Command {
	opts := &kernelOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "fetch VERSION[@sha256:DIGEST]...",
		Short: "Get kernels from Debian's archive",
		Long: `Get kernels out of Debian's packages, checked and ready to boot. A version is a
series (6.12: the one that is built in, else its newest), a version of Linux
(6.12.9) or what "uname -r" prints. With @sha256: the package must have that
digest. Kernels that are here are not fetched again.

Packages come from the mirrors that apt uses on this machine, or else from
deb.debian.org; http_proxy and https_proxy are heeded.`,
		Example: `  ebpfdev kernel fetch 6.12
  ebpfdev kernel fetch 5.10 6.1 6.12 6.18
  ebpfdev kernel fetch 6.12 --mirror http://ftp.de.debian.org/debian`,
		Annotations: exits("4 a signature or a digest is wrong"),
		Args:        atLeastOne("version"),
		RunE:        func(cmd *cobra.Command, args []string) error { return runKernelFetch(cmd.Context(), opts, args) },
	}
	cmd.Flags().StringVar(&opts.mirror, "mirror", "", "take packages from the archive at `URL` (default: where apt does, else https://deb.debian.org/debian)")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	completeKernels(cmd, f, func(api.KernelEntry) bool { return true })
	return cmd
}

func runKernelFetch(ctx context.Context, opts *kernelOptions, versions []string) error {
	requests := make([]api.KernelRequest, len(versions))
	for i, text := range versions {
		var err error
		if requests[i], err = kernelRequest(text); err != nil {
			return err
		}
		requests[i].Mirror = opts.mirror
	}
	kernels, err := opts.kernels()
	if err != nil {
		return err
	}
	got, err := opts.fetchKernels(ctx, kernels, requests)
	if opts.output.Format == output.FormatJSON {
		if err != nil {
			return err // one value: what was fetched is in "kernel list"
		}
		return writeList(opts.factory, output.FormatJSON, got)
	}
	for i, k := range got {
		if i > 0 {
			fmt.Fprintln(opts.io.Out)
		}
		var fields output.Fields
		fields.Add("kernel", k.Release)
		fields.Add("package", k.Package+" "+k.PackageVersion)
		fields.Add("sha256", k.SHA256)
		fields.Add("vmlinux", k.Vmlinux+" ("+output.Bytes(k.Size)+")")
		fields.Add("config", k.Config)
		if werr := fields.Write(opts.io.Out, opts.out()); werr != nil {
			return werr
		}
	}
	return err
}

// fetchKernels gets one kernel after the other and returns those that it got.
func (o *kernelOptions) fetchKernels(ctx context.Context, kernels api.Kernels, requests []api.KernelRequest) ([]api.KernelImage, error) {
	progress := o.newProgress()
	defer progress.Close()
	var got []api.KernelImage
	for _, req := range requests {
		k, err := kernels.Fetch(ctx, req, progress.Update)
		if err != nil {
			return got, err
		}
		got = append(got, k)
	}
	return got, nil
}

// kernelRequest reads VERSION[@sha256:DIGEST].
func kernelRequest(text string) (api.KernelRequest, error) {
	version, digest, given := strings.Cut(text, "@")
	if !given {
		return api.KernelRequest{Version: version}, nil
	}
	hex, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || hex == "" {
		return api.KernelRequest{}, api.Errorf("fetch kernel", text, api.ErrUsage, "a digest is written as @sha256: and 64 hexadecimal digits").
			WithHint("ebpfdev kernel fetch " + version)
	}
	return api.KernelRequest{Version: version, SHA256: hex}, nil
}

func newCmdKernelRemove(f *factory) *cobra.Command {
	opts := &kernelOptions{factory: f}
	cmd := &cobra.Command{
		Use:         "rm VERSION",
		Aliases:     []string{"remove"},
		Short:       "Remove a kernel that was fetched",
		Example:     "  ebpfdev kernel rm 6.12",
		Annotations: exits("5 several kernels are meant"),
		Args:        exactArgs("version"),
		RunE:        func(cmd *cobra.Command, args []string) error { return runKernelRemove(cmd.Context(), opts, args[0]) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	completeKernels(cmd, f, func(k api.KernelEntry) bool { return k.Fetched })
	return cmd
}

func runKernelRemove(ctx context.Context, opts *kernelOptions, version string) error {
	kernels, err := opts.kernels()
	if err != nil {
		return err
	}
	k, err := kernels.Remove(ctx, version)
	if err != nil {
		return err
	}
	if opts.output.Format == output.FormatJSON {
		return output.JSON(opts.io.Out, k)
	}
	opts.removedLines([]string{"kernel " + k.Release})
	return nil
}

// completeKernels offers the series and releases of kernels to shells.
func completeKernels(cmd *cobra.Command, f *factory, offer func(api.KernelEntry) bool) {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		kernels, err := f.kernels()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		list, err := kernels.List(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, k := range list {
			if offer(k) {
				names = append(names, k.Series, k.Release)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// atLeastOne accepts one or more arguments of a name.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(cmd, strings.ToUpper(name)+" is missing")
		}
		return nil
	}
}
