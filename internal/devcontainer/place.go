package devcontainer

import (
	"path"
	"path/filepath"
	"strings"
)

// Place says where a workspace is in its container.
type Place struct {
	Folder string // the workspace folder in the container
	Mount  string // docker run --mount; empty for none
}

// Place returns where the workspace is mounted. folder is the workspace folder
// on the host, root what is mounted: the root of its git work tree, or the
// folder itself. consistency is for engines in a virtual machine.
func (f *File) Place(folder, root, consistency string, vars Variables) (Place, error) {
	inContainer := path.Join("/workspaces", filepath.Base(root))
	var p Place
	p.Folder, _ = f.Raw["workspaceFolder"].(string)
	if p.Folder == "" {
		relative, err := filepath.Rel(root, folder)
		if err != nil {
			relative = "."
		}
		p.Folder = path.Join(inContainer, filepath.ToSlash(relative))
	}
	vars.ContainerFolder = p.Folder
	mount, given := f.Raw["workspaceMount"].(string)
	if !given {
		mount = "type=bind," + field("source="+root) + "," + field("target="+inContainer)
		if consistency != "" {
			mount += ",consistency=" + consistency
		}
		p.Mount = mount
	}
	var err error
	if given {
		if p.Mount, err = SubstituteText(mount, vars); err != nil {
			return Place{}, err
		}
	}
	if p.Folder, err = SubstituteText(p.Folder, vars); err != nil {
		return Place{}, err
	}
	return p, nil
}

// field quotes a CSV field that holds a comma or a quote.
func field(text string) string {
	if !strings.ContainsAny(text, `,"`) {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
