package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Kind is what a pin holds, and the name of the folder it is in.
type Kind string

// The kinds of pins.
const (
	Programs Kind = "programs"
	Maps     Kind = "maps"
	Links    Kind = "links"
)

// removal is the order in which pins are taken away: what uses before what is
// used, so that no program runs half dismantled.
func removal() []Kind { return []Kind{Links, Programs, Maps} }

const recordDir = "ids"

// Identity is what proves that a pin still holds what we put there.
type Identity struct {
	ID  uint32
	Tag string // of programs
}

func (i Identity) String() string {
	return strings.TrimRight(fmt.Sprintf("%d %s", i.ID, i.Tag), " ")
}

// Pin is one pin of ours.
type Pin struct {
	Path    string
	Project string
	Kind    Kind
	Name    string // in the object
	folder  string // below the store's root, that it or its record is in
	outside bool   // the path is the person's choice
}

// Pinner can be pinned: programs, maps and links of cilium/ebpf.
type Pinner interface{ Pin(path string) error }

// Store is the part of a BPF file system that is ours.
type Store struct {
	bpffs string
	root  string
}

// New returns the store of a BPF file system, which need not be mounted yet.
func New(bpffs string) *Store {
	return &Store{bpffs: bpffs, root: filepath.Join(bpffs, "ebpfdev")}
}

// CheckFS makes sure that the store really is on a BPF file system: a plain
// folder of that name would take the calls and pin nothing.
// Errors: ErrEnvironment.
func (s *Store) CheckFS() error {
	if Is(s.bpffs) {
		return nil
	}
	cause := "no BPF file system is mounted there"
	if _, err := os.Stat(s.bpffs); err != nil {
		cause = errors.Unwrap(err).Error()
	}
	return api.Errorf("use", s.bpffs, api.ErrEnvironment, cause).
		WithHint(shell.Join("mount", "-t", "bpf", "bpf", s.bpffs))
}

// Is reports whether a BPF file system is mounted at path.
func Is(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && uint32(st.Type) == unix.BPF_FS_MAGIC
}

// Path returns where a pin of a project is.
func (s *Store) Path(project string, kind Kind, name string) string {
	return s.path(escape(project), kind, name)
}

func (s *Store) dir(folder string) string { return filepath.Join(s.root, folder) }

func (s *Store) path(folder string, kind Kind, name string) string {
	return filepath.Join(s.dir(folder), string(kind), escape(name))
}

func (s *Store) record(folder string, kind Kind, name string) string {
	return filepath.Join(s.dir(folder), recordDir, string(kind)+"-"+escape(name))
}

func (s *Store) recordOf(p Pin) string {
	if p.outside {
		return filepath.Join(s.dir(p.folder), recordDir, outsidePrefix+escape(p.Name))
	}
	return s.record(p.folder, p.Kind, p.Name)
}

// CheckFree fails with ErrConflict when a project has pins.
func (s *Store) CheckFree(project string) error {
	pins, err := s.List(project)
	if err == nil && len(pins) > 0 {
		err = conflict(project)
	}
	return err
}

// Create makes the folders of a project that has no pins, for root alone. The
// caller holds the lock.
// Errors: ErrUsage, ErrEnvironment, ErrConflict.
func (s *Store) Create(name string) error {
	if err := project.CheckName(name); err != nil {
		return err
	}
	if err := s.CheckFS(); err != nil {
		return err
	}
	if err := s.CheckFree(name); err != nil {
		return err
	}
	s.removeFolders(escape(name)) // and the records that a load left which was killed
	return s.makeFolders(escape(name))
}

func (s *Store) makeFolders(folder string) error {
	for _, sub := range []string{string(Programs), string(Maps), string(Links), recordDir} {
		if err := os.MkdirAll(filepath.Join(s.dir(folder), sub), 0o700); err != nil {
			return fsError("make folder", s.dir(folder), err)
		}
	}
	return nil
}

// Pin pins an object under a name and records what it is. The record comes
// first: what dies in between leaves a record without a pin, never a pin that
// nobody may remove. The caller holds the lock.
func (s *Store) Pin(project string, kind Kind, name string, what Pinner) (Pin, error) {
	return s.pin(project, escape(project), kind, name, what)
}

func (s *Store) pin(project, folder string, kind Kind, name string, what Pinner) (Pin, error) {
	p := Pin{Path: s.path(folder, kind, name), Project: project, Kind: kind, Name: name, folder: folder}
	id, err := Of(what)
	if err != nil {
		return p, fsError("pin", p.Path, err)
	}
	record := s.recordOf(p)
	if err := os.Symlink(id.String(), record); err != nil {
		return p, fsError("record pin", p.Path, err)
	}
	if err := what.Pin(p.Path); err != nil {
		_ = os.Remove(record)
		return p, fsError("pin", p.Path, err)
	}
	return p, nil
}

// List returns the pins of a project, or of all projects for "". A file system
// that is not there has none.
func (s *Store) List(project string) ([]Pin, error) {
	folders := []string{escape(project), escape(project) + staged, escape(project) + replaced}
	if project == "" {
		entries, err := os.ReadDir(s.root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fsError("list pins", s.root, err)
		}
		folders = folders[:0]
		for _, e := range entries {
			folders = append(folders, e.Name())
		}
	}
	return s.listFolders(folders...)
}

func (s *Store) listFolders(folders ...string) ([]Pin, error) {
	var pins []Pin
	for _, folder := range folders {
		for _, kind := range removal() {
			found, err := s.list(folder, kind)
			if err != nil {
				return nil, err
			}
			pins = append(pins, found...)
		}
		pins = append(pins, s.listOutside(folder)...)
	}
	return pins, nil
}

func (s *Store) list(folder string, kind Kind) ([]Pin, error) {
	dir := filepath.Join(s.dir(folder), string(kind))
	project := projectOf(folder)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fsError("list pins", dir, err)
	}
	pins := make([]Pin, 0, len(entries))
	for _, e := range entries {
		pins = append(pins, Pin{
			Path: filepath.Join(dir, e.Name()), Project: project, Kind: kind, Name: unescape(e.Name()), folder: folder,
		})
	}
	return pins, nil
}

func fsError(op, path string, err error) error {
	kind := api.ErrFailed
	switch {
	case errors.Is(err, fs.ErrPermission):
		kind = api.ErrPermission
	case errors.Is(err, fs.ErrExist):
		kind = api.ErrConflict
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EROFS):
		kind = api.ErrEnvironment
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return api.E(op, path, kind, err)
}
