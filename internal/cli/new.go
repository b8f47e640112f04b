package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// otherFolder is what to do about a folder that is in use.
const otherFolder = "ebpfdev new OTHER-NAME, or --workspace-folder EMPTY-FOLDER"

type newOptions struct {
	*factory
	req    api.ScaffoldRequest
	values []string // NAME=VALUE
	up     bool
	output output.Choice
}

func newCmdNew(f *factory) *cobra.Command {
	opts := &newOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "new [NAME]",
		Short: "Scaffold a project with its dev container",
		Long: `Write a new project: a small eBPF program of the kind that you choose, its
loader, tests, editor settings and a dev container that can load it. It goes into
the folder NAME here, or into --workspace-folder; that folder must be new or
empty. At a terminal ebpfdev asks for what the flags leave out.`,
		Example: `  ebpfdev new my-probe --template ebpf-go --kind tracepoint --up
  ebpfdev new my-filter --template ebpf-go --kind xdp --least-privilege
  ebpfdev new my-probe --yes                     the default for all that is left out`,
		Annotations: exits("2 an answer is missing or makes no sense", "5 the folder is not empty"),
		Args:        rangeArgs(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.req.Name = args[0]
				if args[0] == "" {
					return usage(cmd, "NAME is empty")
				}
			}
			return runNew(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.req.Template, "template", "", "the framework, `ID`: see \"ebpfdev templates list\"")
	flags.StringVar(&opts.req.Kind, "kind", "", "the kind of program, `ID`")
	addContainerFlags(cmd, &opts.req.Options)
	flags.StringArrayVar(&opts.values, "option", nil, "choose a value of the template, as `NAME=VALUE` (repeat for more): see \"ebpfdev templates show\"")
	flags.BoolVar(&opts.up, "up", false, "start the container too")
	completeTemplates(cmd, f)
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

// addContainerFlags adds the flags that choose how a dev container runs.
func addContainerFlags(cmd *cobra.Command, o *api.ContainerOptions) {
	flags := cmd.Flags()
	flags.BoolVar(&o.LeastPrivilege, "least-privilege", false, "give the container capabilities instead of privileged")
	flags.BoolVar(&o.PrivatePID, "private-pid", false, "give the container its own pid namespace")
	flags.BoolVar(&o.HostNetwork, "host-network", false, "give the container the host's network namespace")
}

func runNew(ctx context.Context, opts *newOptions) error {
	var err error
	if opts.req.Values, err = parseOptions(opts.values, opts.req); err != nil {
		return err
	}
	sc, err := opts.scaffolder()
	if err != nil {
		return err
	}
	list, err := sc.Templates(ctx)
	if err != nil {
		return err
	}
	asked, err := opts.complete(ctx, sc, list)
	if err != nil {
		return err
	}
	if opts.req.Folder, err = opts.projectFolder(opts.req.Name); err != nil {
		return err
	}
	if asked {
		if err := opts.review(ctx, sc); err != nil {
			return err
		}
	}
	res, err := sc.Scaffold(ctx, opts.req)
	if errors.Is(err, api.ErrConflict) && api.HintOf(err) == "" {
		return api.E("", "", "", err).WithHint(otherFolder)
	}
	if err != nil {
		return err
	}
	if !opts.up {
		return opts.writeNew(res)
	}
	ws, err := opts.workspace()
	if err != nil {
		return err
	}
	opts.say("Wrote %d files to %s.", len(res.Files), line(opts.shown(res.Folder)))
	if _, err := opts.factory.up(ctx, ws, api.UpRequest{Folder: res.Folder}); err != nil {
		return err
	}
	return opts.writeNew(res)
}

// parseOptions reads NAME=VALUE, also several with commas between.
func parseOptions(specs []string, req api.ScaffoldRequest) (map[string]string, error) {
	var values map[string]string
	for _, spec := range specs {
		parts := []string{spec}
		if strings.Count(spec, "=") > 1 {
			parts = strings.Split(spec, ",")
		}
		for _, part := range parts {
			name, value, ok := strings.Cut(part, "=")
			if !ok || name == "" {
				hint := "ebpfdev templates list"
				if req.Template != "" {
					hint = "ebpfdev templates show " + shell.Quote(path.Join(req.Template, req.Kind))
				}
				return nil, api.Errorf("read", "--option "+part, api.ErrUsage, "it is not of the form NAME=VALUE").WithHint(hint)
			}
			if values == nil {
				values = map[string]string{}
			}
			values[name] = value
		}
	}
	return values, nil
}

// projectFolder is where the project goes: the folder that was named, else the
// project's name, here. A bad name is the scaffolder's to refuse.
func (o *newOptions) projectFolder(name string) (string, error) {
	here, err := currentFolder()
	if err != nil {
		return "", api.E("scaffold", name, api.ErrEnvironment, err)
	}
	if o.folder != "" {
		return absolute(here, o.folder), nil
	}
	return absolute(here, name), nil
}

func (o *newOptions) writeNew(res api.ScaffoldResult) error {
	if o.output.Format == output.FormatJSON {
		return output.JSON(o.io.Out, res)
	}
	shown := o.shown(res.Folder)
	_, err := fmt.Fprintf(o.io.Out, "%s is ready: %d files.\n", line(shown), len(res.Files))
	o.say("\nNext:\n  cd %s", line(shell.Quote(shown)))
	if !o.up {
		o.say("  ebpfdev up      start its container")
	}
	o.say("  ebpfdev run     build, verify, load and watch")
	return err
}

// shown is a folder as a person would type it.
func (o *newOptions) shown(folder string) string {
	here, err := currentFolder()
	if err != nil {
		return folder
	}
	rel, err := filepath.Rel(here, folder)
	if err != nil || !filepath.IsLocal(rel) {
		return folder
	}
	return rel
}
