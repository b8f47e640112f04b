package workspace

import (
	"context"
	"errors"
	"os/exec"
	"runtime"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// upRun is one run of Up.
type upRun struct {
	*reporter
	w        *Workspace
	e        engine.Engine
	p        *project
	lock     *workspaceLock
	req      api.UpRequest
	imageRef string   // what the container is created from
	absent   []string // volumes that were not there before
	replaced string   // a container that goes once the new image is there
	filled   string   // SHA-256 of the agent that was put into a new container's volume
	result   api.UpResult
}

// warn reports a warning and keeps it for the result.
func (u *upRun) warn(step, text string) {
	u.result.Warnings = append(u.result.Warnings, text)
	u.reporter.warn(step, step, text)
}

// Up implements api.Workspace.
//
// A failed build, create or start leaves nothing behind. A failed hook leaves
// the container, as the reference does, so that it can be looked at; the error
// says so.
func (w *Workspace) Up(ctx context.Context, req api.UpRequest, fn func(api.Progress) error) (api.UpResult, error) {
	p, err := w.load(ctx, req.Folder)
	if err != nil {
		return api.UpResult{}, err
	}
	u := &upRun{reporter: &reporter{fn: fn}, w: w, p: p, req: req}
	config, err := p.file.Config(p.vars)
	if err != nil {
		return api.UpResult{}, err
	}
	initialize := config.Hooks[devcontainer.Initialize]
	if len(initialize) > 0 && !req.Trust {
		return api.UpResult{}, api.Errorf("up", p.folder, api.ErrUntrusted,
			"initializeCommand runs on this machine: "+describeHook(initialize)).WithHint("ebpfdev up --trust")
	}
	lock, err := w.lock(ctx, p, func() {
		_ = u.send(api.Progress{Step: "lock", Title: "Lock the workspace", State: api.StepRunning, Line: "another ebpfdev works on it; waiting"})
	})
	if err != nil {
		return api.UpResult{}, err
	}
	defer lock.release()
	if u.e, err = w.connect(ctx); err != nil {
		return api.UpResult{}, err
	}
	if err := lock.settle(ctx, u.e, p); err != nil {
		return api.UpResult{}, err
	}
	u.lock = lock
	defer lock.end()
	for _, warning := range p.file.Warnings {
		u.warn("config", warning)
	}
	if err := u.run(ctx, initialize); err != nil {
		return api.UpResult{}, err
	}
	return u.result, u.err
}

func (u *upRun) run(ctx context.Context, initialize devcontainer.Hook) error {
	c, err := find(ctx, u.e, u.p)
	if err != nil {
		return err
	}
	if err := u.initialize(ctx, initialize); err != nil {
		return err
	}
	if c != nil && u.req.Rebuild {
		u.replaced, c = c.ID, nil
	}
	if err := u.sweep(ctx); err != nil {
		return err
	}
	if c, err = u.ensure(ctx, c); err != nil {
		return err
	}
	u.result.ContainerID, u.result.ContainerName = c.ID, c.Name
	m, err := u.p.merged(c)
	if err == nil {
		err = u.prepare(ctx, c, m)
	}
	if err == nil || !u.result.Created {
		return err
	}
	var failed *hookError
	if errors.As(err, &failed) && ctx.Err() == nil {
		u.reporter.warn("up", "up", "the container is kept: look with ebpfdev shell, remove it with ebpfdev down")
		return err
	}
	u.takeBack(ctx, c.ID, u.absent)
	return err
}

// hookError is a lifecycle command that failed in the container.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

// ensure returns a running container: the one given, started when it must be,
// or a new one.
func (u *upRun) ensure(ctx context.Context, c *engine.Container) (*engine.Container, error) {
	switch {
	case c == nil:
	case c.State == "running":
		return c, nil
	case c.State == "paused":
		return nil, api.Errorf("up", c.Name, api.ErrConflict, "the container is paused").
			WithHint("docker unpause " + c.Name)
	default:
		err := u.step("start", "Start the container", func(*step) error { return u.e.StartContainer(ctx, c.ID) })
		if err == nil {
			u.result.Started = true
			u.warnLost(c)
			return u.reread(ctx, c.ID)
		}
		if c.State != "created" {
			return nil, err
		}
		// It never ran: an earlier create that did not get further. Make a new one.
		if err := u.e.RemoveContainer(ctx, c.ID); err != nil {
			return nil, err
		}
	}
	u.lock.begin()
	id, err := u.create(ctx)
	if err != nil {
		return nil, err
	}
	u.result.Created, u.result.Started = true, true
	return u.reread(ctx, id)
}

func (u *upRun) reread(ctx context.Context, id string) (*engine.Container, error) {
	c, err := u.e.InspectContainer(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.State != "running" {
		return nil, api.Errorf("start", c.Name, api.ErrEnvironment, "the container ended right after its start").
			WithHint("ebpfdev logs")
	}
	return &c, nil
}

// warnLost says what a stop took: pins live as long as a mount of their bpffs.
func (u *upRun) warnLost(c *engine.Container) {
	if c.State == "created" {
		return
	}
	for _, m := range c.Mounts {
		if m.Target == "/sys/fs/bpf" && m.Type == "volume" {
			u.warn("start", "the container was stopped: programs and maps that were pinned in it are gone; load them again")
			return
		}
	}
}

// prepare makes a running container usable: checks, agent, environment, hooks.
func (u *upRun) prepare(ctx context.Context, c *engine.Container, m devcontainer.Merged) error {
	known := u.w.loadCache(u.p, c.ID, c.StartedRaw)
	s := &session{w: u.w, e: u.e, p: u.p, c: c, m: m, cache: known}
	if err := u.check(ctx, s); err != nil {
		return err
	}
	file := fileState(u.w.opts.Executable)
	if u.filled != "" {
		known.Agent, known.AgentFile = u.filled, file
	}
	if known.Agent == "" || known.AgentFile != file {
		known.AgentFile = file
		err := u.step("agent", "Put ebpfdev in", func(st *step) error { return s.ensureAgent(ctx, st) })
		if err != nil {
			return err
		}
	}
	if _, err := s.user(ctx, s.remoteUser()); err != nil {
		return err
	}
	u.result.RemoteUser, _ = splitUser(s.remoteUser())
	u.result.RemoteFolder = u.p.place.Folder
	u.w.saveCache(u.p, known)
	return u.hooks(ctx, s)
}

// sweep removes what an interrupted run left: containers that only fill a volume.
func (u *upRun) sweep(ctx context.Context) error {
	left, err := u.e.ListContainers(ctx, map[string]string{labelWorkspace: u.p.id})
	if err != nil {
		return err
	}
	for _, c := range left {
		if err := u.e.RemoveContainer(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// initialize runs initializeCommand on this machine, in the workspace folder.
func (u *upRun) initialize(ctx context.Context, hook devcontainer.Hook) error {
	if len(hook) == 0 {
		return nil
	}
	return u.step("hook "+devcontainer.Initialize, devcontainer.Initialize, func(s *step) error {
		return u.runParallel(ctx, s, devcontainer.Initialize, hook, func(ctx context.Context, c devcontainer.Command, line func(string)) (int, error) {
			argv := c.Argv()
			if runtime.GOOS == "windows" && c.Args == nil {
				argv = []string{"cmd.exe", "/c", c.Shell}
			}
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Dir = u.p.folder
			out := &lineWriter{fn: line}
			cmd.Stdout, cmd.Stderr = out, out
			err := cmd.Run()
			out.flush()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exitCode(exit), ctx.Err()
			}
			if err != nil {
				return 127, api.E("run", argv[0], api.ErrFailed, err)
			}
			return 0, nil
		})
	})
}

func exitCode(err *exec.ExitError) int {
	if code := err.ExitCode(); code >= 0 {
		return code
	}
	return 130
}
