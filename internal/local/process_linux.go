package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/bpf/process"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// Keep is what the program of Options.KeepProcess does: it is the parent of a
// process that loads programs, until its context ends or that process does.
func Keep(ctx context.Context, in io.Reader) error { return process.Keep(ctx, in) }

// loadProcess starts a process and waits until it holds programs. While it
// waits nothing is locked: Unload and Close end what is not loaded yet too.
func (t *Target) loadProcess(ctx context.Context, req api.LoadRequest) (api.LoadResult, error) {
	loader, h, err := t.startProcess(ctx, req)
	if err != nil {
		return api.LoadResult{}, err
	}
	holds, err := t.settle(ctx, loader)
	var res api.LoadResult
	if err == nil {
		res, err = t.describeLoad(ctx, loader.Record, holds)
	}
	if err == nil && req.Lifetime == api.LifetimePinned {
		if err = loader.Keep(); err == nil {
			t.forget(req.Project, h)
		}
	}
	if err != nil {
		t.forget(req.Project, h)
		_ = loader.Close()
		return api.LoadResult{}, missing(err)
	}
	return res, nil
}

// missing says what to install when a Python program lacks BCC.
func missing(err error) error {
	var tool *api.ToolError
	if errors.As(err, &tool) && strings.Contains(tool.Stderr, "No module named 'bcc'") {
		return api.E("start", "", api.ErrEnvironment, err).WithHint("apt-get install -y python3-bpfcc")
	}
	return err
}

// startProcess starts the process that a request asks for, if the project has
// nothing loaded.
func (t *Target) startProcess(ctx context.Context, req api.LoadRequest) (*process.Loader, *held, error) {
	release, err := t.lock(ctx, pin.Is(t.opts.BPFFS))
	if err != nil {
		return nil, nil, err
	}
	defer release()
	if _, err := t.makeRoom(ctx, req); err != nil {
		return nil, nil, err
	}
	loader, err := t.runs.Start(ctx, t.opts.KeepProcess, req.Project, *req.Process, req.Lifetime)
	if err != nil {
		return nil, nil, err
	}
	h := &held{loader: loader}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.loads[req.Project] = h
	return loader, h, nil
}

// forget lets go of a load, if it is still the project's.
func (t *Target) forget(project string, h *held) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loads[project] == h {
		delete(t.loads, project)
	}
}

// dropEnded removes what is left of a project's process that ended by itself.
func (t *Target) dropEnded(ctx context.Context, project string) error {
	r := t.runs.Find(project)
	if r == nil || r.Running() {
		return nil
	}
	t.mu.Lock()
	h := t.loads[project]
	t.mu.Unlock()
	if h != nil && h.loader != nil {
		t.forget(project, h)
		h.close()
	}
	_, _, err := t.runs.End(ctx, project)
	return err
}

// How it is decided that a process has loaded all that it will: nothing is new
// for quietFor while it mostly waits, or for stillFor while it computes (it
// compiles the next program, or prints a lot).
const (
	lookEvery = 50 * time.Millisecond
	quietFor  = 400 * time.Millisecond
	stillFor  = 2 * time.Second
)

// settle waits until a process holds programs and takes no more.
func (t *Target) settle(ctx context.Context, loader *process.Loader) (inspect.Held, error) {
	ticker, limit := time.NewTicker(lookEvery), time.NewTimer(t.opts.ProcessWithin)
	defer ticker.Stop()
	defer limit.Stop()
	var (
		last     inspect.Held
		lastUsed time.Duration
		since    = time.Now()
	)
	for {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-loader.Ended():
			return last, loader.Failure()
		case <-limit.C:
			return last, t.tooLate(loader.Record, len(last.Programs))
		case <-ticker.C:
		}
		pids, used := loader.Record.Tree()
		holds := inspect.HeldBy(pids)
		if len(holds.Programs) == 0 || !holds.Equal(last) {
			last, lastUsed, since = holds, used, time.Now()
			continue
		}
		quiet := time.Since(since)
		if quiet >= stillFor || quiet >= quietFor && used-lastUsed < quiet/2 {
			return holds, nil
		}
	}
}

// tooLate is the error for a process that has loaded nothing in time.
func (t *Target) tooLate(r process.Record, programs int) error {
	cause := fmt.Sprintf("it runs, but holds no BPF program after %s", t.opts.ProcessWithin)
	if programs > 0 {
		cause = fmt.Sprintf("it still loads more after %s", t.opts.ProcessWithin)
	}
	if said := t.runs.LastLine(r.Project); said != "" {
		cause += "; it said last: " + said
	}
	return api.Errorf("load", r.Tool(), api.ErrTimeout, cause).
		WithHint(shell.Join("cd", r.Dir) + " && " + shell.Join(r.Args...))
}

// describeLoad lists what a process holds, as the inspector shows it.
func (t *Target) describeLoad(ctx context.Context, r process.Record, holds inspect.Held) (api.LoadResult, error) {
	res := api.LoadResult{Project: r.Project, Programs: []api.Program{}, Maps: []api.Map{}, Links: []api.Link{}}
	view := t.view()
	view.Ours = func(pin.Kind, uint32) (project, name string) { return r.Project, "" }
	var err error
	if len(holds.Programs) > 0 {
		if res.Programs, err = view.Programs(ctx, api.ListRequest{IDs: holds.Programs}); err != nil {
			return res, err
		}
	}
	if len(holds.Maps) > 0 {
		if res.Maps, err = view.Maps(ctx, api.ListRequest{IDs: holds.Maps}); err != nil {
			return res, err
		}
	}
	if len(holds.Links) > 0 {
		if res.Links, err = view.Links(ctx, api.ListRequest{IDs: holds.Links}); err != nil {
			return res, err
		}
	}
	p := t.runs.Describe(r)
	p.Attached = holds.Attached()
	res.Process = &p
	return res, nil
}

// describeProcess tells of a process, with what it holds now.
func (t *Target) describeProcess(r process.Record) api.RunningProcess {
	p := t.runs.Describe(r)
	pids, _ := r.Tree()
	p.Attached = inspect.HeldBy(pids).Attached()
	return p
}

// ref names an object of the kernel.
type ref struct {
	kind pin.Kind
	id   uint32
}

// heldByProcesses returns the project of each object that a process of ours holds.
func (t *Target) heldByProcesses() map[ref]string {
	projects := map[ref]string{}
	for _, r := range t.runs.List("") {
		pids, _ := r.Tree()
		holds := inspect.HeldBy(pids)
		for kind, ids := range map[pin.Kind][]uint32{pin.Programs: holds.Programs, pin.Maps: holds.Maps, pin.Links: holds.Links} {
			for _, id := range ids {
				projects[ref{kind, id}] = r.Project
			}
		}
	}
	return projects
}

// owner returns what tells whose an object is: a load's of this session, or a
// process's. The processes are looked at once, when they are first asked about.
func (t *Target) owner() func(kind pin.Kind, id uint32) (project, name string) {
	byProcess := sync.OnceValue(t.heldByProcesses)
	return func(kind pin.Kind, id uint32) (project, name string) {
		if project, name := t.ours(kind, id); project != "" {
			return project, name
		}
		return byProcess()[ref{kind, id}], ""
	}
}
