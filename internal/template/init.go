package template

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// containerFolder is the only folder that Init writes.
const containerFolder = ".devcontainer"

// initialised reports whether a template's file is one of those that Init writes.
func initialised(name string) bool { return strings.HasPrefix(name, containerFolder+"/") }

// Init implements api.Scaffolder.
func (c *Catalogue) Init(ctx context.Context, req api.InitRequest) (api.InitResult, error) {
	folder, err := checkFolder(req.Folder)
	if err != nil {
		return api.InitResult{}, err
	}
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return api.InitResult{}, api.Errorf("set up", folder, api.ErrNotExist, "there is no such folder").
			WithHint("ebpfdev new " + shell.Quote(path.Base(folder)) + " --template ebpf-go --kind tracepoint")
	}
	if err != nil {
		return api.InitResult{}, writeError("set up", folder, err)
	}
	defer root.Close()
	res := api.InitResult{Folder: folder}
	if res.Template, err = c.recognise(root.FS(), folder, req.Template); err != nil {
		return res, err
	}
	config, err := devcontainer.Find(root.FS())
	switch {
	case errors.Is(err, api.ErrNotExist):
		res.Written, err = c.addContainer(ctx, root, folder, res.Template, req.Options)
	case err == nil:
		err = addSettings(root, config, &res)
	}
	if err != nil && ctx.Err() != nil {
		return res, ctx.Err()
	}
	return res, writeError("set up", folder, err)
}

// recognise returns the template whose framework the folder's project has.
func (c *Catalogue) recognise(fsys fs.FS, folder, asked string) (string, error) {
	known := c.ids()
	if asked != "" {
		if _, ok := c.frameworks[asked]; !ok {
			return "", api.Errorf("set up", folder, api.ErrUsage,
				fmt.Sprintf("unknown template %q; there is %s", asked, strings.Join(known, ", "))).
				WithHint("ebpfdev init --template " + nearest(asked, known))
		}
		return asked, nil
	}
	found, err := project.Detect(fsys)
	if err != nil {
		return "", api.E("set up", folder, "", err)
	}
	if _, ok := c.frameworks[string(found.Framework)]; !ok {
		return "", api.Errorf("set up", folder, api.ErrUsage,
			"no eBPF project is recognised there; --template says which framework it is for: "+strings.Join(known, ", ")).
			WithHint("ebpfdev init --template " + nearest("", known))
	}
	return string(found.Framework), nil
}

// addContainer writes the framework's dev container: the whole folder or nothing.
func (c *Catalogue) addContainer(ctx context.Context, root *os.Root, folder, template string, o api.ContainerOptions) ([]string, error) {
	files, err := c.render(ctx, api.ScaffoldRequest{Name: project.Name(folder), Template: template, Options: o})
	if err != nil {
		return nil, err
	}
	written := paths(files)
	for i := range files {
		files[i].path = strings.TrimPrefix(files[i].path, containerFolder+"/")
	}
	return written, place(ctx, root, containerFolder, files)
}

// addSettings adds customizations.ebpfdev to a devcontainer.json that is there.
func addSettings(root *os.Root, config string, res *api.InitResult) error {
	data, err := root.ReadFile(config)
	if err != nil {
		return err
	}
	file, err := devcontainer.Parse(config, data)
	if err != nil {
		return err
	}
	res.Lacks = file.Lacks()
	changed, err := devcontainer.Customize(config, data, "ebpfdev", project.Settings{Framework: project.Framework(res.Template)})
	if errors.Is(err, api.ErrConflict) {
		return nil // they are there
	}
	if err != nil {
		return err
	}
	res.Changed = config
	return replace(root, config, changed)
}

// replace gives a file that is there another content, in one step; its mode and
// owner stay.
func replace(root *os.Root, name string, data []byte) error {
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	owner, err := ownerOf(root, info)
	if err != nil {
		return err
	}
	temp := path.Join(path.Dir(name), "."+path.Base(name)+".ebpfdev-"+rand.Text())
	err = writeFile(root, file{path: temp, data: data, mode: info.Mode().Perm()})
	if err == nil {
		err = owner.give(root, temp)
	}
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temp))
	}
	return nil
}
