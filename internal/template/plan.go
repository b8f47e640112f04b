package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
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
	return c.render(ctx, req)
}

// render renders all files of a request, sorted by path. Without a kind they are
// those of a project that is there already, for Init to choose from.
func (c *Catalogue) render(ctx context.Context, req api.ScaffoldRequest) ([]file, error) {
	f, k := c.frameworks[req.Template], c.frameworks[req.Template].kinds[req.Kind]
	dirs := []string{path.Join(sharedName, "files"), path.Join(req.Template, "base")}
	sections := []string{req.Template, sharedName}
	if req.Kind != "" {
		kind := path.Join(req.Template, "kinds", req.Kind)
		dirs, sections = append(dirs, path.Join(kind, "files")), append([]string{kind}, sections...)
	}
	files := map[string]file{}
	for _, dir := range dirs {
		if err := c.collect(ctx, dir, files); err != nil {
			return nil, err
		}
	}
	render := slices.Concat(c.shared.Render, f.Render, k.Render)
	executable := slices.Concat(c.shared.Executable, f.Executable, k.Executable)
	if req.Kind == "" {
		maps.DeleteFunc(files, func(name string, _ file) bool { return !initialised(name) })
		foreign := func(name string) bool { return !initialised(name) }
		render, executable = slices.DeleteFunc(render, foreign), slices.DeleteFunc(executable, foreign)
	}
	r := renderer{values: values(req, f.manifest, k), conditions: conditions(req, f), include: c.sections(sections...)}
	slices.Sort(render)
	if err := apply(files, slices.Compact(render), executable, r); err != nil {
		return nil, api.E("render template", path.Join(req.Template, req.Kind), api.ErrInvalid, err)
	}
	return sorted(files), nil
}

// conditions is what @if lines ask for.
func conditions(req api.ScaffoldRequest, f framework) map[string]bool {
	c := map[string]bool{"init": req.Kind == ""}
	for kind := range f.kinds {
		c[kind] = kind == req.Kind
	}
	for _, flag := range flags(req.Options) {
		c[flag.name] = flag.set
	}
	return c
}

// values is what placeholders stand for.
func values(req api.ScaffoldRequest, f, k manifest) map[string]string {
	v := map[string]string{"name": req.Name, "kind": req.Kind, "image_size": f.ImageSize, "map": k.Check.Map}
	maps.Copy(v, f.Values)
	maps.Copy(v, k.Values)
	for _, o := range slices.Concat(f.Options, k.Options) {
		v[o.Name] = o.Default
	}
	maps.Copy(v, req.Values)
	return v
}

// sections returns a reader of the sections in the folders: the first that has
// one of that name counts.
func (c *Catalogue) sections(folders ...string) func(name string) (string, error) {
	return func(name string) (string, error) {
		for _, dir := range folders {
			text, err := fs.ReadFile(c.fsys, path.Join(dir, "sections", name))
			if !errors.Is(err, fs.ErrNotExist) {
				return string(text), err
			}
		}
		return "", fmt.Errorf("no section %s in %s", name, strings.Join(folders, ", "))
	}
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
