package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debiantest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/store"
)

// fixture is a store on an archive of its own.
type fixture struct {
	*testing.T
	archive *debiantest.Archive
	pins    []debian.Kernel
	dir     string
	store   *store.Store
}

const (
	old    = "6.12.9+deb13-cloud-amd64"
	recent = "6.12.10+deb13-cloud-amd64"
	split  = "7.3.4+deb13-cloud-amd64"
)

// newFixture has two kernels of 6.12, the older one pinned, and one of 7.3 in two packages.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, archive: debiantest.New(t), dir: filepath.Join(t.TempDir(), "kernels")}
	a := f.archive
	oldPackage := a.AddPackage("debian", "linux-image-"+old, "6.12.9-1", bulky(t, old))
	recentPackage := a.AddPackage("debian", "linux-image-"+recent, "6.12.10-1", bulky(t, recent))
	a.Publish("debian", "trixie", []debian.Package{oldPackage, recentPackage})
	binary := a.AddPackage("debian", "linux-binary-"+split, "7.3.4-1", debiantest.Deb(t, "xz",
		debiantest.File{Name: "./usr/lib/modules/" + split + "/vmlinuz", Data: debiantest.BzImage(t, debiantest.ELF(split))}))
	base := a.AddPackage("debian", "linux-base-"+split, "7.3.4-1", debiantest.Deb(t, "xz",
		debiantest.File{Name: "./usr/lib/modules/" + split + "/config", Data: []byte("CONFIG_BPF=y\n")}))
	f.pins = []debian.Kernel{{Archive: "debian", Image: oldPackage}, {Archive: "debian", Image: binary, Config: &base}}
	f.store = f.open(a.Serve())
	return f
}

// bulky is a package of a size that a kernel has at least.
func bulky(t *testing.T, release string) []byte {
	t.Helper()
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 8)
	}
	return debiantest.Deb(t, "",
		debiantest.File{Name: "./boot/config-" + release, Data: []byte("CONFIG_BPF=y\n")},
		debiantest.File{Name: "./boot/vmlinuz-" + release, Data: debiantest.BzImage(t, debiantest.ELF(release))},
		debiantest.File{Name: "./lib/modules/" + release + "/x.ko", Data: noise})
}

// open opens a store in the fixture's folder on an archive at an address.
func (f *fixture) open(address string) *store.Store {
	return store.New(store.Options{Dir: f.dir, Archive: func(mirror string) (*debian.Archive, error) {
		if mirror == "" {
			mirror = address
		}
		m, err := debian.NewMirror(mirror)
		return debian.New(debian.Options{Mirrors: []debian.Mirror{m}, Keys: f.archive.Keys(), Pins: f.pins}), err
	}})
}

// fetch fetches a kernel and returns the lines that a person should know.
func (f *fixture) fetch(req api.KernelRequest) (api.KernelImage, []string, error) {
	f.Helper()
	var lines []string
	k, err := f.store.Fetch(f.Context(), req, func(p api.Progress) error {
		if p.State == api.StepWarning || p.State == api.StepSkipped {
			lines = append(lines, p.Title+": "+p.Line)
		}
		return nil
	})
	return k, lines, err
}

func (f *fixture) mustFetch(version string) api.KernelImage {
	f.Helper()
	k, _, err := f.fetch(api.KernelRequest{Version: version})
	if err != nil {
		f.Fatal(err)
	}
	return k
}

// files returns the names below the store's folder.
func (f *fixture) files() []string {
	f.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, "*", "*"))
	if err != nil {
		f.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(f.dir, ".*"))
	if err != nil {
		f.Fatal(err)
	}
	var list []string
	for _, name := range append(names, hidden...) {
		short, _ := filepath.Rel(f.dir, name)
		list = append(list, filepath.ToSlash(short))
	}
	slices.Sort(list)
	return list
}

