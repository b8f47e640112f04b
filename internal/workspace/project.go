package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	ebpf "github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// project is a workspace folder with its configuration, read once per request.
type project struct {
	folder string // absolute; symbolic links are kept, as the labels keep them
	config string // absolute path of devcontainer.json
	file   *devcontainer.File
	labels map[string]string
	id     string // ${devcontainerId}
	place  devcontainer.Place
	vars   devcontainer.Variables
}

// resolveFolder makes a folder absolute like the reference CLI: relative to the
// real path of the current directory, without resolving what was given.
func resolveFolder(folder string) (string, error) {
	if filepath.IsAbs(folder) {
		return filepath.Clean(folder), nil
	}
	cwd, err := os.Getwd()
	if err != nil {
		return "", api.E("find", "workspace folder", api.ErrEnvironment, err)
	}
	if real, err := filepath.EvalSymlinks(cwd); err == nil {
		cwd = real
	}
	return filepath.Join(cwd, folder), nil
}

// load reads a workspace's configuration.
func (w *Workspace) load(ctx context.Context, folder string) (*project, error) {
	folder, err := resolveFolder(folder)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() {
		return nil, api.Errorf("open", folder, api.ErrNotExist, "no such folder")
	}
	if strings.ContainsAny(folder, "\r\n") {
		return nil, api.Errorf("open", folder, api.ErrUsage, "its path has a line break, which a mount cannot have")
	}
	name, err := devcontainer.Find(os.DirFS(folder))
	if errors.Is(err, api.ErrNotExist) {
		return nil, api.Errorf("open workspace", folder, api.ErrNotExist, "it has no .devcontainer/devcontainer.json").
			WithHint(api.HintOf(err))
	}
	if err != nil {
		return nil, err
	}
	p := &project{folder: folder, config: filepath.Join(folder, filepath.FromSlash(name))}
	data, err := os.ReadFile(p.config)
	if err != nil {
		return nil, api.E("read", p.config, api.ErrPermission, err)
	}
	if p.file, err = devcontainer.Parse(p.config, data); err != nil {
		if errors.Is(err, api.ErrUsage) && api.HintOf(err) == "" {
			return nil, api.E("", "", "", err).WithHint("${EDITOR:-vi} " + shell.Quote(p.config))
		}
		return nil, err
	}
	p.vars = devcontainer.Variables{LocalFolder: folder, Env: w.opts.Env}
	consistency := ""
	if runtime.GOOS != "linux" {
		consistency = "cached"
	}
	if p.place, err = p.file.Place(folder, gitRoot(ctx, folder), consistency, p.vars); err != nil {
		return nil, err
	}
	p.vars.ContainerFolder = p.place.Folder
	p.identify(devcontainer.IDLabels(labelPath(folder), labelPath(p.config)))
	return p, nil
}

// identify sets the labels that the container has and what follows from them.
func (p *project) identify(labels map[string]string) {
	p.labels = labels
	p.id = devcontainer.ID(labels)
	p.vars.ID = p.id
}

// labelPath writes a path as labels have it: a drive letter is lower case.
func labelPath(path string) string {
	if runtime.GOOS == "windows" && len(path) > 1 && path[1] == ':' {
		return strings.ToLower(path[:1]) + path[1:]
	}
	return path
}

// gitRoot returns the root of the git work tree that folder is in, or folder.
// Git itself is asked, because it may refuse a tree that belongs to another
// user; where there is no git, the reference mounts the folder alone too.
func gitRoot(ctx context.Context, folder string) string {
	found := false
	for dir := folder; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			found = true
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if !found {
		return folder
	}
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "--show-cdup")
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		return folder
	}
	return filepath.Join(folder, strings.TrimSpace(string(out)))
}

// name is the project's name: what loads are called by.
func (p *project) name() string { return ebpf.Name(p.folder) }

// settings returns customizations.ebpfdev.
func (p *project) settings() (ebpf.Settings, error) {
	var settings ebpf.Settings
	customizations, _ := p.file.Raw["customizations"].(map[string]any)
	text, err := json.Marshal(customizations["ebpfdev"])
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		return settings, api.E("read customizations.ebpfdev in", p.config, api.ErrUsage, err)
	}
	return settings, nil
}

// framework names what the project is written with: as its settings say, else
// as its files do.
func (p *project) framework() string {
	if settings, err := p.settings(); err == nil && settings.Framework != "" {
		return string(settings.Framework)
	}
	found, err := ebpf.Detect(os.DirFS(p.folder))
	if err != nil || found.Framework == ebpf.Unknown {
		return ""
	}
	return string(found.Framework)
}
