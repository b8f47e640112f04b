//go:build kernel

package store_test

import (
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/aptsource"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/kernel/store"
)

// need fails the test where nothing may be skipped, and skips it elsewhere.
func need(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	case api.KindOf(err) == api.ErrUnreachable:
		t.Skip("no archive of Debian: ", err)
	default:
		t.Fatal(err)
	}
}

// realArchive is Debian's own, by this machine's mirrors. Only the keys that are
// built in are trusted.
func realArchive(t *testing.T) *debian.Archive {
	t.Helper()
	keys, err := debian.SystemKeys(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	pins, err := debian.Pins()
	if err != nil {
		t.Fatal(err)
	}
	return debian.New(debian.Options{Mirrors: debian.Mirrors(aptsource.Read(os.DirFS("/"))), Keys: keys, Pins: pins})
}

// The kernel goes into the person's own cache, where other tests find it.
func TestFetchFromDebian(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(store.Options{
		Dir:     filepath.Join(cache, "ebpfdev", "kernels"),
		Archive: func(string) (*debian.Archive, error) { return realArchive(t), nil },
	})
	k, err := s.Fetch(t.Context(), api.KernelRequest{Version: "6.12"}, func(p api.Progress) error {
		if p.State != api.StepRunning {
			t.Logf("%s: %s %s", p.Title, p.State, p.Line)
		}
		return nil
	})
	need(t, err)
	found, err := s.Find(k.Release)
	if err != nil || found.SHA256 != k.SHA256 {
		t.Errorf("found %+v, %v", found, err)
	}
	f, err := elf.Open(k.Vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Section(".BTF") == nil || k.Config == "" {
		t.Errorf("%s has no BTF, or no configuration", k.Release)
	}
}

// Debian's indexes as they are today are signed by keys that are built in, and
// have at least what is pinned.
func TestIndexesOfDebian(t *testing.T) {
	archive := realArchive(t)
	for _, pin := range archive.Pins() {
		series := debian.Version(pin.Upstream()).Series()
		k, err := archive.Find(t.Context(), debian.Version(series), "", func(p api.Progress) error {
			if p.State == api.StepWarning {
				t.Log(p.Line)
			}
			return nil
		})
		if errors.Is(err, api.ErrNotExist) {
			t.Log(err) // Debian let go of a series, and of what is pinned: no fault of ours
			continue
		}
		need(t, err)
		t.Logf("%s: %s %s", series, k.Image.Name, k.Image.SHA256)
		if debian.Compare(k, pin) < 0 {
			t.Errorf("the newest is older than the pinned %s", pin.Image.Name)
		}
	}
}
