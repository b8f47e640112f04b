package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

func newCmdMapSave(f *factory) *cobra.Command {
	var where string
	cmd := &cobra.Command{
		Use:   "save ID|NAME FILE",
		Short: "Write a map's entries into a file",
		Long: `Write a map's entries into a file that "map restore" and "map diff" read: a line of
JSON for the map, and one for each entry, as "map dump -o ndjson" writes them.
FILE is "-" for the standard output. The file is there when all of it is.`,
		Example: "  ebpfdev map save limits limits.ndjson",
		Args:    exactArgs("ID|NAME", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runMapSave(cmd.Context(), f, args[0], args[1], where)
		},
	}
	cmd.Flags().StringVar(&where, "where", "", "only entries for which `EXPR` is true, or that hold a text")
	return cmd
}

func runMapSave(ctx context.Context, f *factory, which, path, where string) error {
	return f.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, which)
		if err != nil {
			return err
		}
		if path == "-" {
			_, err := saveTo(ctx, f.io.Out, s, m, where)
			return err
		}
		temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
		if err != nil {
			return api.E("save map", m.Name, api.ErrEnvironment, err)
		}
		defer os.Remove(temp.Name())
		res, err := saveTo(ctx, temp, s, m, where)
		if cerr := temp.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = os.Rename(temp.Name(), path)
		}
		if err != nil {
			return api.E("save map", m.Name, "", err)
		}
		f.say("Saved %d entries of %s to %s.", res.Matched, line(m.Name), line(path))
		return nil
	})
}

// saveTo writes a map and its entries.
func saveTo(ctx context.Context, w io.Writer, s api.Session, m api.Map, where string) (api.ExportResult, error) {
	if err := output.JSONLine(w, savedMap{m}); err != nil {
		return api.ExportResult{}, err
	}
	req := api.ExportRequest{Map: api.MapRef{ID: m.ID}, Where: where, Format: api.ExportNDJSON}
	res, err := s.ExportMap(ctx, req, func(c api.Chunk) error { return output.JSONText(w, c.Text) })
	if err == nil && res.Incomplete {
		err = api.Errorf("save map", m.Name, api.ErrFailed, "it changes faster than it can be read")
	}
	return res, err
}

type restoreOptions struct {
	*factory
	which, path string
	replace     bool
	dryRun      bool
}

func newCmdMapRestore(f *factory) *cobra.Command {
	opts := &restoreOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "restore ID|NAME FILE",
		Short: "Write the entries of a file into a map",
		Long: `Write the entries of a file that "map save" wrote into a map whose keys and values have
the same sizes. Entries that the file has not stay, unless --replace is given.`,
		Example: `  ebpfdev map restore limits limits.ndjson --dry-run
  ebpfdev map restore limits limits.ndjson --replace --yes`,
		Annotations: exits("5 the map's keys or values have other sizes than the file's"),
		Args:        exactArgs("ID|NAME", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.which, opts.path = args[0], args[1]
			return runMapRestore(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.replace, "replace", false, "delete the entries that the file has not")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "say what would change, change nothing")
	return cmd
}

func runMapRestore(ctx context.Context, opts *restoreOptions) error {
	return opts.withSession(ctx, func(s api.Session) error {
		m, err := findMap(ctx, s, opts.which)
		if err != nil {
			return err
		}
		saved, err := openSaved(opts.path)
		if err != nil {
			return err
		}
		defer saved.Close()
		if err := saved.fits(m); err != nil {
			return err
		}
		edits, same, err := opts.edits(ctx, s, m, saved)
		if err != nil {
			return err
		}
		deletes := 0
		for _, e := range edits {
			if e.Op == api.EditDelete {
				deletes++
			}
		}
		opts.say("To set: %d, to delete: %d, already so: %d.", len(edits)-deletes, deletes, same)
		if opts.dryRun || len(edits) == 0 {
			return nil
		}
		words := []string{"ebpfdev", "map", "restore", opts.which, opts.path}
		if opts.replace {
			words = append(words, "--replace")
		}
		if err := opts.confirm(ctx, "restore map", "Change map "+opts.which+"?", shell.Join(append(words, "--yes")...)); err != nil {
			return err
		}
		return restore(ctx, s, m, edits)
	})
}

// edits are what makes the map what the file is, and how many entries are already.
func (o *restoreOptions) edits(ctx context.Context, s api.Session, m api.Map, saved *saved) ([]api.Edit, int, error) {
	entries, err := saved.all()
	if err != nil {
		return nil, 0, err
	}
	now, err := snapshot(ctx, s, m, "")
	if err != nil {
		return nil, 0, err
	}
	there, same := index(now), 0
	var edits []api.Edit
	if o.replace {
		wanted := index(entries)
		for _, e := range now {
			if _, ok := wanted[string(e.Key.Raw)]; !ok {
				edits = append(edits, api.Edit{Op: api.EditDelete, Key: "hex:" + e.Key.Raw.String()})
			}
		}
	}
	for _, e := range entries {
		if old, ok := there[string(e.Key.Raw)]; ok && sameValue(old, e) {
			same++
			continue
		}
		edits = append(edits, api.Edit{Op: api.EditSet, Key: "hex:" + e.Key.Raw.String(), Value: rawValue(e)})
	}
	return edits, same, nil
}

// rawValue is a value as an edit takes it, of all CPUs where each has one.
func rawValue(e api.Entry) string {
	if len(e.PerCPU) == 0 {
		return "hex:" + e.Value.Raw.String()
	}
	text := "["
	for i, d := range e.PerCPU {
		if i > 0 {
			text += ", "
		}
		text += "hex:" + d.Raw.String()
	}
	return text + "]"
}

// restore makes the edits, some at a time.
func restore(ctx context.Context, s api.Session, m api.Map, edits []api.Edit) error {
	const atOnce = 1000
	for done := 0; done < len(edits); done += atOnce {
		part := edits[done:min(done+atOnce, len(edits))]
		res, err := s.EditMap(ctx, api.EditRequest{Map: api.MapRef{ID: m.ID}, Edits: part})
		if err != nil {
			return api.E("restore map", fmt.Sprintf("%s (%d of %d entries were changed)", m.Name, done+res.Applied, len(edits)), "", err)
		}
	}
	return nil
}
