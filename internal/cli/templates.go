package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/near"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

type templatesOptions struct {
	*factory
	output output.Choice
}

func newCmdTemplates(f *factory) *cobra.Command {
	return newNoun("templates", "What new projects can be made of", newCmdTemplatesList(f), newCmdTemplatesShow(f), newCmdTemplatesCheck(f))
}

func newCmdTemplatesList(f *factory) *cobra.Command {
	opts := &templatesOptions{factory: f}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List templates and the kinds of program they have",
		Example: "  ebpfdev templates list",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runTemplatesList(cmd.Context(), opts) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	return cmd
}

func runTemplatesList(ctx context.Context, opts *templatesOptions) error {
	_, list, err := opts.templates(ctx)
	if err != nil {
		return err
	}
	if opts.output.Format == output.FormatJSON {
		return writeList(opts.factory, output.FormatJSON, list)
	}
	t := output.NewTable(output.Column{Title: "TEMPLATE"}, output.Column{Title: "KIND"}, output.Column{Title: "KERNEL"},
		output.Column{Title: "WHAT IT SHOWS", Flex: true})
	for _, tmpl := range list {
		for _, k := range tmpl.Kinds {
			t.Row(tmpl.ID, k.ID, fromKernel(k), k.Description)
		}
	}
	return opts.table(t, "There are no templates.")
}

// templates returns the scaffolder and what it has.
func (f *factory) templates(ctx context.Context) (api.Scaffolder, []api.Template, error) {
	sc, err := f.scaffolder()
	if err != nil {
		return nil, nil, err
	}
	list, err := sc.Templates(ctx)
	return sc, list, err
}

func fromKernel(k api.TemplateKind) string {
	if k.MinKernel == "" {
		return ""
	}
	return k.MinKernel + "+"
}

func newCmdTemplatesShow(f *factory) *cobra.Command {
	opts := &templatesOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "show ID[/KIND]",
		Short: "Show what a template has: kinds, options, files",
		Example: `  ebpfdev templates show ebpf-go
  ebpfdev templates show ebpf-go/xdp -o json`,
		Annotations: exits("2 there is no such template"),
		Args:        exactArgs("ID"),
		RunE:        func(cmd *cobra.Command, args []string) error { return runTemplatesShow(cmd.Context(), opts, args[0]) },
	}
	addOutput(cmd, &opts.output, output.FormatTable, output.FormatJSON)
	completeTemplateIDs(cmd, f)
	return cmd
}

func runTemplatesShow(ctx context.Context, opts *templatesOptions, id string) error {
	sc, list, err := opts.templates(ctx)
	if err != nil {
		return err
	}
	picked, err := pickTemplates(list, []string{id})
	if err != nil {
		return err
	}
	tmpl := picked[0]
	if opts.output.Format == output.FormatJSON {
		return output.JSON(opts.io.Out, tmpl)
	}
	var fields output.Fields
	fields.Add("template", tmpl.ID)
	fields.Add("name", tmpl.Name)
	fields.Add("about", tmpl.Description)
	fields.Add("image", tmpl.ImageSize+" on disk, shared by all its projects")
	if err := fields.Write(opts.io.Out, opts.out()); err != nil {
		return err
	}
	for _, k := range tmpl.Kinds {
		if err := opts.showKind(ctx, sc, tmpl, k); err != nil {
			return err
		}
	}
	return nil
}

// showKind writes what is to be known of a kind before a project is made of it.
func (o *templatesOptions) showKind(ctx context.Context, sc api.Scaffolder, tmpl api.Template, k api.TemplateKind) error {
	pre, err := sc.Preview(ctx, api.ScaffoldRequest{Name: defaultName, Folder: defaultName, Template: tmpl.ID, Kind: k.ID})
	if err != nil {
		return err
	}
	var fields output.Fields
	fields.Add("about", k.Description)
	if k.MinKernel != "" {
		fields.Add("kernel", "Linux "+k.MinKernel+" or newer")
	}
	for _, opt := range k.Options {
		fields.Add("option", opt.Name+"="+opt.Default+": "+opt.Description)
	}
	fields.Add("files", strings.Join(pre.Files, " "))
	fields.Add("make one", pre.Command)
	fmt.Fprintf(o.io.Out, "\n%s\n", o.out().Paint(output.Bold, safe.Line(tmpl.ID+"/"+k.ID).String()))
	return fields.Write(o.io.Out, o.out())
}

// pickTemplates returns the templates that are named, each ID or ID/KIND, with
// the kinds that are meant; all of them when none is named.
func pickTemplates(list []api.Template, names []string) ([]api.Template, error) {
	if len(names) == 0 {
		return list, nil
	}
	var picked []api.Template
	for _, name := range names {
		found := false
		for _, tmpl := range list {
			if tmpl.ID == name {
				picked, found = append(picked, tmpl), true
			}
			for _, k := range tmpl.Kinds {
				if tmpl.ID+"/"+k.ID == name {
					one := tmpl
					one.Kinds = []api.TemplateKind{k}
					picked, found = append(picked, one), true
				}
			}
		}
		if !found {
			return nil, unknownTemplate(list, name)
		}
	}
	return picked, nil
}

// unknownTemplate says what there is, and what is near.
func unknownTemplate(list []api.Template, name string) error {
	known, hint := templateIDs(list), "ebpfdev templates list"
	cause := "there is none of that name"
	framework, kind, _ := strings.Cut(name, "/")
	for _, tmpl := range list {
		if tmpl.ID != framework {
			continue
		}
		known = nil
		var kinds []string
		for _, k := range tmpl.Kinds {
			kinds, known = append(kinds, k.ID), append(known, tmpl.ID+"/"+k.ID)
		}
		cause = fmt.Sprintf("%s has no kind %q; it has %s", tmpl.ID, kind, strings.Join(kinds, ", "))
		hint = "ebpfdev templates show " + tmpl.ID
	}
	if meant := near.Names(name, known, 1); len(meant) > 0 {
		hint = "ebpfdev templates show " + meant[0]
	}
	return api.Errorf("find template", name, api.ErrUsage, cause).WithHint(hint)
}

// templateIDs returns every ID and ID/KIND.
func templateIDs(list []api.Template) []string {
	var ids []string
	for _, tmpl := range list {
		ids = append(ids, tmpl.ID)
		for _, k := range tmpl.Kinds {
			ids = append(ids, tmpl.ID+"/"+k.ID)
		}
	}
	return ids
}

// completeTemplateIDs offers every ID and ID/KIND to shells.
func completeTemplateIDs(cmd *cobra.Command, f *factory) {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		_, list, err := f.templates(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return templateIDs(list), cobra.ShellCompDirectiveNoFileComp
	}
}
