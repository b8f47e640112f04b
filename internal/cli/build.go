package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

type buildOptions struct {
	*factory
	clean   bool
	noCheck bool
	command []string
	output  output.Choice
}

func newCmdBuild(f *factory) *cobra.Command {
	opts := &buildOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "build [-- COMMAND [ARGUMENT...]]",
		Short: "Build the project's objects",
		Long: `Run the project's own build and list the objects that it made. What the tools
say goes to standard error as it comes, in the form that problem matchers read.
A command after -- is run instead of the framework's own. Without a Makefile that
builds, bpftrace programs are tried by bpftrace's dry run.

Before it starts, the tracepoints, kernel functions and symbols that the sources
name are looked up on the target: a missing one is said with its line and with
names that are near. --no-check builds all the same, for another kernel. What
cannot be told (names that are put together, code under conditions, optional
programs such as SEC("?kprobe/...")) never stops a build.`,
		Example: `  ebpfdev build
  ebpfdev build -- make -C bpf
  ebpfdev build --no-check
  ebpfdev build -o json | jq -r '.objects[].path'`,
		Annotations: exits("1 a compiler or another tool failed, or an attach point is missing"),
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); len(args) > 0 && dash != 0 {
				return usage(cmd, fmt.Sprintf("unexpected argument %q", args[0])).WithHint("ebpfdev build -- " + shell.Quote(args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.command = args
			return runBuild(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.clean, "clean", false, "remove what earlier builds made first")
	cmd.Flags().BoolVar(&opts.noCheck, "no-check", false, "build also what the target's kernel cannot attach")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runBuild(ctx context.Context, opts *buildOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		req := api.BuildRequest{Dir: s.Info().Dir, Command: opts.command, Clean: opts.clean, NoCheck: opts.noCheck}
		res, err := opts.build(ctx, s, req)
		if err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, buildJSON(res))
		}
		if len(res.Objects) == 0 && (len(res.Loader) > 0 || compiledLater(res.Framework)) {
			opts.say("There are no objects: a %s program is compiled when it starts. \"ebpfdev run\" or \"ebpfdev load\" does it.", safe.Line(res.Framework))
			return nil
		}
		t := output.NewTable(output.Column{Title: "OBJECT", Flex: true}, output.Column{Title: "SIZE", Right: true})
		for _, o := range res.Objects {
			t.Row(objectPath(o), output.Bytes(int64(len(o.Data))))
		}
		return opts.table(t, "The build made no objects.")
	})
}

// compiledLater reports whether a framework compiles its programs when they run.
func compiledLater(framework string) bool { return framework == "bpftrace" || framework == "bcc" }

// build runs a build with the tools' output shown as it comes.
func (f *factory) build(ctx context.Context, s api.Session, req api.BuildRequest) (api.BuildResult, error) {
	p := output.Palette(f.io.ErrColor())
	src := f.sources(s)
	return s.Build(ctx, req, func(e api.BuildEvent) error {
		f.shown.add(e.Line)
		text := safe.Lines(src.line(e.Line)).String()
		if e.Step != "" {
			text = p.Paint(output.Dim, "$ "+safe.Line(e.Step).String())
		}
		_, err := fmt.Fprintln(f.io.ErrOut, text)
		return err
	})
}

// builtObject is an object in JSON: api.Object with its size instead of its bytes.
type builtObject struct {
	api.Object
	Bytes int `json:"bytes"`
}

func buildJSON(res api.BuildResult) any {
	objects := make([]builtObject, 0, len(res.Objects))
	for _, o := range res.Objects {
		objects = append(objects, builtObject{o, len(o.Data)})
	}
	return struct {
		Framework string        `json:"framework"`
		Objects   []builtObject `json:"objects"`
		Loader    []string      `json:"loader,omitempty"`
	}{res.Framework, objects, res.Loader}
}

func objectPath(o api.Object) string {
	if o.Path != "" {
		return filepath.ToSlash(o.Path)
	}
	return o.Name
}