func TestFetchPinned(t *testing.T) {
	f := newFixture(t)
	k, lines, err := f.fetch(api.KernelRequest{Version: "6.12"})
	if err != nil || len(lines) > 0 {
		t.Fatalf("%v, %q", err, lines)
	}
	if k.Series != "6.12" || k.Release != old || k.PackageVersion != "6.12.9-1" || k.SHA256 != f.pins[0].Image.SHA256 ||
		!strings.HasSuffix(k.Source, f.pins[0].Image.Path) || k.FetchedAt.IsZero() {
		t.Errorf("got %+v", k)
	}
	if data, err := os.ReadFile(k.Vmlinux); err != nil || !bytes.Equal(data, debiantest.ELF(old)) || int64(len(data)) != k.Size {
		t.Errorf("vmlinux has %d bytes of %d, %v", len(data), k.Size, err)
	}
	if data, err := os.ReadFile(k.Config); err != nil || string(data) != "CONFIG_BPF=y\n" {
		t.Errorf("config: %q, %v", data, err)
	}
	if asked := f.archive.Asked(); len(asked) != 1 {
		t.Errorf("more than the package was asked for: %q", asked)
	}
	if got := f.files(); !slices.Equal(got, []string{old + "/config", old + "/kernel.json", old + "/vmlinux"}) {
		t.Errorf("there is %q", got)
	}
	again, lines, err := f.fetch(api.KernelRequest{Version: "6.12"})
	if err != nil || again != k || len(lines) != 1 || len(f.archive.Asked()) > 0 {
		t.Errorf("a second time: %+v, %q, %v", again, lines, err)
	}
}

func TestFetchFromTwoPackages(t *testing.T) {
	f := newFixture(t)
	k := f.mustFetch("7.3")
	data, err := os.ReadFile(k.Config)
	if err != nil || string(data) != "CONFIG_BPF=y\n" || k.Package != "linux-binary-"+split || k.Release != split {
		t.Errorf("got %+v, %q, %v", k, data, err)
	}
}

// A kernel is fetched by the index when it is not pinned, and when the archive
// lost the pinned one; both say which digest was taken on whose word.
func TestFetchByTheIndex(t *testing.T) {
	f := newFixture(t)
	k, lines, err := f.fetch(api.KernelRequest{Version: "6.12.10"})
	if text := strings.Join(lines, "\n"); err != nil || k.Release != recent || !strings.Contains(text, recent+"@sha256:"+k.SHA256) {
		t.Errorf("not pinned: %+v, %q, %v", k, lines, err)
	}
	f.archive.Put("debian/"+f.pins[0].Image.Path, nil)
	k, lines, err = f.fetch(api.KernelRequest{Version: "6.12"})
	text := strings.Join(lines, "\n")
	if err != nil || k.Release != recent || !strings.Contains(text, "no mirror has it any more") || !strings.Contains(text, k.SHA256) {
		t.Errorf("lost: %+v, %q, %v", k, lines, err)
	}
	_, _, err = f.fetch(api.KernelRequest{Version: old})
	if api.KindOf(err) != api.ErrNotExist {
		t.Errorf("lost, by its release: %v", err)
	}
}

func TestFetchByDigest(t *testing.T) {
	f := newFixture(t)
	recentPackage := f.mustFetch("6.12.10")
	if k, _, err := f.fetch(api.KernelRequest{Version: "6.12", SHA256: strings.ToUpper(recentPackage.SHA256)}); err != nil || k.Release != recent {
		t.Errorf("one that is here: %+v, %v", k, err)
	}
	if k, _, err := f.fetch(api.KernelRequest{Version: "6.12", SHA256: f.pins[0].Image.SHA256}); err != nil || k.Release != old {
		t.Errorf("the pinned one: %+v, %v", k, err)
	}
	for sum, kind := range map[string]api.Kind{strings.Repeat("0", 64): api.ErrNotExist, "abc": api.ErrUsage, strings.Repeat("x", 64): api.ErrUsage} {
		if _, _, err := f.fetch(api.KernelRequest{Version: "6.12", SHA256: sum}); api.KindOf(err) != kind {
			t.Errorf("%s: %v", sum, err)
		}
	}
}

