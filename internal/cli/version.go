package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/output"
)

type versionOptions struct {
	*factory
	output output.Choice
}

// Version is what `ebpfdev version -o json` prints.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newCmdVersion(f *factory) *cobra.Command {
	opts := &versionOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  ebpfdev version -o json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runVersion(opts) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runVersion(opts *versionOptions) error {
	v := Version{Version: opts.deps.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if opts.output.Format == output.FormatJSON {
		return output.JSON(opts.io.Out, v)
	}
	_, err := fmt.Fprintf(opts.io.Out, "ebpfdev %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
	return err
}
