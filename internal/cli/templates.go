package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/output"
)

type templatesOptions struct {
	*factory
	output output.Choice
}

func newCmdTemplates(f *factory) *cobra.Command {
	return newNoun("templates", "What new projects can be made of", newCmdTemplatesList(f))
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
	sc, err := opts.scaffolder()
	if err != nil {
		return err
	}
	list, err := sc.Templates(ctx)
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
			from := k.MinKernel
			if from != "" {
				from += "+"
			}
			t.Row(tmpl.ID, k.ID, from, k.Description)
		}
	}
	return opts.table(t, "There are no templates.")
}
