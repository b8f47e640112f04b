package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// The modes of scaffolded files, before the umask.
const (
	modeFile       fs.FileMode = 0o644
	modeExecutable fs.FileMode = 0o755
	modeFolder     fs.FileMode = 0o755
)

// projectName is what a project may be called: a word for Go modules, file
// names and pins alike.
var projectName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// deviceName matches what Windows keeps for devices: no folder there, and no Go
// module anywhere, can have such a name.
var deviceName = regexp.MustCompile(`(?i)^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$`)

// file is one file of a project.
type file struct {
	path string // slash-separated, below the project's folder
	data []byte
	mode fs.FileMode
}

// paths returns the files' paths.
func paths(files []file) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.path
	}
	return names
}

// plan checks the request and renders all its files, sorted by path.
func (c *Catalogue) plan(ctx context.Context, req api.ScaffoldRequest) ([]file, error) {
	if err := c.check(req); err != nil {
		return nil, err
	}
	f, k := c.frameworks[req.Template], c.frameworks[req.Template].kinds[req.Kind]
	kindDir := path.Join(req.Template, "kinds", req.Kind)
	files := map[string]file{}
	for _, dir := range []string{path.Join(req.Template, "base"), path.Join(kindDir, "files")} {
		if err := c.collect(ctx, dir, files); err != nil {
			return nil, err
		}
	}
	r := renderer{
		values:     map[string]string{"name": req.Name, "kind": req.Kind},
		conditions: map[string]bool{},
		include: func(name string) (string, error) {
			text, err := fs.ReadFile(c.fsys, path.Join(kindDir, "sections", name))
			return string(text), err
		},
	}
	maps.Copy(r.values, f.Values)
	maps.Copy(r.values, k.Values)
	for kind := range f.kinds {
		r.conditions[kind] = kind == req.Kind
	}
	for _, o := range options(req.Options) {
		r.conditions[o.name] = o.set
	}
	if err := apply(files, slices.Concat(f.Render, k.Render), slices.Concat(f.Executable, k.Executable), r); err != nil {
		return nil, api.E("render template", req.Template+"/"+req.Kind, api.ErrInvalid, err)
	}
	return sorted(files), nil
}

// apply renders and marks the files that the manifests name.
func apply(files map[string]file, render, executable []string, r renderer) error {
	for _, name := range render {
		f, ok := files[name]
		if !ok {
			return fmt.Errorf("%s: to render, but not there", name)
		}
		text, err := r.render(string(f.data))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f.data = []byte(text)
		files[name] = f
	}
	for _, name := range executable {
		f, ok := files[name]
		if !ok {
			return fmt.Errorf("%s: executable, but not there", name)
		}
		f.mode = modeExecutable
		files[name] = f
	}
	return nil
}

// collect adds all files below dir.
func (c *Catalogue) collect(ctx context.Context, dir string, files map[string]file) error {
	err := fs.WalkDir(c.fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == dir {
			return nil // a kind may have no files of its own
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s: not a regular file", name)
		}
		data, err := fs.ReadFile(c.fsys, name)
		if err != nil {
			return err
		}
		rel := strings.TrimSuffix(strings.TrimPrefix(name, dir+"/"), ".template")
		files[rel] = file{path: rel, data: data, mode: modeFile}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return api.E("read template", dir, api.ErrInvalid, err)
	}
	return err
}

// sorted returns the files sorted by path.
func sorted(files map[string]file) []file {
	list := make([]file, 0, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, files[name])
	}
	return list
}

// check validates everything of a request but its folder.
func (c *Catalogue) check(req api.ScaffoldRequest) error {
	if !projectName.MatchString(req.Name) {
		return api.Errorf("create project", fmt.Sprintf("%q", req.Name), api.ErrUsage,
			"a name has letters, digits, '-' and '_', begins with a letter and is at most 64 long").
			WithHint("ebpfdev new my-probe --template ebpf-go --kind tracepoint")
	}
	if deviceName.MatchString(req.Name) {
		return api.Errorf("create project", req.Name, api.ErrUsage, "Windows keeps the name for a device").
			WithHint("ebpfdev new " + req.Name + "-probe --template ebpf-go --kind tracepoint")
	}
	f, ok := c.frameworks[req.Template]
	if !ok {
		known := slices.Sorted(maps.Keys(c.frameworks))
		return api.Errorf("create project", req.Name, api.ErrUsage,
			fmt.Sprintf("unknown template %q; there is %s", req.Template, strings.Join(known, ", "))).
			WithHint(c.suggestion(req.Name, known))
	}
	if _, ok := f.kinds[req.Kind]; !ok {
		known := slices.Sorted(maps.Keys(f.kinds))
		return api.Errorf("create project", req.Name, api.ErrUsage,
			fmt.Sprintf("template %s has no kind %q; it has %s", req.Template, req.Kind, strings.Join(known, ", "))).
			WithHint(c.suggestion(req.Name, []string{req.Template}))
	}
	if slices.ContainsFunc(f.ReservedNames, func(n string) bool { return strings.EqualFold(n, req.Name) }) {
		return api.Errorf("create project", req.Name, api.ErrUsage, "the name means something else to the framework's tools").
			WithHint(command(api.ScaffoldRequest{Name: req.Name + "-probe", Template: req.Template, Kind: req.Kind}))
	}
	return nil
}

// suggestion returns a command that works, with the first of the templates.
func (c *Catalogue) suggestion(name string, templates []string) string {
	if len(templates) == 0 {
		return ""
	}
	kinds := slices.Sorted(maps.Keys(c.frameworks[templates[0]].kinds))
	return command(api.ScaffoldRequest{Name: name, Template: templates[0], Kind: kinds[0]})
}
