package workspace

import (
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// lacking says where something is to be installed that a target lacks. The target
// names the command that would do it; in a container that would last only until
// this is made anew, so it goes into the Dockerfile.
func (s *projectSession) lacking(err error) error {
	what, ok := strings.CutPrefix(api.HintOf(err), "apt-get install -y ")
	if !ok || s.Info().Target != string(api.TargetContainer) {
		return err
	}
	e := api.E("", "", "", err)
	if s.dockerfile == "" {
		e.Cause += "; " + what + " is missing in the container, whose image is not built here: what is added lasts until it is made anew"
		return e.WithHint("ebpfdev exec --user root -- apt-get install -y " + what)
	}
	file := fromHere(s.dockerfile)
	e.Cause += "; " + what + " is missing in the container: add it to the packages in " + file
	return e.WithHint("${EDITOR:-vi} " + shell.Quote(file) + " && ebpfdev up --rebuild")
}

// dockerfile is what the image is built from; empty where it is not built, or
// variables are in the name.
func (p *project) dockerfile() string {
	name, _ := p.file.Raw["dockerFile"].(string)
	if build, ok := p.file.Raw["build"].(map[string]any); ok {
		if given, ok := build["dockerfile"].(string); ok {
			name = given
		}
	}
	if name == "" || strings.Contains(name, "${") {
		return ""
	}
	return filepath.Join(filepath.Dir(p.config), filepath.FromSlash(name))
}
