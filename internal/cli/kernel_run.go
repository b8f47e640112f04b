package cli

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

type kernelRunOptions struct {
	*factory
	version string
	args    []string
	files   []string
	env     []string
}

// guestHome is where commands and files go in a guest.
const guestHome = "/root"

func newCmdKernelRun(f *factory) *cobra.Command {
	opts := &kernelRunOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "run VERSION [flags] -- COMMAND [ARGUMENT...]",
		Short: "Boot a kernel and run a command of yours in it",
		Long: `Boot a kernel, run a command in it as root and turn it off again. The guest holds
the kernel, its file systems and nothing else: no shell, no libraries, no network
but lo. So a command is a file of this machine, linked statically, and is sent
there, with the files that it names with --file; it runs in ` + guestHome + `.

A test of a Go package is such a command: it then runs on the kernel you name.`,
		Example: `  CGO_ENABLED=0 go test -c -o probe.test ./internal/probe
  ebpfdev kernel run 6.12 -- ./probe.test -test.v
  ebpfdev kernel run 5.10 --file exec.bpf.o -- ./loader exec.bpf.o`,
		Annotations: exits("the command's own exit status, 128+n when signal n ended it", "1 the kernel panicked"),
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage(cmd, "VERSION is missing").WithHint("ebpfdev kernel list")
			case len(args) == 1:
				return usage(cmd, "COMMAND is missing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.version, opts.args = args[0], args[1:]
			return runKernelRun(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&opts.files, "file", "f", nil, "send a file, as `FILE[:PATH]` (repeat for more; without a path to "+guestHome+")")
	flags.StringArrayVarP(&opts.env, "env", "e", nil, "set a variable, as `KEY=VALUE` (repeat for more)")
	return cmd
}

func runKernelRun(ctx context.Context, opts *kernelRunOptions) (err error) {
	req, err := opts.request()
	if err != nil {
		return err
	}
	guest, err := opts.deps.Boot(ctx, opts.version)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, guest.Close()) }()
	res, err := guest.RunCommand(ctx, req, func(o api.CommandOutput) error {
		w := opts.io.Out
		if o.Stderr {
			w = opts.io.ErrOut
		}
		_, err := w.Write(o.Data)
		return err
	})
	if err != nil {
		if opts.verbose {
			opts.say("%s", guest.Console())
		}
		return err
	}
	if res.ExitCode != 0 {
		return exitError(res.ExitCode)
	}
	return nil
}

// request reads what has to be sent to the guest.
func (o *kernelRunOptions) request() (api.CommandRequest, error) {
	command, err := readFile(o.args[0], path.Join(guestHome, filepath.Base(o.args[0])))
	if err != nil {
		return api.CommandRequest{}, err
	}
	command.Mode = 0o755
	req := api.CommandRequest{
		Args: append([]string{command.Path}, o.args[1:]...), Env: o.env, Dir: guestHome, Files: []api.CommandFile{command},
	}
	for _, spec := range o.files {
		from, to, _ := strings.Cut(spec, ":")
		if to == "" {
			to = filepath.Base(from)
		}
		if !path.IsAbs(to) {
			to = path.Join(guestHome, to)
		}
		file, err := readFile(from, to)
		if err != nil {
			return api.CommandRequest{}, err
		}
		req.Files = append(req.Files, file)
	}
	return req, nil
}

// maxSent is how big a file for a guest may be, whose memory holds it twice.
const maxSent = 96 << 20

func readFile(name, to string) (api.CommandFile, error) {
	const op = "send to the guest"
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return api.CommandFile{}, api.Errorf(op, name, api.ErrUsage, "there is no such file here; the guest has no commands of its own")
	case !info.Mode().IsRegular():
		return api.CommandFile{}, api.Errorf(op, name, api.ErrUsage, "it is no regular file")
	case info.Size() > maxSent:
		return api.CommandFile{}, api.Errorf(op, name, api.ErrUsage, "it is larger than 96 MiB")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return api.CommandFile{}, api.E(op, name, "", err)
	}
	return api.CommandFile{Path: to, Mode: uint32(info.Mode().Perm()), Data: data}, nil
}
