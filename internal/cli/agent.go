package cli

import (
	"github.com/spf13/cobra"
)

// newCmdAgent is what ebpfdev itself starts next to a kernel. People do not
// need it, so it is in no help text.
func newCmdAgent(f *factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:    "agent",
		Short:  "Serve this machine's kernel on standard input and output",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.deps.Agent(cmd.Context(), f.io.In, f.io.Out)
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:    "check-object",
		Short:  "Read a BPF object on standard input and exit 0 when it can be parsed",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return f.deps.CheckObject(f.io.In) },
	})
	cmd.AddCommand(&cobra.Command{
		Use:    "keep",
		Short:  "Start the process that standard input names, and end with it",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return f.deps.Keep(cmd.Context(), f.io.In) },
	})
	cmd.AddCommand(&cobra.Command{
		Use:    "init",
		Short:  "Be the first process of a guest kernel",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return f.deps.Init(f.io.ErrOut) },
	})
	cmd.AddCommand(&cobra.Command{
		Use:    "guest",
		Short:  "Serve a guest kernel through memory that its host shares",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return f.deps.Guest(cmd.Context()) },
	})
	cmd.AddCommand(&cobra.Command{
		Use:    "sweep",
		Short:  "Remove what killed agents left in the kernel",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return f.deps.Sweep() },
	})
	return cmd
}
