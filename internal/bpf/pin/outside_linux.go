package pin

import (
	"os"
	"path/filepath"
	"strings"
)

// What tells of a pin of a map at a path that a person chose:
//
//	ids/at-NAME   a symbolic link to "ID at PATH"
const (
	outsidePrefix    = "at-"
	outsideSeparator = " at "
)

// PinAt pins a map of a project at a path of the person's choice, where nothing is,
// and records it: it is removed with the project. The caller holds the lock.
// Errors: ErrConflict (something is there), ErrNotExist, ErrPermission.
func (s *Store) PinAt(project string, stagedToo bool, name, path string, what Pinner) (Pin, error) {
	p := s.outside(project, stagedToo, name, path)
	if err := s.recordOutside(p, what); err != nil {
		return p, err
	}
	if err := what.Pin(path); err != nil {
		_ = os.Remove(s.recordOf(p))
		return p, fsError("pin", path, err)
	}
	return p, nil
}

// KeepAt records again, for the pins that are staged, a pin that PinAt made for
// those that they replace; false when it was not made by that.
func (s *Store) KeepAt(project, name, path string, what Pinner) (Pin, bool, error) {
	for _, p := range s.listOutside(escape(project)) {
		if why, err := s.foreign(p); p.Path == path && err == nil && why == "" {
			kept := s.outside(project, true, name, path)
			return kept, true, s.recordOutside(kept, what)
		}
	}
	return Pin{}, false, nil
}

func (s *Store) outside(project string, stagedToo bool, name, path string) Pin {
	folder := escape(project)
	if stagedToo {
		folder += staged
	}
	return Pin{Path: path, Project: project, Kind: Maps, Name: name, folder: folder, outside: true}
}

func (s *Store) recordOutside(p Pin, what Pinner) error {
	id, err := Of(what)
	if err != nil {
		return fsError("pin", p.Path, err)
	}
	if err := os.Symlink(id.String()+outsideSeparator+p.Path, s.recordOf(p)); err != nil {
		return fsError("record pin", p.Path, err)
	}
	return nil
}

// Forget removes the record of a pin, and lets the pin be.
func (s *Store) Forget(p Pin) { _ = os.Remove(s.recordOf(p)) }

// listOutside returns the pins of a folder that are elsewhere.
func (s *Store) listOutside(folder string) []Pin {
	dir := filepath.Join(s.dir(folder), recordDir)
	records, _ := os.ReadDir(dir)
	var pins []Pin
	for _, r := range records {
		name, ok := strings.CutPrefix(r.Name(), outsidePrefix)
		if !ok {
			continue
		}
		text, err := os.Readlink(filepath.Join(dir, r.Name()))
		if _, path, ok := strings.Cut(text, outsideSeparator); ok && err == nil {
			pins = append(pins, Pin{
				Path: path, Project: projectOf(folder), Kind: Maps, Name: unescape(name), folder: folder, outside: true,
			})
		}
	}
	return pins
}

// Outside reports whether a pin is at a path that a person chose.
func (p Pin) Outside() bool { return p.outside }
