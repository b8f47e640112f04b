package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/bzimage"
	"github.com/ebpfdev/ebpfdev/internal/kernel/deb"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
)

// stagePrefix begins the names of folders in which a kernel is put together.
const stagePrefix = ".fetch-"

// stageAge is how old such a folder is when whoever made it is surely gone.
const stageAge = 24 * time.Hour

var sha256hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Fetch gets a kernel unless it is here.
func (s *Store) Fetch(ctx context.Context, req api.KernelRequest, fn func(api.Progress) error) (api.KernelImage, error) {
	v, err := debian.ParseVersion(req.Version)
	if err != nil {
		return api.KernelImage{}, err
	}
	req.SHA256 = strings.ToLower(req.SHA256)
	if req.SHA256 != "" && !sha256hex.MatchString(req.SHA256) {
		return api.KernelImage{}, api.Errorf("fetch kernel", req.Version, api.ErrUsage, "a SHA-256 has 64 hexadecimal digits").
			WithHint("ebpfdev kernel list -o json")
	}
	archive, err := s.opts.Archive(req.Mirror)
	if err != nil {
		return api.KernelImage{}, err
	}
	f := &fetch{store: s, archive: archive, version: v, sha256: req.SHA256, fn: fn}
	if have, ok := s.same(v, req.SHA256); ok {
		return have, f.skip(have.Package)
	}
	k, err := f.run(ctx)
	if errors.Is(err, api.ErrUnreachable) && req.Mirror == "" {
		err = api.E("fetch kernel", req.Version, "", err).WithHint("ebpfdev kernel fetch " + req.Version + " --mirror https://deb.debian.org/debian")
	}
	return k, err
}

// same returns the kernel here that is the very one that is asked for: by its
// release or by its digest. A series may have a newer one elsewhere.
func (s *Store) same(v debian.Version, sha256 string) (api.KernelImage, bool) {
	found, err := s.matching(string(v))
	if err != nil {
		return api.KernelImage{}, false
	}
	for _, k := range found {
		if k.SHA256 == sha256 || (sha256 == "" && k.Release == string(v)) {
			return k, true
		}
	}
	return api.KernelImage{}, false
}

// fetch is one kernel on its way into the store.
type fetch struct {
	store   *Store
	archive *debian.Archive
	version debian.Version
	sha256  string
	fn      func(api.Progress) error
}

// run takes the pinned package, or the newest that a signed index has when there
// is no pin or the archive no longer has its package.
func (f *fetch) run(ctx context.Context) (api.KernelImage, error) {
	pin, ok := f.archive.Pinned(f.version, f.sha256)
	if ok {
		k, err := f.get(ctx, pin)
		if !errors.Is(err, api.ErrNotExist) {
			return k, err
		}
		err = f.tell("archive", "Get "+pin.Image.Name, api.StepWarning,
			"its digest is built in, but no mirror has it any more; looking for the newest of its series")
		if err != nil {
			return api.KernelImage{}, err
		}
	}
	found, err := f.archive.Find(ctx, f.version, f.sha256, f.fn)
	if err != nil {
		return api.KernelImage{}, err
	}
	err = f.tell("archive", "Get "+found.Image.Name, api.StepWarning,
		"its digest is not built in but from Debian's signed index; to get this one again: "+
			"ebpfdev kernel fetch "+found.Release()+"@sha256:"+found.Image.SHA256)
	if err != nil {
		return api.KernelImage{}, err
	}
	return f.get(ctx, found)
}

func (f *fetch) tell(step, title string, state api.StepState, line string) error {
	return f.fn(api.Progress{Time: f.store.opts.Now(), Step: step + " " + string(f.version), Title: title, State: state, Line: line})
}

// skip says that there is nothing to do.
func (f *fetch) skip(name string) error {
	return f.tell("download", "Download "+name, api.StepSkipped, "it is here")
}

// get puts one kernel into the store, unless it is there.
func (f *fetch) get(ctx context.Context, k debian.Kernel) (api.KernelImage, error) {
	if have, err := f.store.read(k.Release()); err == nil && have.SHA256 == k.Image.SHA256 {
		return have, f.skip(have.Package)
	}
	stage, err := f.store.stage()
	if err != nil {
		return api.KernelImage{}, diskError("fetch kernel", string(f.version), err)
	}
	image, err := f.fill(ctx, k, stage)
	if err == nil {
		err = f.store.place(stage, image)
	}
	if rerr := os.RemoveAll(stage); err == nil {
		err = rerr
	}
	if err != nil {
		return api.KernelImage{}, err
	}
	return image, nil
}

