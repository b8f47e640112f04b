package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type upOptions struct {
	*factory
	rebuild, trust, pull bool
	output               output.Choice
}

func newCmdUp(f *factory) *cobra.Command {
	opts := &upOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Build, create and start the workspace's container",
		Long: `Make sure that the workspace's dev container runs: build its image, create and
start it, run the hooks that are due and put ebpfdev in. Doing it twice changes
nothing; a container that an editor or the reference CLI made is taken over.`,
		Example: `  ebpfdev up
  ebpfdev up --rebuild                 a new image and a new container
  ebpfdev up --progress plain 2> up.log`,
		Annotations: exits("4 devcontainer.json wants to run a command on this machine: see --trust"),
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runUp(cmd.Context(), opts) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.rebuild, "rebuild", false, "remove the container and build the image without cache")
	flags.BoolVar(&opts.trust, "trust", false, "let devcontainer.json's initializeCommand run on this machine")
	flags.BoolVar(&opts.pull, "pull", false, "ask the registry for newer base images")
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runUp(ctx context.Context, opts *upOptions) error {
	return opts.withWorkspace(func(ws api.Workspace, folder string) error {
		req := api.UpRequest{Folder: folder, Rebuild: opts.rebuild, Trust: opts.trust, Pull: opts.pull}
		res, err := opts.up(ctx, ws, req)
		if err != nil {
			return err
		}
		if opts.output.Format == output.FormatJSON {
			return output.JSON(opts.io.Out, res)
		}
		var fields output.Fields
		fields.Add("container", res.ContainerName+" ("+upState(res)+")")
		fields.Add("user", res.RemoteUser)
		fields.Add("folder", res.RemoteFolder)
		return fields.Write(opts.io.Out, opts.out())
	})
}

// up starts a workspace's container with its progress shown, and says what a
// person has to know of the outcome.
func (f *factory) up(ctx context.Context, ws api.Workspace, req api.UpRequest) (api.UpResult, error) {
	progress := f.newProgress()
	var warned []string
	res, err := ws.Up(ctx, req, func(p api.Progress) error {
		if p.State == api.StepWarning {
			warned = append(warned, p.Line)
		}
		return progress.Update(p)
	})
	progress.Close()
	if err != nil {
		return res, err
	}
	missing := strings.Join(res.Missing, ", ")
	told := func(w string) bool { return strings.Contains(w, missing) }
	if missing != "" && !slices.ContainsFunc(warned, told) {
		f.note("the container runs without " + missing + "; ebpfdev doctor says what that costs")
	}
	for _, w := range res.Warnings {
		if !slices.Contains(warned, w) {
			f.note(w)
		}
	}
	return res, nil
}

func upState(res api.UpResult) string {
	switch {
	case res.Created:
		return "created and started"
	case res.Started:
		return "started"
	default:
		return "was running"
	}
}

// removedLines tells what was removed, one line each.
func (f *factory) removedLines(removed []string) {
	for _, r := range removed {
		f.say("removed %s", safe.Line(r))
	}
}
