package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// The groups of the root's help, in its order.
const (
	groupStart     = "start"
	groupContainer = "container"
	groupProject   = "project"
	groupKernel    = "kernel"
	groupRest      = "rest"
)

func newCmdRoot(f *factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ebpfdev",
		Short: "From nothing to a verified, loaded and observable eBPF program",
		Long: `ebpfdev scaffolds an eBPF project, starts a dev container that can load
programs, builds, verifies, loads and attaches in it, and shows what the kernel
then holds. Without a command, at a terminal, it opens its full-screen interface.`,
		Example: `  ebpfdev doctor                                       what this machine lacks
  ebpfdev new my-probe --template ebpf-go --kind tracepoint --up
  cd my-probe && ebpfdev run                           build, verify, load, watch`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return runRoot(cmd.Context(), cmd, f)
		},
	}
	cmd.SetIn(f.io.In)
	cmd.SetOut(f.io.Out)
	cmd.SetErr(f.io.ErrOut)
	cmd.SetFlagErrorFunc(flagError)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), helpText(cmd)) })
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := fmt.Fprint(cmd.ErrOrStderr(), helpText(cmd))
		return err
	})
	addGlobalFlags(cmd, f)
	for _, g := range []cobra.Group{
		{ID: groupStart, Title: "Start:"},
		{ID: groupContainer, Title: "Container:"},
		{ID: groupProject, Title: "Project:"},
		{ID: groupKernel, Title: "Kernel:"},
		{ID: groupRest, Title: "Rest:"},
	} {
		cmd.AddGroup(&g)
	}
	addCommands(cmd, f)
	return cmd
}

func addCommands(root *cobra.Command, f *factory) {
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupStart, newCmdNew(f), newCmdInit(f), newCmdTemplates(f), newCmdDemo(f), newCmdDoctor(f))
	add(groupContainer, newCmdUp(f), newCmdStatus(f), newCmdExec(f), newCmdShell(f), newCmdLogs(f), newCmdDown(f))
	add(groupProject, newCmdRun(f), newCmdBuild(f), newCmdVerify(f), newCmdLoad(f), newCmdUnload(f))
	add(groupKernel, newCmdProg(f), newCmdMap(f), newCmdLink(f), newCmdNet(f), newCmdCgroup(f), newCmdEvents(f), newCmdTrace(f), newCmdTop(f), newCmdBTF(f), newCmdVmlinux(f), newCmdKernel(f))
	add(groupRest, newCmdHeaders(f), newCmdCompletion(f), newCmdVersion(f))
	root.AddCommand(newCmdAgent(f))
	root.SetHelpCommandGroupID(groupRest)
}

// runRoot opens the full-screen interface; without a terminal the help is the answer.
func runRoot(ctx context.Context, cmd *cobra.Command, f *factory) error {
	if !f.io.InTTY() || !f.io.OutTTY() || f.io.Accessible() {
		fmt.Fprint(f.io.ErrOut, helpText(cmd))
		return exitError(api.ErrUsage.ExitCode())
	}
	req := TUIRequest{In: f.io.In, Out: f.io.Screen(), Target: api.TargetName(f.target)}
	var err error
	if req.Workspace, err = f.workspace(); err != nil {
		return err
	}
	if req.Scaffolder, err = f.scaffolder(); err != nil {
		return err
	}
	if req.Doctor, err = f.doctor(); err != nil {
		return err
	}
	if req.Folder, err = f.workspaceFolder(); err != nil {
		return err
	}
	return f.deps.TUI(ctx, req)
}

// newNoun makes a command that only holds others: `prog`, `map`.
func newNoun(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			fmt.Fprint(cmd.ErrOrStderr(), helpText(cmd))
			return exitError(api.ErrUsage.ExitCode())
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}

func unknownCommand(cmd *cobra.Command, name string) error {
	err := api.Errorf("", "", api.ErrUsage, fmt.Sprintf("%q is not a command of %s", name, cmd.CommandPath()))
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return err.WithHint(cmd.CommandPath() + " " + strings.Join(near, " | "))
	}
	return err.WithHint(cmd.CommandPath() + " --help")
}
