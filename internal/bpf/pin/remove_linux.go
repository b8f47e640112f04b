package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/project"
)

// Remove takes away the pins of a project that still hold what was put there,
// links first, and then the folders if nothing is left in them. The caller
// holds the lock.
func (s *Store) Remove(name string) (api.UnloadResult, error) {
	if err := project.CheckName(name); err != nil {
		return api.UnloadResult{}, err
	}
	pins, err := s.List(name)
	if err != nil {
		return api.UnloadResult{}, err
	}
	s.detach(pins)
	return s.RemovePins(name, pins)
}

// RemoveSome takes away pins of any projects, and what they attach.
func (s *Store) RemoveSome(pins []Pin) (api.UnloadResult, error) {
	s.detach(pins)
	var res api.UnloadResult
	for _, p := range pins {
		one, err := s.RemovePins(p.Project, []Pin{p})
		res.Removed, res.Kept = append(res.Removed, one.Removed...), append(res.Kept, one.Kept...)
		if err != nil {
			return res, err
		}
	}
	return res, nil
}

// detach ends the attachments among pins at once (Linux 5.9). The kernel ends one a
// moment after its last pin has gone as well, but then who attaches next may come
// too early.
func (s *Store) detach(pins []Pin) {
	for _, p := range pins {
		if p.Kind != Links {
			continue
		}
		if why, err := s.foreign(p); err != nil || why != "" {
			continue
		}
		if l, err := link.LoadPinnedLink(p.Path, nil); err == nil {
			_ = l.Detach()
			_ = l.Close()
		}
	}
}

// Drop takes away the pins of a project as Remove does, but lets those live whom
// the caller has open.
func (s *Store) Drop(project string) (api.UnloadResult, error) {
	pins, err := s.List(project)
	if err != nil {
		return api.UnloadResult{}, err
	}
	return s.RemovePins(project, pins)
}

// RemovePins takes away some pins of a project, in the order given, and then
// its folders if nothing is left in them. The caller holds the lock.
func (s *Store) RemovePins(project string, pins []Pin) (api.UnloadResult, error) {
	var res api.UnloadResult
	var firstErr error
	for _, p := range pins {
		why, err := s.removePin(p)
		switch {
		case err != nil && firstErr == nil:
			firstErr = err
		case why != "":
			res.Kept = append(res.Kept, p.Path+": "+why)
		case err == nil:
			res.Removed = append(res.Removed, p.Path)
		}
	}
	for _, folder := range []string{escape(project), escape(project) + staged, escape(project) + replaced} {
		s.removeFolders(folder)
	}
	return res, firstErr
}

// removePin removes one pin, or says why it stays.
func (s *Store) removePin(p Pin) (kept string, _ error) {
	why, err := s.foreign(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Forget(p)
		return "", nil // gone meanwhile
	case err != nil || why != "":
		return why, err
	}
	if err := os.Remove(p.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fsError("unpin", p.Path, err)
	}
	_ = os.Remove(s.recordOf(p))
	return "", nil
}

// foreign says why a pin is not ours; "" when it is.
func (s *Store) foreign(p Pin) (why string, _ error) {
	want, err := os.Readlink(s.recordOf(p))
	want, _, _ = strings.Cut(want, outsideSeparator)
	if err != nil {
		return "it was not pinned by ebpfdev", nil //nolint:nilerr // that is what it means
	}
	got, err := Identify(p.Kind, p.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", err
	case err != nil:
		return "", fsError("open pin", p.Path, err)
	case got.String() != want:
		return "it holds " + got.String() + " now, not " + want, nil
	}
	return "", nil
}

// removeFolders removes the records that have no pin any more and the folders
// that are empty. What is in use stays; that is no error.
func (s *Store) removeFolders(folder string) {
	dir := s.dir(folder)
	for _, kind := range removal() {
		if os.Remove(filepath.Join(dir, string(kind))) == nil {
			s.removeRecords(folder, kind)
		}
	}
	_ = os.Remove(filepath.Join(dir, recordDir))
	_ = os.Remove(dir)
}

// removeRecords removes what a load that was killed between record and pin left.
func (s *Store) removeRecords(folder string, kind Kind) {
	dir := filepath.Join(s.dir(folder), recordDir)
	records, _ := os.ReadDir(dir)
	for _, r := range records {
		if strings.HasPrefix(r.Name(), string(kind)+"-") {
			_ = os.Remove(filepath.Join(dir, r.Name()))
		}
	}
}

// Identify opens a pin and tells what it holds.
func Identify(kind Kind, path string) (Identity, error) {
	ro := &ebpf.LoadPinOptions{ReadOnly: true}
	switch kind {
	case Programs:
		p, err := ebpf.LoadPinnedProgram(path, ro)
		if err != nil {
			return Identity{}, err
		}
		defer p.Close()
		return OfProgram(p)
	case Maps:
		m, err := ebpf.LoadPinnedMap(path, ro)
		if err != nil {
			return Identity{}, err
		}
		defer m.Close()
		return OfMap(m)
	default:
		l, err := link.LoadPinnedLink(path, nil)
		if err != nil {
			return Identity{}, err
		}
		defer l.Close()
		return OfLink(l)
	}
}

// Of returns the identity of a program, a map or a link.
func Of(what any) (Identity, error) {
	switch o := what.(type) {
	case *ebpf.Program:
		return OfProgram(o)
	case *ebpf.Map:
		return OfMap(o)
	case Linker:
		return OfLink(o)
	default:
		return Identity{}, fmt.Errorf("%T is no object of the kernel", what)
	}
}

// OfProgram returns a program's identity.
func OfProgram(p *ebpf.Program) (Identity, error) {
	info, err := p.Info()
	if err != nil {
		return Identity{}, err
	}
	id, _ := info.ID()
	return Identity{ID: uint32(id), Tag: info.Tag}, nil
}

// OfMap returns a map's identity.
func OfMap(m *ebpf.Map) (Identity, error) {
	info, err := m.Info()
	if err != nil {
		return Identity{}, err
	}
	id, _ := info.ID()
	return Identity{ID: uint32(id)}, nil
}

// Linker is a link of cilium/ebpf, or what stands for one.
type Linker interface{ Info() (*link.Info, error) }

// OfLink returns a link's identity.
func OfLink(l Linker) (Identity, error) {
	info, err := l.Info()
	if err != nil {
		return Identity{}, err
	}
	return Identity{ID: uint32(info.ID)}, nil
}
