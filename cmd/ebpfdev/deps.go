package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/object"
	"github.com/ebpfdev/ebpfdev/internal/build"
	"github.com/ebpfdev/ebpfdev/internal/cli"
	"github.com/ebpfdev/ebpfdev/internal/doctor"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/engine/docker"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
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
		Kernels:    func() (api.Kernels, error) { return newKernels(ios, systemArchive) },
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
		Boot:  bootKernel(ios),
		Init:  guestInit,
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
		Kernel:     bootKernel(ios),
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
