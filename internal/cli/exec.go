package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

type execOptions struct {
	*factory
	user, dir string
	env       []string
	noTTY     bool
	args      []string
}

func newCmdExec(f *factory) *cobra.Command {
	opts := &execOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run a command in the workspace's container",
		Long: `Run a command in the workspace's container as its remote user, in the workspace
folder and with the environment that devcontainer.json asks for. At a terminal
the command gets one too.`,
		Example: `  ebpfdev exec -- make test
  ebpfdev exec --user root -- bpftool prog
  tar c . | ebpfdev exec -- tar t`,
		Annotations: exits("the command's own exit status, 128+n when signal n ended it",
			"126 the command could not be started", "127 there is no such command in the container"),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, "COMMAND is missing").WithHint("ebpfdev shell")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.args = args
			return runExec(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func newCmdShell(f *factory) *cobra.Command {
	opts := &execOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Open a login shell in the workspace's container",
		Example: `  ebpfdev shell
  ebpfdev shell --user root`,
		Annotations: exits("the shell's own exit status"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runExec(cmd.Context(), opts) },
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *execOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.user, "user", "u", "", "run as `USER` (default: the remote user)")
	flags.StringVar(&o.dir, "dir", "", "run in folder `DIR` of the container (default: the workspace folder)")
	flags.StringArrayVarP(&o.env, "env", "e", nil, "set a variable, as `KEY=VALUE` (repeat for more)")
	flags.BoolVarP(&o.noTTY, "no-tty", "T", false, "give it no terminal")
}

func runExec(ctx context.Context, opts *execOptions) error {
	for _, kv := range opts.env {
		if k, _, ok := strings.Cut(kv, "="); !ok || k == "" {
			return api.Errorf("set a variable", kv, api.ErrUsage, "it is not of the form KEY=VALUE")
		}
	}
	return opts.withWorkspace(func(ws api.Workspace, folder string) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		req := api.ExecRequest{Folder: folder, Args: opts.args, User: opts.user, Dir: opts.dir, Env: opts.env}
		streams, restore, err := opts.streams(ctx)
		if err != nil {
			return err
		}
		defer restore()
		req.Streams = streams
		code, err := ws.Exec(ctx, req)
		restore()
		if err != nil && code != 0 {
			return &exitWith{code: code, err: err}
		}
		if err != nil {
			return err
		}
		if code != 0 {
			return exitError(code)
		}
		return nil
	})
}

// streams connects the command to ours; with a terminal on both ends every key
// goes to the command, Ctrl-C too.
func (o *execOptions) streams(ctx context.Context) (api.Streams, func(), error) {
	s := api.Streams{In: o.io.In, Out: o.io.Out, Err: o.io.ErrOut}
	if o.noTTY || !o.io.InTTY() || !o.io.OutTTY() {
		return s, func() {}, nil
	}
	restore, err := o.io.Raw()
	if err != nil {
		return s, nil, api.E("open the terminal", "", api.ErrEnvironment, err).WithHint("repeat it with --no-tty")
	}
	s.TTY = true
	s.Resize = o.io.Resizes(ctx)
	return s, restore, nil
}
