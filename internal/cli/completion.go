package cli

import (
	"github.com/spf13/cobra"
)

func newCmdCompletion(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a completion script for a shell",
		Example: `  source <(ebpfdev completion bash)                 for this bash
  ebpfdev completion zsh > "${fpath[1]}/_ebpfdev"
  ebpfdev completion fish > ~/.config/fish/completions/ebpfdev.fish`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      exactArgs("shell"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCompletion(cmd, f, args[0])
		},
	}
}

func runCompletion(cmd *cobra.Command, f *factory, shell string) error {
	root := cmd.Root()
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(f.io.Out, true)
	case "zsh":
		return root.GenZshCompletion(f.io.Out)
	case "fish":
		return root.GenFishCompletion(f.io.Out, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(f.io.Out)
	default:
		return usage(cmd, "no completion for "+shell+": bash, zsh, fish and powershell have one")
	}
}
