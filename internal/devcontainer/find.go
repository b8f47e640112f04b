package devcontainer

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Find returns the path of a workspace folder's configuration, relative to it
// and with slashes: .devcontainer/devcontainer.json, else .devcontainer.json,
// else the only .devcontainer/NAME/devcontainer.json.
//
// Errors: ErrNotExist when there is none, ErrUsage when several are in
// subfolders and none may be preferred.
func Find(folder fs.FS) (string, error) {
	for _, name := range []string{".devcontainer/devcontainer.json", ".devcontainer.json"} {
		info, err := fs.Stat(folder, name)
		switch {
		case err == nil && info.Mode().IsRegular():
			return name, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !notDirectory(err):
			return "", api.E("read", name, api.ErrPermission, err)
		}
	}
	matches, err := fs.Glob(folder, ".devcontainer/*/devcontainer.json")
	if err != nil {
		return "", api.E("find", "devcontainer.json", api.ErrFailed, err)
	}
	switch len(matches) {
	case 0:
		return "", api.Errorf("find", "devcontainer.json", api.ErrNotExist,
			"the folder has no .devcontainer/devcontainer.json").WithHint("ebpfdev new my-probe --template ebpf-go --kind tracepoint")
	case 1:
		return path.Clean(matches[0]), nil
	default:
		return "", several(matches)
	}
}

// several says which configurations there are, and how one becomes the only one.
func several(matches []string) error {
	var away []string
	for _, name := range matches[1:] {
		away = append(away, "mv "+shell.Quote(name)+" "+shell.Quote(name+".off"))
	}
	return api.Errorf("find", "devcontainer.json", api.ErrUsage, "there are several: "+strings.Join(matches, ", ")+
		"; ebpfdev takes .devcontainer/devcontainer.json, or the only one in a folder there; to choose the first, rename the others").
		WithHint(strings.Join(away, " && "))
}

// notDirectory reports whether a path failed because a parent is a file.
func notDirectory(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr) && strings.Contains(pathErr.Err.Error(), "not a directory")
}
