package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/deb"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/near"
)

// The files of a kernel.
const (
	fileVmlinux = "vmlinux"
	fileConfig  = "config"
	fileRecord  = "kernel.json"
)

// Options say where kernels are kept and where they come from.
type Options struct {
	Dir string // made when the first kernel is fetched
	// Archive opens the archive at a mirror's address; empty for the machine's own.
	Archive func(mirror string) (*debian.Archive, error)
	Now     func() time.Time // nil for time.Now
}

// Store implements api.Kernels.
type Store struct{ opts Options }

var _ api.Kernels = (*Store)(nil)

// New returns a store. Nothing is read or made.
func New(opts Options) *Store {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Store{opts}
}

// List returns the kernels that are here, and the pinned ones that are not.
func (s *Store) List(context.Context) ([]api.KernelEntry, error) {
	here, err := s.fetched()
	if err != nil {
		return nil, err
	}
	archive, err := s.opts.Archive("")
	if err != nil {
		return nil, err
	}
	var list []api.KernelEntry
	for _, k := range here {
		list = append(list, api.KernelEntry{KernelImage: k, Fetched: true})
	}
	for _, pin := range archive.Pins() {
		if !slices.ContainsFunc(here, func(k api.KernelImage) bool { return k.SHA256 == pin.Image.SHA256 }) {
			image := describe(pin)
			image.Size = pin.Image.Size
			list = append(list, api.KernelEntry{KernelImage: image})
		}
	}
	slices.SortFunc(list, func(a, b api.KernelEntry) int { return compare(a.KernelImage, b.KernelImage) })
	return list, nil
}

// Find returns the newest kernel here that a version stands for; see api.Kernels.
// Its files are there and have the sizes that were recorded.
// Errors: ErrUsage (no version), ErrNotExist.
func (s *Store) Find(version string) (api.KernelImage, error) {
	found, err := s.matching(version)
	if err != nil {
		return api.KernelImage{}, err
	}
	return found[len(found)-1], nil
}

// Remove removes one kernel.
func (s *Store) Remove(_ context.Context, version string) (api.KernelImage, error) {
	found, err := s.matching(version)
	if err != nil {
		return api.KernelImage{}, err
	}
	if len(found) > 1 {
		return api.KernelImage{}, api.Errorf("remove kernel", version, api.ErrConflict,
			"several are meant: "+strings.Join(releases(found), ", ")).WithHint("ebpfdev kernel rm " + found[0].Release)
	}
	if err := s.discard(found[0].Release); err != nil {
		return api.KernelImage{}, diskError("remove kernel", version, err)
	}
	return found[0], nil
}

// discard takes a kernel's folder away at once, then deletes it.
func (s *Store) discard(release string) error {
	aside, err := os.MkdirTemp(s.opts.Dir, stagePrefix)
	if err != nil {
		return err
	}
	err = os.Rename(filepath.Join(s.opts.Dir, release), filepath.Join(aside, release))
	return errors.Join(err, os.RemoveAll(aside))
}

// matching returns the kernels here that are meant, by version; never none.
func (s *Store) matching(version string) ([]api.KernelImage, error) {
	v, err := debian.ParseVersion(version)
	if err != nil {
		return nil, err
	}
	here, err := s.fetched()
	if err != nil {
		return nil, err
	}
	var found []api.KernelImage
	for _, k := range here {
		if v.Matches(deb.Upstream(k.PackageVersion), k.Release) {
			found = append(found, k)
		}
	}
	if len(found) == 0 {
		return nil, notHere(version, here)
	}
	return found, nil
}

// notHere says how to get a kernel, and which ones are here and near.
func notHere(version string, here []api.KernelImage) error {
	err := api.Errorf("find kernel", version, api.ErrNotExist, "it was not fetched").WithHint("ebpfdev kernel fetch " + version)
	var names []string
	for _, k := range here {
		names = append(names, k.Series, k.Release)
	}
	if meant := near.Names(version, names, 3); len(meant) > 0 {
		err.Cause += "; there is " + strings.Join(meant, ", ")
	}
	return err
}

func releases(kernels []api.KernelImage) []string {
	var names []string
	for _, k := range kernels {
		names = append(names, k.Release)
	}
	return names
}

// fetched returns the kernels that are here, by version. A folder that is not as
// its record says counts as not there: Fetch replaces it.
func (s *Store) fetched() ([]api.KernelImage, error) {
	entries, err := os.ReadDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskError("list kernels", s.opts.Dir, err)
	}
	var list []api.KernelImage
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !e.IsDir() {
			continue
		}
		if k, err := s.read(e.Name()); err == nil {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, compare)
	return list, nil
}

// read reads a kernel's record and holds its files against it. Paths are not
// believed: the cache may have been moved.
func (s *Store) read(release string) (api.KernelImage, error) {
	dir := filepath.Join(s.opts.Dir, release)
	data, err := os.ReadFile(filepath.Join(dir, fileRecord))
	if err != nil {
		return api.KernelImage{}, err
	}
	var k api.KernelImage
	if err := json.Unmarshal(data, &k); err != nil {
		return api.KernelImage{}, err
	}
	if k.Release != release {
		return api.KernelImage{}, fmt.Errorf("it is that of %q", k.Release)
	}
	k.Vmlinux = filepath.Join(dir, fileVmlinux)
	info, err := os.Stat(k.Vmlinux)
	if err != nil {
		return api.KernelImage{}, err
	}
	if info.Size() != k.Size {
		return api.KernelImage{}, fmt.Errorf("vmlinux has %d bytes instead of %d", info.Size(), k.Size)
	}
	k.Config = filepath.Join(dir, fileConfig)
	if _, err := os.Stat(k.Config); err != nil {
		k.Config = ""
	}
	return k, nil
}

// compare orders kernels by version; the cloud flavour is the last of equals.
func compare(a, b api.KernelImage) int {
	return cmp.Or(
		deb.CompareVersions(deb.Upstream(a.PackageVersion), deb.Upstream(b.PackageVersion)),
		cloud(a)-cloud(b),
		deb.CompareVersions(a.PackageVersion, b.PackageVersion),
		strings.Compare(a.Release, b.Release),
	)
}

func cloud(k api.KernelImage) int {
	if strings.Contains(k.Release, "-cloud-") {
		return 1
	}
	return 0
}

// describe returns what is known of a kernel before it is fetched.
func describe(k debian.Kernel) api.KernelImage {
	return api.KernelImage{
		Series: debian.Version(k.Upstream()).Series(), Release: k.Release(),
		Package: k.Image.Name, PackageVersion: k.Image.Version,
		Source: k.Image.Path, SHA256: k.Image.SHA256,
	}
}

// diskError is a cache that cannot be used.
func diskError(op, object string, err error) error {
	kind := api.ErrEnvironment
	if errors.Is(err, fs.ErrPermission) {
		kind = api.ErrPermission
	}
	return api.E(op, object, kind, err)
}
