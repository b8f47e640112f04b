package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Interrupted is the cause of a context that a signal cancelled.
type Interrupted struct{ Signal syscall.Signal }

// Error names the signal.
func (i Interrupted) Error() string { return "interrupted: " + i.Signal.String() }

// ExitCode returns 128 plus the signal's number, as shells report it.
func (i Interrupted) ExitCode() int { return 128 + int(i.Signal) }

// exitError ends the process with a code of its own and prints nothing: what
// there was to say has been said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// exitWith is an error that is reported and ends the process with a code that is
// not its kind's.
type exitWith struct {
	code int
	err  error
}

func (e *exitWith) Error() string { return e.err.Error() }

func (e *exitWith) Unwrap() error { return e.err }

// Main runs one command line, without the program's name, and returns the
// process's exit code. The context ends with the cause Interrupted when a
// signal came.
func Main(ctx context.Context, ios *iostreams.IOStreams, deps Deps, args []string) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ios.Broken = func() {
		if ios.OutClosed() {
			cancel(Interrupted{syscall.SIGPIPE})
		}
		cancel(ios.OutErr())
	}

	f := newFactory(ios, deps)
	root := newCmdRoot(f)
	root.SetArgs(append([]string{}, args...)) // never nil, for which cobra takes the process's own
	cmd, err := root.ExecuteContextC(ctx)
	return exitCode(ctx, f, cmd, args, err)
}

// exitCode reports an error and turns it into the process's exit code.
func exitCode(ctx context.Context, f *factory, cmd *cobra.Command, args []string, err error) int {
	ios := f.io
	if ios.OutClosed() { // the reader had enough: no error, and nobody to tell
		return Interrupted{syscall.SIGPIPE}.ExitCode()
	}
	if werr := ios.OutErr(); werr != nil {
		err = api.E("write", "standard output", api.ErrEnvironment, werr)
	}
	if err == nil {
		return 0
	}
	var silent exitError
	if errors.As(err, &silent) {
		return int(silent)
	}
	var sig Interrupted
	interrupted := errors.As(context.Cause(ctx), &sig)
	if !interrupted || !errors.Is(err, context.Canceled) {
		report(f, cmd, args, f.withHint(cmd, args, err))
	}
	if interrupted {
		return sig.ExitCode()
	}
	var with *exitWith
	if errors.As(err, &with) {
		return with.code
	}
	return api.KindOf(err).ExitCode()
}

// report tells a person on standard error and, where JSON was asked for, the
// program that reads standard output.
func report(f *factory, cmd *cobra.Command, args []string, err error) {
	_ = output.Error(f.io.ErrOut, output.Palette(f.io.ErrColor()), err, f.shown.tellsOf(err))
	switch format := chosenFormat(cmd, args); format {
	case output.FormatJSON, output.FormatNDJSON:
		_ = output.ErrorJSON(f.io.Out, err, format == output.FormatNDJSON)
	}
}

// withHint gives an error that says nothing about what to do the hint that fits
// its kind.
func (f *factory) withHint(cmd *cobra.Command, args []string, err error) error {
	e := api.E("", "", "", err)
	if e.Kind == api.ErrPermission && f.opened == api.TargetLocal && f.io.UID() > 0 {
		words := make([]string, len(args))
		for i, arg := range args {
			words[i] = shell.Quote(arg)
		}
		return e.WithHint("sudo ebpfdev " + strings.Join(words, " "))
	}
	if e.Hint != "" {
		return err
	}
	switch e.Kind {
	case api.ErrUsage:
		return e.WithHint(cmd.CommandPath() + " --help")
	case api.ErrEnvironment, api.ErrPermission, api.ErrUnreachable:
		return e.WithHint("ebpfdev doctor")
	default:
		return err
	}
}

// chosenFormat returns the output format of a command line, also of one that
// could not be parsed to its end.
func chosenFormat(cmd *cobra.Command, args []string) output.Format {
	flag := cmd.Flags().Lookup("output")
	if flag == nil {
		return ""
	}
	if flag.Changed {
		return output.Format(flag.Value.String())
	}
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	for i, arg := range args {
		for _, prefix := range []string{"--output=", "-o=", "-o"} {
			if v, ok := strings.CutPrefix(arg, prefix); ok && v != "" {
				return output.Format(v)
			}
		}
		if (arg == "-o" || arg == "--output") && i+1 < len(args) {
			return output.Format(args[i+1])
		}
	}
	return ""
}
