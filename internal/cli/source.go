package cli

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// sources turns the names that compilers gave source files into paths below the
// project's folder, which an editor can open on this side.
type sources struct {
	folder string // on this side
	dir    string // the same folder on the side that builds
}

func (f *factory) sources(s api.Session) sources {
	folder, _ := f.workspaceFolder() // without one names stay as they are
	return sources{folder: folder, dir: s.Info().Dir}
}

// path returns a source file's path in the project. The compiler may have run
// in the project's folder or in the object's; a name that is found in neither
// stays as it is.
func (s sources) path(file string, obj api.Object) string {
	if file == "" || s.folder == "" {
		return file
	}
	inside, below := strings.CutPrefix(file, s.dir+"/")
	if path.IsAbs(file) && !below {
		return file
	}
	inside = path.Clean(inside)
	for _, name := range []string{inside, path.Join(path.Dir(filepath.ToSlash(obj.Path)), inside)} {
		if !filepath.IsLocal(name) {
			continue
		}
		if info, err := os.Stat(filepath.Join(s.folder, name)); err == nil && info.Mode().IsRegular() {
			return name
		}
	}
	return file
}

// line shortens the paths that a tool's message begins with.
func (s sources) line(text string) string {
	if s.dir == "" || s.dir == "/" {
		return text
	}
	for _, prefix := range []string{"", "In file included from ", "                 from "} {
		if rest, ok := strings.CutPrefix(text, prefix+s.dir+"/"); ok {
			return prefix + rest
		}
	}
	return text
}

// inReport names the sources of an object's refused programs.
func (s sources) inReport(res api.VerifyResult, obj api.Object) {
	for i := range res.Programs {
		res.Programs[i].File = s.path(res.Programs[i].File, obj)
	}
}

// inError names the source of the program that an error is about.
func (s sources) inError(err error, obj api.Object) error {
	var refused *api.VerifierError
	if errors.As(err, &refused) {
		refused.File = s.path(refused.File, obj)
	}
	return err
}
