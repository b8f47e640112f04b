package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
	"github.com/ebpfdev/ebpfdev/internal/trial"
)

func newCmdTemplatesCheck(f *factory) *cobra.Command {
	opts := &templatesOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "check [ID[/KIND]...]",
		Short: "Prove that templates work here, from nothing to an event",
		Long: `Make a project of each kind in a temporary folder and take it all the way: image
and container, a build without a network and one that has nothing to do, its own
tests, verify, load and attach, the stimulus, its entry in the map as ebpfdev reads
it, unload, the project's own loader with the same stimulus in its output, down.
Everything is removed again. Without an argument all templates are checked.`,
		Example: `  ebpfdev templates check
  ebpfdev templates check ebpf-go libbpf/xdp -o json`,
		Annotations: exits("1 something does not work", "2 there is no such template"),
		RunE:        func(cmd *cobra.Command, args []string) error { return runTemplatesCheck(cmd.Context(), opts, args) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	completeTemplateIDs(cmd, f)
	return cmd
}

func runTemplatesCheck(ctx context.Context, opts *templatesOptions, names []string) (err error) {
	sc, list, err := opts.templates(ctx)
	if err != nil {
		return err
	}
	picked, err := pickTemplates(list, names)
	if err != nil {
		return err
	}
	ws, err := opts.workspace()
	if err != nil {
		return err
	}
	parent, err := os.MkdirTemp("", "ebpfdev-check-")
	if err != nil {
		return api.E("make a folder for the projects", "", api.ErrEnvironment, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return api.E("make a folder for the projects", "", api.ErrEnvironment, err)
	}

	results, err := opts.tryAll(ctx, trial.Trial{Scaffolder: sc, Workspace: ws, Parent: parent}, picked)
	if err != nil {
		return err
	}
	if err := opts.writeResults(results); err != nil {
		return err
	}
	for _, r := range results {
		if r.Error != "" {
			return exitError(api.ErrFailed.ExitCode())
		}
	}
	return nil
}

// tryAll tries kind after kind. One that fails does not keep the others from
// being tried; an environment that lacks something does.
func (o *templatesOptions) tryAll(ctx context.Context, t trial.Trial, list []api.Template) ([]trial.Result, error) {
	var results []trial.Result
	for _, tmpl := range list {
		rs, err := o.tryTemplate(ctx, t, tmpl)
		results = append(results, rs...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

func (o *templatesOptions) tryTemplate(ctx context.Context, t trial.Trial, tmpl api.Template) (results []trial.Result, err error) {
	defer func() { err = errors.Join(err, t.Clean(ctx, tmpl, tmpl.Kinds)) }()
	for _, kind := range tmpl.Kinds {
		progress := o.newProgress()
		res, err := t.Run(ctx, tmpl, kind, progress.Update)
		progress.Close()
		if ctx.Err() != nil {
			return results, context.Cause(ctx)
		}
		if errors.Is(err, api.ErrEnvironment) {
			return results, err
		}
		results = append(results, res)
	}
	return results, nil
}

func (o *templatesOptions) writeResults(results []trial.Result) error {
	if o.output.Format == output.FormatJSON {
		return writeList(o.factory, output.FormatJSON, results)
	}
	steps := []string{"up", "build", "rebuild", "test", "verify", "load", "map", "run", "down"}
	columns := []output.Column{{Title: "TEMPLATE"}, {Title: "RESULT"}}
	for _, name := range steps {
		columns = append(columns, output.Column{Title: strings.ToUpper(name), Right: true, Spare: true})
	}
	t := output.NewTable(append(columns, output.Column{Title: "TOTAL", Right: true}, output.Column{Title: "SEEN", Flex: true})...)
	for _, r := range results {
		took := map[string]time.Duration{}
		var total time.Duration
		for _, s := range r.Steps {
			took[s.Name] = s.Took
			total += s.Took
		}
		row := []any{r.Template + "/" + r.Kind, verdict(r)}
		for _, name := range steps {
			row = append(row, stepTime(took, name))
		}
		t.Row(append(row, output.Seconds(total), r.Output)...)
	}
	if err := o.table(t, "There are no templates."); err != nil {
		return err
	}
	for _, r := range results {
		if r.Error != "" {
			fmt.Fprintf(o.io.Out, "\n%s: %s\n", o.out().Paint(output.Red, r.Template+"/"+r.Kind), safe.Lines(r.Error))
		}
	}
	return nil
}

func verdict(r trial.Result) output.Styled {
	if r.Error != "" {
		return output.Styled{Style: output.Red, Value: "failed"}
	}
	return output.Styled{Style: output.Green, Value: "ok"}
}

func stepTime(took map[string]time.Duration, name string) string {
	d, ok := took[name]
	if !ok {
		return "-"
	}
	return output.Seconds(d)
}