// Whatever goes wrong, nothing new is left and what was there stays.
func TestFetchFails(t *testing.T) {
	stop := errors.New("stop")
	for name, tt := range map[string]struct {
		spoil func(f *fixture) error // what the callback fails with
		req   api.KernelRequest
		want  error
		cause string
	}{
		"another file": {func(f *fixture) error {
			f.archive.Put("debian/"+f.pins[0].Image.Path, bytes.Repeat([]byte("x"), int(f.pins[0].Image.Size)))
			return nil
		}, api.KernelRequest{Version: "6.12"}, api.ErrUntrusted, "its SHA-256 is"},
		"a package without a kernel": {func(f *fixture) error {
			f.pins[0].Image = f.archive.AddPackage("debian", "linux-image-"+old, "6.12.9-1", debiantest.Deb(f, "xz"))
			return nil
		}, api.KernelRequest{Version: "6.12"}, api.ErrInvalid, "no kernel of the release " + old},
		"a package of another kernel": {func(f *fixture) error {
			f.pins[0].Image = f.archive.AddPackage("debian", "linux-image-"+old, "6.12.9-1", debiantest.KernelDeb(f, "6.1"))
			return nil
		}, api.KernelRequest{Version: "6.12"}, api.ErrInvalid, "no kernel of the release " + old},
		"an image that is none": {func(f *fixture) error {
			f.pins[0].Image = f.archive.AddPackage("debian", "linux-image-"+old, "6.12.9-1",
				debiantest.Deb(f, "gz", debiantest.File{Name: "boot/vmlinuz-" + old, Data: []byte("text")}))
			return nil
		}, api.KernelRequest{Version: "6.12"}, api.ErrInvalid, "neither a bzImage"},
		"a package that is none": {func(f *fixture) error {
			f.pins[0].Image = f.archive.AddPackage("debian", "linux-image-"+old, "6.12.9-1", []byte("text"))
			return nil
		}, api.KernelRequest{Version: "6.12"}, api.ErrInvalid, "no Debian package"},
		"a callback":        {func(*fixture) error { return stop }, api.KernelRequest{Version: "6.12"}, stop, "stop"},
		"no archive":        {func(*fixture) error { return nil }, api.KernelRequest{Version: "6.12", Mirror: "http://127.0.0.1:1/debian"}, api.ErrUnreachable, "refused"},
		"no address":        {func(*fixture) error { return nil }, api.KernelRequest{Version: "6.12", Mirror: "x"}, api.ErrUsage, "no address"},
		"no version":        {func(*fixture) error { return nil }, api.KernelRequest{Version: "latest"}, api.ErrUsage, "written as 6.12"},
		"an unknown series": {func(*fixture) error { return nil }, api.KernelRequest{Version: "6.13"}, api.ErrNotExist, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.mustFetch("7.3")
			before := f.files()
			fail := tt.spoil(f)
			_, err := f.store.Fetch(t.Context(), tt.req, func(api.Progress) error { return fail })
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.cause) {
				t.Errorf("got %v", err)
			}
			if after := f.files(); !slices.Equal(before, after) {
				t.Errorf("there is %q", after)
			}
		})
	}
}

func TestFetchIsCancelled(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.store.Fetch(ctx, api.KernelRequest{Version: "6.12"}, func(p api.Progress) error {
		if p.State == api.StepStarted {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := f.files(); len(got) > 0 {
		t.Errorf("there is %q", got)
	}
}

// A kernel whose files were changed or lost is none, and is fetched anew.
func TestFetchMends(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"a shorter vmlinux": func(dir string) error { return os.Truncate(filepath.Join(dir, "vmlinux"), 100) },
		"no vmlinux":        func(dir string) error { return os.Remove(filepath.Join(dir, "vmlinux")) },
		"no record":         func(dir string) error { return os.Remove(filepath.Join(dir, "kernel.json")) },
		"an odd record":     func(dir string) error { return os.WriteFile(filepath.Join(dir, "kernel.json"), []byte("{"), 0o600) },
		"another's record": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "kernel.json"), []byte(`{"release":"../x"}`), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			k := f.mustFetch("6.12")
			if err := spoil(filepath.Dir(k.Vmlinux)); err != nil {
				t.Fatal(err)
			}
			if got, err := f.store.Find("6.12"); api.KindOf(err) != api.ErrNotExist {
				t.Errorf("it was found: %+v, %v", got, err)
			}
			f.mustFetch("6.12")
			if _, err := f.store.Find("6.12"); err != nil {
				t.Error(err)
			}
			if got := f.files(); len(got) != 3 {
				t.Errorf("there is %q", got)
			}
		})
	}
}

func TestFetchAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			_, errs[i] = f.store.Fetch(t.Context(), api.KernelRequest{Version: "6.12"}, func(api.Progress) error { return nil })
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := f.files(); len(got) != 3 {
		t.Errorf("there is %q", got)
	}
	if _, err := f.store.Find("6.12"); err != nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	f := newFixture(t)
	if _, err := f.store.Find("6.12"); api.KindOf(err) != api.ErrNotExist || api.HintOf(err) != "ebpfdev kernel fetch 6.12" {
		t.Errorf("nothing is here: %v, %q", err, api.HintOf(err))
	}
	f.mustFetch("6.12.9")
	f.mustFetch("6.12.10")
	for version, want := range map[string]string{"6.12": recent, "6.12.9": old, old: old, "6.12.10": recent} {
		if k, err := f.store.Find(version); err != nil || k.Release != want || !filepath.IsAbs(k.Vmlinux) {
			t.Errorf("%s: %+v, %v", version, k, err)
		}
	}
	if _, err := f.store.Find("6.11"); api.KindOf(err) != api.ErrNotExist || !strings.Contains(err.Error(), "there is 6.12") {
		t.Errorf("got %v", err)
	}
	if _, err := f.store.Find("../6.12"); api.KindOf(err) != api.ErrUsage {
		t.Errorf("got %v", err)
	}
}

func TestList(t *testing.T) {
	f := newFixture(t)
	f.mustFetch("6.12.10")
	list, err := f.store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range list {
		s := k.Series + " " + k.Release
		if k.Fetched != (k.Vmlinux != "") || k.Size == 0 {
			t.Errorf("%+v", k)
		}
		if k.Fetched {
			s += " fetched"
		}
		got = append(got, s)
	}
	if want := []string{"6.12 " + old, "6.12 " + recent + " fetched", "7.3 " + split}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRemove(t *testing.T) {
	f := newFixture(t)
	if _, err := f.store.Remove(t.Context(), "6.12"); api.KindOf(err) != api.ErrNotExist {
		t.Errorf("nothing is here: %v", err)
	}
	f.mustFetch("6.12.9")
	f.mustFetch("6.12.10")
	if _, err := f.store.Remove(t.Context(), "6.12"); api.KindOf(err) != api.ErrConflict || api.HintOf(err) != "ebpfdev kernel rm "+old {
		t.Errorf("two are here: %v, %q", err, api.HintOf(err))
	}
	if k, err := f.store.Remove(t.Context(), "6.12.9"); err != nil || k.Release != old {
		t.Errorf("got %+v, %v", k, err)
	}
	if k, err := f.store.Remove(t.Context(), "6.12"); err != nil || k.Release != recent {
		t.Errorf("got %+v, %v", k, err)
	}
	if got := f.files(); len(got) > 0 {
		t.Errorf("there is %q", got)
	}
}

// What a killed process left is removed when it is a day old.
func TestStaleStages(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{".fetch-old", ".fetch-new"} {
		if err := os.MkdirAll(filepath.Join(f.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(f.dir, ".fetch-new"))
	if err != nil {
		t.Fatal(err)
	}
	long := info.ModTime().AddDate(0, 0, -2)
	if err := os.Chtimes(filepath.Join(f.dir, ".fetch-old"), long, long); err != nil {
		t.Fatal(err)
	}
	f.mustFetch("6.12")
	if got := f.files(); slices.Contains(got, ".fetch-old") || !slices.Contains(got, ".fetch-new") {
		t.Errorf("there is %q", got)
	}
}
