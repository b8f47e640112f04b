package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

type demoOptions struct {
	*factory
	keep bool
}

func newCmdDemo(f *factory) *cobra.Command {
	opts := &demoOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show all of it once, in a temporary folder",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.keep, "keep", false, "leave the project and its container there")
	return cmd
}

func runDemo(context.Context, *demoOptions) error {
	return api.Errorf("run the demo", "", api.ErrNotSupported, "it is not written yet")
}
