package pin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// Ends of the folders that a project has while its pins are replaced; no escaped
// name has a '~'. A process that is killed meanwhile leaves them, and whatever
// lists or removes the project's pins finds them too.
const (
	staged   = "~new"
	replaced = "~old"
)

// projectOf returns the project that a folder of the store is of.
func projectOf(folder string) string {
	return unescape(strings.TrimSuffix(strings.TrimSuffix(folder, staged), replaced))
}

// Stage makes folders for the pins that are to replace those of a project. The
// caller holds the lock.
// Errors: ErrUsage, ErrEnvironment, ErrConflict (a pin of the project is not ours:
// it holds something else than what was put there).
func (s *Store) Stage(name string) error {
	if err := project.CheckName(name); err != nil {
		return err
	}
	if err := s.CheckFS(); err != nil {
		return err
	}
	folder := s.dir(escape(name))
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		_ = os.Rename(folder+replaced, folder) // a Commit was killed between its renames
	}
	left, err := s.listFolders(escape(name)+staged, escape(name)+replaced)
	if err != nil {
		return err
	}
	if _, err := s.RemovePins(name, left); err != nil {
		return err
	}
	pins, err := s.List(name)
	if err != nil {
		return err
	}
	for _, p := range pins {
		why, err := s.foreign(p)
		if err != nil {
			return err
		}
		if why != "" {
			return api.Errorf("replace", p.Path, api.ErrConflict, why).WithHint("ebpfdev unload")
		}
	}
	return s.makeFolders(escape(name) + staged)
}

// PinStaged pins as Pin does, in the folders that Stage made.
func (s *Store) PinStaged(project string, kind Kind, name string, what Pinner) (Pin, error) {
	return s.pin(project, escape(project)+staged, kind, name, what)
}

// Commit puts the pins that are staged in the place of the project's.
func (s *Store) Commit(project string) error {
	folder := s.dir(escape(project))
	if err := os.Rename(folder, folder+replaced); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fsError("replace", folder, err)
	}
	if err := os.Rename(folder+staged, folder); err != nil {
		_ = os.Rename(folder+replaced, folder)
		return fsError("replace", folder, err)
	}
	return nil
}

// Settle removes the pins that Commit replaced.
func (s *Store) Settle(project string) (api.UnloadResult, error) {
	pins, err := s.listFolders(escape(project) + replaced)
	if err != nil {
		return api.UnloadResult{}, err
	}
	current := s.listOutside(escape(project))
	pins = slices.DeleteFunc(pins, func(p Pin) bool {
		again := p.outside && slices.ContainsFunc(current, func(c Pin) bool { return c.Path == p.Path })
		if again {
			s.Forget(p)
		}
		return again
	})
	return s.RemovePins(project, pins)
}

// Committed returns where Commit moves a pin that is staged; other paths are the
// same after it.
func (s *Store) Committed(project, path string) string {
	folder := s.dir(escape(project))
	if rest, ok := strings.CutPrefix(path, folder+staged+"/"); ok {
		return filepath.Join(folder, rest)
	}
	return path
}
