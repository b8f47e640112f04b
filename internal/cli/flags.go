package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
)

// target is the value of --target.
type target string

func (t *target) String() string { return string(*t) }
func (t *target) Type() string   { return "WHERE" }

func (t *target) Set(s string) error {
	version, guest := api.TargetName(s).Kernel()
	if !slices.Contains(targets(), s) && (!guest || version == "") {
		return fmt.Errorf("%q is not one of %s, kernel:VERSION", s, strings.Join(targets(), ", "))
	}
	*t = target(s)
	return nil
}

func targets() []string {
	return []string{string(api.TargetLocal), string(api.TargetContainer)}
}

// kernelVersion is the value of --kernel, which is short for a target.
type kernelVersion struct{ target *target }

func (k kernelVersion) String() string {
	if k.target == nil { // pflag asks the zero value
		return ""
	}
	if version, ok := api.TargetName(*k.target).Kernel(); ok {
		return version
	}
	return ""
}

func (k kernelVersion) Type() string { return "VERSION" }

func (k kernelVersion) Set(s string) error {
	if s == "" {
		return errors.New("no version is given, such as 6.12")
	}
	*k.target = target(api.TargetKernel(s))
	return nil
}

// progressMode is the value of --progress.
type progressMode output.ProgressMode

func (m *progressMode) String() string { return string(*m) }
func (m *progressMode) Type() string   { return strings.Join(output.ProgressModes(), "|") }

func (m *progressMode) Set(s string) error {
	if !slices.Contains(output.ProgressModes(), s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(output.ProgressModes(), ", "))
	}
	*m = progressMode(s)
	return nil
}

// addGlobalFlags declares the flags that every command has.
func addGlobalFlags(cmd *cobra.Command, f *factory) {
	flags := cmd.PersistentFlags()
	flags.Var(&f.target, "target", "where kernel work happens: local, container or kernel:VERSION (default: the workspace's container, or here when there is none)")
	flags.Var(kernelVersion{&f.target}, "kernel", "boot this kernel and work in it, short for --target kernel:VERSION")
	flags.StringVar(&f.folder, "workspace-folder", "", "the project's folder, `DIR` (default: the nearest one upwards with a devcontainer.json)")
	flags.Var(&f.progress, "progress", "how long operations are shown")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "say more")
	flags.BoolVarP(&f.yes, "yes", "y", false, "answer every question with yes")
	complete(cmd, "target", targets())
	complete(cmd, "progress", output.ProgressModes())
	_ = cmd.MarkPersistentFlagDirname("workspace-folder")
}

// addOutput declares -o with the formats that the command offers.
func addOutput(cmd *cobra.Command, c *output.Choice, offers ...output.Format) {
	*c = output.NewChoice(offers...)
	cmd.Flags().VarP(c, "output", "o", "output format")
	complete(cmd, "output", strings.Split(c.List(","), ","))
}

// complete offers values for a flag in shells.
func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// flagError turns pflag's complaint into a usage error.
func flagError(cmd *cobra.Command, err error) error {
	if err == pflag.ErrHelp { //nolint:errorlint // pflag documents this value itself
		return err
	}
	return usage(cmd, err.Error())
}

// usage is a command line that makes no sense; the hint shows where to read on.
func usage(cmd *cobra.Command, cause string) *api.Error {
	return api.Errorf("", "", api.ErrUsage, cause).WithHint(cmd.CommandPath() + " --help")
}

// exclusive refuses a command line that sets more than one of some flags.
func exclusive(cmd *cobra.Command, names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !cmd.Flags().Changed(name):
		case first != "":
			return usage(cmd, "--"+first+" and --"+name+" exclude each other")
		default:
			first = name
		}
	}
	return nil
}

// exactArgs accepts one argument for each name and says which one is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return rangeArgs(len(names), names...)
}

// rangeArgs accepts at least required and at most all of the named arguments.
func rangeArgs(required int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < required:
			return usage(cmd, strings.ToUpper(strings.Join(names[len(args):required], " "))+" is missing")
		case len(args) > len(names):
			return usage(cmd, fmt.Sprintf("unexpected argument %q", args[len(names)]))
		default:
			return nil
		}
	}
}
