package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/prompt"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// defaultName is what a project is called when nobody has a better idea.
const defaultName = "my-probe"

// complete fills in what the command line left out: with the defaults under
// --yes, else by asking. It reports whether a person was asked.
func (o *newOptions) complete(ctx context.Context, sc api.Scaffolder, list []api.Template) (asked bool, err error) {
	if o.req.Name != "" && o.req.Template != "" && o.req.Kind != "" {
		return false, nil
	}
	if len(list) == 0 || len(list[0].Kinds) == 0 {
		return false, api.Errorf("scaffold", o.req.Name, api.ErrNotExist, "there are no templates")
	}
	if !o.yes && !o.io.CanPrompt() {
		return false, o.missing(list)
	}
	// A folder that is in use is said before any question, not after all.
	if !o.yes && (o.req.Name != "" || o.folder != "") {
		if err := o.inUse(o.req.Name); err != nil {
			return false, err
		}
	}
	answer := func(q prompt.Question, into *string) error {
		if *into != "" {
			return nil
		}
		if o.yes {
			*into = q.Default
			return nil
		}
		asked = true
		got, err := o.asker().Ask(ctx, q)
		*into = got
		return err
	}
	if err := answer(nameQuestion(o.nameError(ctx, sc, list)), &o.req.Name); err != nil {
		return asked, err
	}
	if err := answer(templateQuestion(list), &o.req.Template); err != nil {
		return asked, err
	}
	kind, err := kindQuestion(list, o.req.Template)
	if err != nil {
		return asked, err
	}
	return asked, answer(kind, &o.req.Kind)
}

// missing says what was left out and shows a command line that has it all.
func (o *newOptions) missing(list []api.Template) error {
	var lacks []string
	complete := o.req
	fill := func(what, def string, into *string) {
		if *into == "" {
			*into = def
			lacks = append(lacks, what)
		}
	}
	fill("NAME", defaultName, &complete.Name)
	fill("--template", list[0].ID, &complete.Template)
	kind, err := kindQuestion(list, complete.Template)
	if err != nil {
		return err
	}
	fill("--kind", kind.Default, &complete.Kind)
	return api.Errorf("scaffold", o.req.Name, api.ErrUsage, strings.Join(lacks, ", ")+" left out and no terminal to ask at").
		WithHint(shell.Join("ebpfdev", "new", complete.Name, "--template", complete.Template, "--kind", complete.Kind))
}

// nameError asks the scaffolder what it thinks of a name, and looks whether its
// folder is in use.
func (o *newOptions) nameError(ctx context.Context, sc api.Scaffolder, list []api.Template) func(string) error {
	return func(name string) error {
		req := api.ScaffoldRequest{Name: name, Folder: name, Template: list[0].ID, Kind: list[0].Kinds[0].ID}
		if _, err := sc.Preview(ctx, req); err != nil {
			return err
		}
		return o.inUse(name)
	}
}

// inUse says why a project cannot go where it would with this name. Only what is
// plain to see counts: the scaffolder looks closer when it writes.
func (o *newOptions) inUse(name string) error {
	folder, err := o.projectFolder(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(folder)
	if err != nil {
		return nil //nolint:nilerr // it is not there, or the scaffolder says what is wrong
	}
	cause := "it exists and is not a folder"
	if info.IsDir() {
		files, err := os.ReadDir(folder)
		if err != nil || len(files) == 0 {
			return nil //nolint:nilerr // as above
		}
		cause = fmt.Sprintf("not empty: %q", files[0].Name())
		if len(files) > 1 {
			cause += " and more"
		}
	}
	return api.Errorf("create project", folder, api.ErrConflict, cause).WithHint(otherFolder)
}

func nameQuestion(validate func(string) error) prompt.Question {
	return prompt.Question{
		ID: "name", Title: "What is the project called?", Default: defaultName, Validate: validate,
		Help: "Letters, digits, - and _; it names the folder and what is loaded.",
	}
}

func templateQuestion(list []api.Template) prompt.Question {
	q := prompt.Question{ID: "template", Title: "Which framework?", Default: list[0].ID}
	for _, t := range list {
		q.Options = append(q.Options, prompt.Option{Value: t.ID, Title: t.Name, Help: t.Description})
	}
	return q
}

func kindQuestion(list []api.Template, id string) (prompt.Question, error) {
	var known []string
	for _, t := range list {
		known = append(known, t.ID)
		if t.ID != id || len(t.Kinds) == 0 {
			continue
		}
		q := prompt.Question{ID: "kind", Title: "Which kind of program?", Default: t.Kinds[0].ID}
		for _, k := range t.Kinds {
			q.Options = append(q.Options, prompt.Option{Value: k.ID, Title: k.Name, Help: k.Description})
		}
		return q, nil
	}
	err := api.Errorf("scaffold", "", api.ErrUsage, "no template is called "+id+"; there are "+strings.Join(known, ", "))
	if meant := near.Names(id, known, 1); len(meant) > 0 {
		return prompt.Question{}, err.WithHint(shell.Join("ebpfdev", "new", defaultName, "--template", meant[0], "--kind", list[0].Kinds[0].ID))
	}
	return prompt.Question{}, err.WithHint("ebpfdev templates list")
}

// review shows what would be written and the command that does the same, and
// asks how to go on.
func (o *newOptions) review(ctx context.Context, sc api.Scaffolder) error {
	pre, err := sc.Preview(ctx, o.req)
	if err != nil {
		return err
	}
	o.say("\n%d files in %s:", len(pre.Files), line(o.shown(o.req.Folder)))
	for _, file := range pre.Files {
		o.say("  %s", line(file))
	}
	if pre.Command != "" {
		o.say("The same without questions: %s", line(pre.Command))
	}
	ok, err := o.asker().Confirm(ctx, "Write them?", true)
	if err != nil {
		return err
	}
	if !ok {
		o.say("Nothing was written.")
		return exitError(1)
	}
	if !o.up {
		o.up, err = o.asker().Confirm(ctx, "Start the container too?", true)
	}
	return err
}

// completeTemplates offers template ids and kinds to shells.
func completeTemplates(cmd *cobra.Command, f *factory) {
	register := func(flag string, values func([]api.Template) []string) {
		_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			sc, err := f.scaffolder()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			list, err := sc.Templates(cmd.Context())
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return values(list), cobra.ShellCompDirectiveNoFileComp
		})
	}
	register("template", func(list []api.Template) (out []string) {
		for _, t := range list {
			out = append(out, t.ID+"\t"+t.Description)
		}
		return out
	})
	register("kind", func(list []api.Template) (out []string) {
		for _, t := range list {
			for _, k := range t.Kinds {
				out = append(out, k.ID+"\t"+k.Description)
			}
		}
		return out
	})
}
