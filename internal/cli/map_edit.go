package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

type editOptions struct {
	*factory
	which  string
	edit   api.Edit
	expect string
	dryRun bool
	output output.Choice
}

func newCmdMapSet(f *factory) *cobra.Command {
	opts := &editOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "set MAP KEY VALUE|FIELD=VALUE...",
		Short: "Insert or overwrite an entry, or some fields of it",
		Long: `Insert or overwrite an entry. Keys and values are written as "map dump" shows
them: a number, a quoted string, an address, JSON for structs, or hex: and bytes.
FIELD=VALUE changes some fields and leaves the rest as it is. The key of storage is
the number of a process, the path of a cgroup or a file, or PID/FD for a socket.
At a terminal the change is shown first; elsewhere --yes is needed.`,
		Example: `  ebpfdev map set limits 443 1000
  ebpfdev map set limits 443 burst=20 rate.per_second=5
  ebpfdev map set flows '{"saddr": "10.0.0.1", "port": 80}' hex:01000000 --yes
  ebpfdev map set limits 443 2000 --expect-old 1000 --yes   only if it is still 1000`,
		Annotations: exits("5 the entry is no longer what --expect-old says"),
		Args:        atLeast("MAP", "KEY", "VALUE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which = args[0]
			opts.edit = api.Edit{Op: api.EditSet, Key: args[1]}
			if opts.edit.Fields = assignments(args[2:]); opts.edit.Fields == nil {
				if len(args) > 3 {
					return usage(cmd, fmt.Sprintf("unexpected argument %q", args[3]))
				}
				opts.edit.Value = args[2]
			}
			return runMapEdit(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

// assignments returns arguments that are all of the form field=value, else nil.
func assignments(args []string) []string {
	for _, arg := range args {
		field, _, ok := strings.Cut(arg, "=")
		if !ok || strings.Trim(field, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]") != "" || field == "" {
			return nil
		}
	}
	return args
}

// atLeast accepts the named arguments and more of the last.
func atLeast(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > len(names) {
			args = args[:len(names)]
		}
		return exactArgs(names...)(cmd, args)
	}
}

func newCmdMapDelete(f *factory) *cobra.Command {
	opts := &editOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "delete MAP KEY",
		Short: "Remove an entry",
		Example: `  ebpfdev map delete limits 443 --dry-run
  ebpfdev map delete limits 443 --yes`,
		Annotations: exits("1 there is no such entry", "5 the entry is no longer what --expect-old says"),
		Args:        exactArgs("MAP", "KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which = args[0]
			opts.edit = api.Edit{Op: api.EditDelete, Key: args[1]}
			return runMapEdit(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *editOptions) addFlags(cmd *cobra.Command) {
	const usage = "change it only if its value is still `VALUE`"
	cmd.Flags().StringVar(&o.expect, "expect-old", "", usage)
	cmd.Flags().StringVar(&o.expect, "expect", "", usage)
	_ = cmd.Flags().MarkHidden("expect")
	o.addPreview(cmd)
}

// addPreview adds the flags of all edits.
func (o *editOptions) addPreview(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, change nothing")
	addOutput(cmd, &o.output, output.FormatTable, output.FormatJSON)
}

func runMapEdit(ctx context.Context, opts *editOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		if opts.expect != "" {
			if opts.edit.Expect, err = opts.expected(ctx, s, m); err != nil {
				return err
			}
		}
		req := api.EditRequest{Map: api.MapRef{ID: m.ID}, Edits: []api.Edit{opts.edit}, DryRun: true}
		if opts.dryRun || !opts.yes {
			res, err := s.EditMap(ctx, req)
			if err != nil {
				return err
			}
			if opts.dryRun {
				return opts.write(res)
			}
			if err := opts.approve(ctx, res, &req.Edits[0]); err != nil {
				return err
			}
		}
		req.DryRun = false
		res, err := s.EditMap(ctx, req)
		if err != nil {
			return err
		}
		return opts.write(res)
	})
}

// expected returns the bytes of --expect-old, written as bytes that spaces separate
// or as any other value: then the target, which knows the type, encodes it.
func (o *editOptions) expected(ctx context.Context, s api.Session, m api.Map) (*api.Hex, error) {
	var want api.Hex
	if strings.Contains(o.expect, " ") && want.UnmarshalText([]byte(o.expect)) == nil {
		return &want, nil
	}
	res, err := s.EditMap(ctx, api.EditRequest{
		Map: api.MapRef{ID: m.ID}, DryRun: true,
		Edits: []api.Edit{{Op: api.EditSet, Key: o.edit.Key, Value: o.expect}},
	})
	if err != nil {
		return nil, api.E("read --expect-old", "", api.ErrUsage, err)
	}
	if len(res.Changes) == 0 || res.Changes[0].After == nil {
		return nil, api.Errorf("read --expect-old", "", api.ErrFailed, "the target did not encode it")
	}
	return &res.Changes[0].After.Raw, nil
}

// approve shows the change and asks. What was shown is what may be overwritten:
// the edit expects the value that the person saw.
func (o *editOptions) approve(ctx context.Context, res api.EditResult, edit *api.Edit) error {
	for _, c := range res.Changes {
		o.say("%s", changeLine(output.Palette(o.io.ErrColor()), c))
		if edit.Expect == nil && c.Before != nil && edit.Op != api.EditPop {
			edit.Expect = &c.Before.Raw
		}
	}
	return o.confirm(ctx, "change map", "Change map "+o.which+"?", o.command())
}

// command is the command line that does it without a question.
func (o *editOptions) command() string {
	words := []string{"ebpfdev", "map", string(o.edit.Op), o.which}
	switch o.edit.Op {
	case api.EditSet:
		words = append(words, o.edit.Key)
		if words = append(words, o.edit.Fields...); o.edit.Fields == nil {
			words = append(words, o.edit.Value)
		}
	case api.EditDelete:
		words = append(words, o.edit.Key)
	case api.EditPush:
		words = append(words, o.edit.Value)
	}
	return shell.Join(append(words, "--yes")...)
}

func (o *editOptions) write(res api.EditResult) error {
	if o.output.Format == output.FormatJSON {
		return output.JSON(o.io.Out, res)
	}
	for _, c := range res.Changes {
		if _, err := fmt.Fprintln(o.io.Out, changeLine(o.out(), c)); err != nil {
			return err
		}
	}
	return nil
}

// changeLine writes "key: before -> after".
func changeLine(p output.Palette, c api.Change) string {
	if c.Key.Text == "" && len(c.Key.Raw) == 0 {
		return keylessLine(p, c)
	}
	before, after := p.Paint(output.Dim, "nothing"), p.Paint(output.Red, "deleted")
	if c.Before != nil {
		before = line(c.Before.Text)
	}
	if c.After != nil {
		after = p.Paint(output.Green, line(c.After.Text))
	}
	return line(c.Key.Text) + ": " + before + " -> " + after
}

// keylessLine writes what is pushed or popped.
func keylessLine(p output.Palette, c api.Change) string {
	if c.After != nil {
		return "pushed " + p.Paint(output.Green, line(c.After.Text))
	}
	if c.Before != nil {
		return line(c.Before.Text)
	}
	return "nothing"
}
