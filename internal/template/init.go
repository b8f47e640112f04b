package template

import (
	"context"
	"crypto/rand"
	"encoding/json"
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
		err = c.addContainer(ctx, root, req.Options, &res)
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
		like, err := project.Guess(fsys)
		if err != nil {
			return "", api.E("set up", folder, "", err)
		}
		return "", api.Errorf("set up", folder, api.ErrUsage, "no eBPF project is recognised there: it has none of "+
			strings.Join(project.Signs(), ", ")+"; --template says what it is to be").
			WithHint("ebpfdev init --template " + string(like))
	}
	return string(found.Framework), nil
}

// addContainer writes the framework's dev container: the whole folder or nothing.
func (c *Catalogue) addContainer(ctx context.Context, root *os.Root, o api.ContainerOptions, res *api.InitResult) error {
	files, err := c.render(ctx, api.ScaffoldRequest{Name: project.Name(res.Folder), Template: res.Template, Options: o})
	if err != nil {
		return err
	}
	told, err := suggest(root, res, project.Settings{})
	if err != nil {
		return err
	}
	written := paths(files)
	for i := range files {
		if files[i].path == containerFolder+"/devcontainer.json" {
			if files[i].data, err = extend(files[i], told); err != nil {
				return err
			}
		}
		files[i].path = strings.TrimPrefix(files[i].path, containerFolder+"/")
	}
	if err := place(ctx, root, containerFolder, files); err != nil {
		return err
	}
	res.Written = written
	return nil
}

// suggest asks the project's files for settings that are not given, and writes
// down which there are and which are left open.
func suggest(root *os.Root, res *api.InitResult, given project.Settings) (project.Settings, error) {
	told, open, err := project.Suggest(root.FS(), project.Framework(res.Template), given)
	if len(told.Attach) > 0 {
		res.Told = append(res.Told, project.Member("attach", told.Attach))
	}
	if len(told.Run) > 0 {
		res.Told = append(res.Told, project.Member("run", told.Run))
	}
	res.Open = open
	return told, err
}

// extend adds settings to those that a rendered devcontainer.json has.
func extend(f file, told project.Settings) (data []byte, err error) {
	data = f.data
	if len(told.Attach) > 0 {
		data, err = devcontainer.Extend(f.path, data, "ebpfdev", "attach", told.Attach)
	}
	if err == nil && len(told.Run) > 0 {
		data, err = devcontainer.Extend(f.path, data, "ebpfdev", "run", told.Run)
	}
	return data, err
}

// addSettings adds customizations.ebpfdev to a devcontainer.json that is there.
func addSettings(root *os.Root, config string, res *api.InitResult) error {
	data, err := root.ReadFile(config)
	if err != nil {
		return err
	}
	file, err := devcontainer.Parse(config, data)
	if err != nil {
		return api.E("", "", "", err).WithHint(editor(res.Folder, config, err))
	}
	res.Lacks = file.Lacks()
	settings, err := suggest(root, res, given(file))
	if err != nil {
		return err
	}
	settings.Framework = project.Framework(res.Template)
	changed, err := devcontainer.Customize(config, data, "ebpfdev", settings)
	if errors.Is(err, api.ErrConflict) { // they are there
		res.Open = append(res.Open, unset(settings)...)
		res.Told = nil
		return nil
	}
	if err != nil {
		return err
	}
	res.Changed = config
	return replace(root, config, changed)
}

// given returns the settings that a devcontainer.json has.
func given(file *devcontainer.File) project.Settings {
	var settings project.Settings
	customizations, _ := file.Raw["customizations"].(map[string]any)
	text, err := json.Marshal(customizations["ebpfdev"])
	if err != nil || json.Unmarshal(text, &settings) != nil {
		return project.Settings{} // whoever reads it says what is wrong
	}
	return settings
}

// unset are settings that somebody's own lack, whom nothing is written for.
func unset(told project.Settings) []api.OpenSetting {
	var open []api.OpenSetting
	if len(told.Attach) > 0 {
		open = append(open, api.OpenSetting{Name: "attach", Reason: "the Makefile says where its program is attached", Example: project.Member("attach", told.Attach)})
	}
	if len(told.Run) > 0 {
		open = append(open, api.OpenSetting{Name: "run", Reason: "the Makefile says how its program is run", Example: project.Member("run", told.Run)})
	}
	return open
}

// editor opens a file that cannot be read, at the line that the error names.
func editor(folder, name string, err error) string {
	command := "${EDITOR:-vi} "
	var e *api.Error
	if errors.As(err, &e) {
		if position, ok := strings.CutPrefix(e.Object, name+":"); ok {
			line, _, _ := strings.Cut(position, ":")
			command += "+" + line + " "
		}
	}
	return command + shell.Quote(path.Join(folder, name))
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