// fill downloads and unpacks a kernel into a folder, and returns it as it will be
// once it is in place.
func (f *fetch) fill(ctx context.Context, k debian.Kernel, stage string) (api.KernelImage, error) {
	want := deb.Image | deb.Config
	if k.Config != nil {
		want = deb.Image
	}
	image := describe(k)
	held, source, err := f.part(ctx, k.Archive, k.Image, stage, want)
	if err != nil {
		return api.KernelImage{}, err
	}
	if k.Config != nil {
		second, _, err := f.part(ctx, k.Archive, *k.Config, stage, deb.Config)
		if err != nil {
			return api.KernelImage{}, err
		}
		held.Config = second.Config
	}
	if len(held.Image) == 0 || held.Release != image.Release {
		return api.KernelImage{}, api.Errorf("read package", k.Image.Name, api.ErrInvalid,
			fmt.Sprintf("it has no kernel of the release %s", image.Release))
	}
	const title = "Unpack the kernel"
	if err := f.tell("unpack", title, api.StepStarted, ""); err != nil {
		return api.KernelImage{}, err
	}
	vmlinux, err := bzimage.Vmlinux(held.Image)
	if err != nil {
		return api.KernelImage{}, api.E("unpack kernel", image.Release, api.ErrInvalid, err)
	}
	sum := sha256.Sum256(vmlinux)
	image.Source, image.Size, image.VmlinuxSHA256, image.FetchedAt = source, int64(len(vmlinux)), hex.EncodeToString(sum[:]), f.store.opts.Now().UTC()
	if err := write(stage, image, vmlinux, held.Config); err != nil {
		return api.KernelImage{}, diskError("write kernel", image.Release, err)
	}
	image.Vmlinux = filepath.Join(f.store.opts.Dir, image.Release, fileVmlinux)
	if len(held.Config) > 0 {
		image.Config = filepath.Join(f.store.opts.Dir, image.Release, fileConfig)
	}
	return image, f.tell("unpack", title, api.StepDone, "")
}

// part downloads a package and takes out of it what is wanted. It is read only
// once its digest is known to be right.
func (f *fetch) part(ctx context.Context, archive string, p debian.Package, stage string, want deb.Part) (deb.Kernel, string, error) {
	file, err := os.Create(filepath.Join(stage, "package.deb"))
	if err != nil {
		return deb.Kernel{}, "", diskError("download", p.Name, err)
	}
	defer func() {
		file.Close()
		os.Remove(file.Name())
	}()
	title := "Download " + p.Name
	tell := func(p api.Progress) error {
		p.Time, p.Step, p.Title, p.Unit = f.store.opts.Now(), title, title, "bytes"
		return f.fn(p)
	}
	if err := tell(api.Progress{State: api.StepStarted, Total: p.Size}); err != nil {
		return deb.Kernel{}, "", err
	}
	again := func() error {
		_, err := file.Seek(0, io.SeekStart)
		return errors.Join(err, file.Truncate(0))
	}
	source, err := f.archive.Download(ctx, archive, p, file, again, func(done, total int64) error {
		return tell(api.Progress{State: api.StepRunning, Done: done, Total: total})
	})
	if err != nil {
		return deb.Kernel{}, "", f.failed(err, p.Name, tell)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return deb.Kernel{}, "", diskError("read package", p.Name, err)
	}
	k, err := deb.ReadKernel(file, want)
	if err != nil {
		return deb.Kernel{}, "", api.E("read package", p.Name, api.ErrInvalid, err)
	}
	return k, source, tell(api.Progress{State: api.StepDone, Done: p.Size, Total: p.Size})
}

// failed reports a download that came to nothing. One whose file is gone is no
// failure yet: the index may know another.
func (f *fetch) failed(err error, name string, tell func(api.Progress) error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		err = diskError("download", name, err)
	}
	end := api.Progress{State: api.StepFailed, Line: err.Error()}
	if errors.Is(err, api.ErrNotExist) {
		end = api.Progress{State: api.StepSkipped, Line: "the archive does not have it"}
	}
	if terr := tell(end); terr != nil {
		return terr
	}
	return err
}

// write writes a kernel's files; the record is the last.
func write(dir string, image api.KernelImage, vmlinux, config []byte) error {
	if err := writeSparse(filepath.Join(dir, fileVmlinux), vmlinux); err != nil {
		return err
	}
	if len(config) > 0 {
		if err := os.WriteFile(filepath.Join(dir, fileConfig), config, 0o644); err != nil {
			return err
		}
	}
	record, err := json.MarshalIndent(image, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, fileRecord), append(record, '\n'), 0o644)
}

// stage makes a folder beside the kernels, and removes those that killed
// processes left.
func (s *Store) stage() (string, error) {
	if err := os.MkdirAll(s.opts.Dir, 0o755); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), stagePrefix) && s.opts.Now().Sub(info.ModTime()) > stageAge {
			_ = os.RemoveAll(filepath.Join(s.opts.Dir, e.Name()))
		}
	}
	return os.MkdirTemp(s.opts.Dir, stagePrefix)
}

// place renames a folder to a kernel's name. Whoever comes second with the same
// kernel leaves the first one's; another package of that name is replaced.
func (s *Store) place(stage string, image api.KernelImage) error {
	release := image.Release
	if err := os.Chmod(stage, 0o755); err != nil {
		return diskError("write kernel", release, err)
	}
	to := filepath.Join(s.opts.Dir, release)
	err := os.Rename(stage, to)
	for try := 0; err != nil && try < 10; try++ {
		if have, rerr := s.read(release); rerr == nil && have.SHA256 == image.SHA256 {
			return nil
		}
		if err = s.discard(release); err == nil || errors.Is(err, os.ErrNotExist) {
			err = os.Rename(stage, to)
		}
	}
	if err != nil {
		return diskError("write kernel", release, err)
	}
	return nil
}
