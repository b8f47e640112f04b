package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/kernel"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/store"
	"github.com/ebpfdev/ebpfdev/internal/local"
)

// newKernels keeps kernels in the person's cache, and gets them from an archive.
func newKernels(ios *iostreams.IOStreams, open func(mirror string) (*debian.Archive, error)) (*store.Store, error) {
	dir, err := cacheDir(ios)
	if err != nil {
		return nil, err
	}
	return store.New(store.Options{Dir: filepath.Join(dir, "kernels"), Archive: open}), nil
}

// cacheDir is the person's own cache, as the XDG base directories say.
func cacheDir(ios *iostreams.IOStreams) (string, error) {
	if dir, _ := ios.Env("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ebpfdev"), nil
	}
	name, parts := "HOME", []string{".cache", "ebpfdev"}
	if runtime.GOOS == "windows" {
		name, parts = "LOCALAPPDATA", []string{"ebpfdev"}
	}
	home, _ := ios.Env(name)
	if !filepath.IsAbs(home) {
		return "", api.Errorf("find the cache", "", api.ErrEnvironment, name+" is no absolute path").
			WithHint("XDG_CACHE_HOME=/var/tmp/cache ebpfdev kernel list")
	}
	return filepath.Join(append([]string{home}, parts...)...), nil
}

// guestInit is the first process of a guest kernel; its child serves that kernel.
func guestInit(console io.Writer) error {
	return guest.Init([]string{"/init", "agent", "guest"}, console)
}

// serveGuest serves the kernel of a guest to the host that booted it, one session
// after the other, until the host turns it off.
func serveGuest(ctx context.Context) error {
	return guest.Serve(ctx, func(conn io.ReadWriteCloser) error {
		target, err := local.New(localOptions())
		if err != nil {
			return errors.Join(err, conn.Close())
		}
		return agent.Serve(ctx, conn, conn, agent.Options{Target: target, Commander: guest.Commander{}, Version: version})
	})
}

// bootKernel returns what boots a kernel by its version.
func bootKernel(ios *iostreams.IOStreams) func(context.Context, string) (api.Guest, error) {
	return func(ctx context.Context, wanted string) (api.Guest, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, api.E("boot", wanted, api.ErrEnvironment, err)
		}
		kernels, err := newKernels(ios, systemArchive)
		if err != nil {
			return nil, err
		}
		image, err := kernels.Find(wanted)
		if err != nil {
			return nil, err
		}
		dir, err := cacheDir(ios)
		if err != nil {
			return nil, err
		}
		t, err := kernel.Open(ctx, image, kernel.Options{
			Executable: self, Args: []string{"agent", "init"}, Version: version, Verdict: filepath.Join(dir, "kvm"),
		})
		if err != nil {
			return nil, err // not a nil *kernel.Target, which is no nil api.Guest
		}
		return t, nil
	}
}

// systemArchive is Debian's archive where this machine's apt finds it.
func systemArchive(address string) (*debian.Archive, error) {
	return debian.System(os.DirFS("/"), address)
}
