package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/aptsource"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/build"
	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/doctor"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
	"github.com/ebpfdev/ebpfdev/internal/kernel"
	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/debian"
	"github.com/ebpfdev/ebpfdev/internal/kernel/store"
	"github.com/ebpfdev/ebpfdev/internal/local"
	"github.com/ebpfdev/ebpfdev/internal/project"
	"github.com/ebpfdev/ebpfdev/internal/template"
	"github.com/ebpfdev/ebpfdev/internal/tui"
	"github.com/ebpfdev/ebpfdev/internal/workspace"
	"github.com/ebpfdev/ebpfdev/templates"
)

// deps is where the parts of ebpfdev are put together. Nothing is made before a
// command asks for it.
func deps(ios *iostreams.IOStreams) cli.Deps {
	return cli.Deps{
		Version:    version,
		Workspace:  func() (api.Workspace, error) { return newWorkspace(ios), nil },
		Scaffolder: func() (api.Scaffolder, error) { return template.New(templates.FS) },
		Doctor:     func() (api.Doctor, error) { return newDoctor(ios), nil },
		Kernels:    func() (api.Kernels, error) { return newKernels(ios) },
		TUI: func(ctx context.Context, req cli.TUIRequest) error {
			return tui.Run(ctx, tui.Options{
				In: req.In, Out: req.Out, Workspace: req.Workspace, Scaffolder: req.Scaffolder, Doctor: req.Doctor,
				Folder: req.Folder, Target: req.Target, Version: version, Env: ios.Environ(),
			})
		},
		Agent:       serveAgent,
		CheckObject: object.CheckLimited,
		HeadersScript: func() ([]byte, error) {
			return fs.ReadFile(templates.FS, "bcc/base/scripts/headers.sh")
		},
		Run:   runCommand,
		Keep:  local.Keep,
		Init:  func(console io.Writer) error { return guest.Init(guestAgent, console) },
		Guest: serveGuest,
		Sweep: local.Sweep,
	}
}

func newWorkspace(ios *iostreams.IOStreams) *workspace.Workspace {
	self, _ := os.Executable() // without it containers get no agent, and Open says so
	return workspace.New(workspace.Options{
		Engine:     openEngine(ios),
		Executable: self,
		Version:    version,
		Local:      openLocal,
		Kernel:     bootKernel(ios, self),
		Env:        ios.Env,
	})
}

// openEngine connects to the engine that the environment chooses.
func openEngine(ios *iostreams.IOStreams) func(context.Context) (engine.Engine, error) {
	return func(ctx context.Context) (engine.Engine, error) {
		e, err := docker.Open(ctx, docker.Options{Env: ios.Env})
		if err != nil {
			return nil, err // not a nil *docker.Engine, which is no nil engine.Engine
		}
		return e, nil
	}
}

func newDoctor(ios *iostreams.IOStreams) *doctor.Doctor {
	opts := doctor.Options{Engine: openEngine(ios), Env: ios.Env}
	if runtime.GOOS == "linux" { // elsewhere the kernel is the engine's
		opts.Probe = probeKernel
	}
	return doctor.New(opts)
}

// newKernels keeps kernels in the person's cache, and gets them from the mirrors
// that this machine's apt uses.
func newKernels(ios *iostreams.IOStreams) (*store.Store, error) {
	dir, err := cacheDir(ios)
	if err != nil {
		return nil, err
	}
	return store.New(store.Options{Dir: filepath.Join(dir, "kernels"), Archive: openArchive}), nil
}

// openArchive opens Debian's archive at an address, or where this machine's apt
// finds it.
func openArchive(address string) (*debian.Archive, error) {
	root := os.DirFS("/")
	mirrors := debian.Mirrors(aptsource.Read(root))
	if address != "" {
		m, err := debian.NewMirror(address)
		if err != nil {
			return nil, err
		}
		mirrors = []debian.Mirror{m}
	}
	keys, err := debian.SystemKeys(root)
	if err != nil {
		return nil, err
	}
	pins, err := debian.Pins()
	if err != nil {
		return nil, err
	}
	return debian.New(debian.Options{Mirrors: mirrors, Keys: keys, Pins: pins}), nil
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

func probeKernel(ctx context.Context) (api.Kernel, error) {
	target, err := local.New(local.Options{})
	if err != nil {
		return api.Kernel{}, err
	}
	kernel, err := target.Probe(ctx, api.ProbeRequest{})
	return kernel, errors.Join(err, target.Close())
}

// serveAgent serves this machine's kernel; it is what runs in containers.
func serveAgent(ctx context.Context, r io.Reader, w io.Writer) error {
	target, err := local.New(localOptions())
	if err != nil {
		return err
	}
	return agent.Serve(ctx, r, w, agent.Options{Target: target, Builder: build.New(build.Options{}), Version: version})
}

// guestAgent is the command that a guest's first process runs.
var guestAgent = []string{"/init", "agent", "guest"}

// serveGuest serves the kernel of a guest to the host that booted it.
func serveGuest(ctx context.Context) error {
	conn, err := guest.Meet()
	if err != nil {
		return err
	}
	target, err := local.New(localOptions())
	if err != nil {
		return err
	}
	return agent.Serve(ctx, conn, conn, agent.Options{Target: target, Commander: guest.Commander{}, Version: version})
}

// bootKernel returns what boots a kernel by its version.
func bootKernel(ios *iostreams.IOStreams, self string) func(context.Context, string) (api.Target, string, error) {
	return func(ctx context.Context, version string) (api.Target, string, error) {
		image, err := findKernel(ios, version)
		if err != nil {
			return nil, "", err
		}
		t, err := kernel.Open(ctx, image, kernelOptions(self))
		if err != nil {
			return nil, "", err
		}
		return t, image.Release, nil
	}
}

func kernelOptions(self string) kernel.Options {
	return kernel.Options{Executable: self, Args: []string{"agent", "init"}, Version: version}
}

func findKernel(_ *iostreams.IOStreams, v string) (api.KernelImage, error) {
	return api.KernelImage{Release: v, Vmlinux: os.Getenv("VMLINUX")}, nil
}

// localOptions let objects be parsed in a child of this very program first, so
// that a hostile one cannot take this process down; and processes that load
// programs have this very program for a parent.
func localOptions() local.Options {
	var opts local.Options
	if self, err := os.Executable(); err == nil {
		opts.CheckObject = []string{self, "agent", "check-object"}
		opts.KeepProcess = []string{self, "agent", "keep"}
	}
	return opts
}

// localSession is this machine's kernel and its tools as one session.
type localSession struct {
	api.Target
	api.Builder
	info api.SessionInfo
}

func (s localSession) Info() api.SessionInfo { return s.info }

func openLocal(_ context.Context, req api.OpenRequest) (api.Session, error) {
	target, err := local.New(localOptions())
	if err != nil {
		return nil, err
	}
	return localSession{Target: target, Builder: build.New(build.Options{}), info: api.SessionInfo{
		Target: string(api.TargetLocal), Project: project.Name(req.Folder), Dir: req.Folder, Version: version,
	}}, nil
}

// runCommand runs a command on this machine and returns its exit code.
func runCommand(ctx context.Context, args []string, streams api.Streams) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams.In, streams.Out, streams.Err
	err := cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return ended.ExitCode(), nil
	}
	if err != nil {
		return 0, api.E("run", args[0], api.ErrEnvironment, err)
	}
	return 0, nil
}
