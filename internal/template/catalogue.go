package template

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// sharedName is the folder of what every framework's projects have.
const sharedName = "shared"

// devcontainerPath is where a scaffold has its dev container's description.
const devcontainerPath = ".devcontainer/devcontainer.json"

// Catalogue holds the templates of a file tree. It implements api.Scaffolder
// and is safe for concurrent use.
type Catalogue struct {
	fsys       fs.FS
	shared     manifest // of the files that every project has
	frameworks map[string]framework
}

var _ api.Scaffolder = (*Catalogue)(nil)

// framework is a folder of the tree.
type framework struct {
	manifest
	kinds map[string]manifest
}

// New reads the manifests of a file tree; the package comment has its layout.
func New(fsys fs.FS) (*Catalogue, error) {
	c := &Catalogue{fsys: fsys, frameworks: map[string]framework{}}
	ids, err := folders(fsys, ".")
	if err != nil {
		return nil, api.E("read templates", "", api.ErrInvalid, err)
	}
	for _, id := range ids {
		if id == sharedName {
			if c.shared, err = readManifest(fsys, path.Join(id, manifestName)); err != nil {
				return nil, api.E("read templates", id, api.ErrInvalid, err)
			}
			continue
		}
		f, err := readFramework(fsys, id)
		if err != nil {
			return nil, api.E("read template", id, api.ErrInvalid, err)
		}
		c.frameworks[id] = f
	}
	return c, nil
}

// readFramework reads a framework's manifest and those of its kinds.
func readFramework(fsys fs.FS, id string) (framework, error) {
	f := framework{kinds: map[string]manifest{}}
	var err error
	if f.manifest, err = readManifest(fsys, path.Join(id, manifestName)); err != nil {
		return f, err
	}
	kinds, err := folders(fsys, path.Join(id, "kinds"))
	if err != nil {
		return f, err
	}
	if len(kinds) == 0 {
		return f, fmt.Errorf("no kinds")
	}
	for _, kind := range kinds {
		if f.kinds[kind], err = readManifest(fsys, path.Join(id, "kinds", kind, manifestName)); err != nil {
			return f, err
		}
	}
	return f, nil
}

// folders returns the names of the folders in dir, sorted.
func folders(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// ids returns the frameworks' ids, sorted, after those that are to be first.
func (c *Catalogue) ids() []string {
	ids := slices.Sorted(maps.Keys(c.frameworks))
	slices.SortStableFunc(ids, func(a, b string) int {
		switch first := c.frameworks[a].First; {
		case first == c.frameworks[b].First:
			return 0
		case first:
			return -1
		default:
			return 1
		}
	})
	return ids
}

// Templates returns what Scaffold can write, the usual one first, then by id.
func (c *Catalogue) Templates(ctx context.Context) ([]api.Template, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list := make([]api.Template, 0, len(c.frameworks))
	for _, id := range c.ids() {
		f := c.frameworks[id]
		t := api.Template{ID: id, Name: f.Name, Description: f.Description, ImageSize: f.ImageSize}
		for _, kind := range slices.Sorted(maps.Keys(f.kinds)) {
			k := f.kinds[kind]
			tk := api.TemplateKind{ID: kind, Name: k.Name, Description: k.Description, MinKernel: k.MinKernel, Check: k.Check}
			for _, o := range slices.Concat(f.Options, k.Options) {
				tk.Options = append(tk.Options, o.TemplateOption)
			}
			t.Kinds = append(t.Kinds, tk)
		}
		list = append(list, t)
	}
	return list, nil
}

// Preview returns what Scaffold would write, without writing.
func (c *Catalogue) Preview(ctx context.Context, req api.ScaffoldRequest) (api.Preview, error) {
	files, err := c.plan(ctx, req)
	if err != nil {
		return api.Preview{}, err
	}
	p := api.Preview{Files: paths(files), Command: command(req)}
	for _, f := range files {
		if f.path == devcontainerPath {
			p.Devcontainer = string(f.data)
		}
	}
	return p, nil
}

// command returns the command line that makes the same request.
func command(req api.ScaffoldRequest) string {
	args := []string{"ebpfdev", "new", req.Name, "--template", req.Template, "--kind", req.Kind}
	for _, f := range flags(req.Options) {
		if f.set {
			args = append(args, "--"+f.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(req.Values)) {
		args = append(args, "--option", name+"="+req.Values[name])
	}
	if folder, err := filepath.Abs(req.Folder); req.Folder != "" && err == nil {
		// Left out when it is where the command puts a project anyway.
		if usual, err := filepath.Abs(req.Name); err != nil || usual != folder {
			args = append(args, "--workspace-folder", req.Folder)
		}
	}
	return shell.Join(args...)
}

// flag is a container option by the name that flags and @if lines give it.
type flag struct {
	name string
	set  bool
}

// flags lists all container options.
func flags(o api.ContainerOptions) []flag {
	return []flag{
		{"least-privilege", o.LeastPrivilege},
		{"private-pid", o.PrivatePID},
		{"host-network", o.HostNetwork},
	}
}
