package apitest

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// fakeProcess is a process that a load has started.
type fakeProcess struct {
	api.RunningProcess
	said []api.OutputLine
}

// fakePID is the pid of the first process.
const fakePID = 4711

// run adds what a process loads. f.mu is held.
func (f *Fake) run(req api.LoadRequest, want *api.LoadResult) api.LoadResult {
	res := f.put(req, want)
	res.Pins = nil
	p := api.RunningProcess{
		Project: req.Project, PID: fakePID + len(f.runs), Args: req.Process.Args, Dir: req.Process.Dir, Lifetime: req.Lifetime,
		StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Log: "/run/ebpfdev/" + req.Project + "/output",
	}
	if p.Lifetime == "" {
		p.Lifetime = api.LifetimePinned
	}
	if want.Process != nil {
		p.Attached = slices.Clone(want.Process.Attached)
		for i := range p.Attached { // of the first program: a fake's ids are not known before
			p.Attached[i].ProgramID = res.Programs[0].ID
		}
	}
	f.runs = append(f.runs, &fakeProcess{RunningProcess: p})
	res.Process = &p
	return res
}

// Print lets a project's process print lines on standard output.
func (f *Fake) Print(project string, lines ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.runs {
		if p.Project != project {
			continue
		}
		for _, text := range lines {
			p.said = append(p.said, api.OutputLine{Time: p.StartedAt, Text: text})
		}
	}
	f.touch()
}

// SetLastWords sets what processes print when they are asked to end.
func (f *Fake) SetLastWords(lines ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastWords = nil
	for _, text := range lines {
		f.lastWords = append(f.lastWords, api.OutputLine{Text: text})
	}
}

// EndProcess lets a project's process end by itself, or by a signal: its exit code
// is 128 and that.
func (f *Fake) EndProcess(project string, exitCode int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.runs {
		if p.Project == project {
			p.Ended = &api.ProcessEnd{At: p.StartedAt, ExitCode: exitCode, Signal: max(exitCode-128, 0), Output: p.said}
		}
	}
	f.takeOut(project)
	f.touch()
}

// process returns a project's process, nil without one. f.mu is held.
func (f *Fake) process(project string) *fakeProcess {
	for _, p := range f.runs {
		if p.Project == project {
			return p
		}
	}
	return nil
}

// dropEnded forgets a process that ended by itself. f.mu is held.
func (f *Fake) dropEnded(project string) {
	f.runs = slices.DeleteFunc(f.runs, func(p *fakeProcess) bool { return p.Project == project && p.Ended != nil })
}

// endProcess ends a project's process. f.mu is held.
func (f *Fake) endProcess(project string) (removed []string) {
	f.runs = slices.DeleteFunc(f.runs, func(p *fakeProcess) bool {
		if p.Project != project {
			return false
		}
		words := fmt.Sprintf("process %s (pid %d)", path.Base(p.Args[0]), p.PID)
		switch {
		case p.Ended == nil:
		case p.Ended.Signal != 0:
			words += fmt.Sprintf(", which had been killed by signal %d", p.Ended.Signal)
		default:
			words += fmt.Sprintf(", which had ended with exit code %d", p.Ended.ExitCode)
		}
		removed = append(removed, words)
		return true
	})
	return removed
}

// ListProcesses implements api.Inspector.
func (f *Fake) ListProcesses(ctx context.Context, req api.ListRequest) ([]api.RunningProcess, error) {
	if err := f.enter(ctx, "ListProcesses"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []api.RunningProcess{}
	for _, p := range f.runs {
		if req.Project == "" || req.Project == p.Project {
			list = append(list, p.RunningProcess)
		}
	}
	return list, nil
}

// output returns what a process has printed after the first n lines, and whether
// it has ended with which error.
func (f *Fake) output(project string, n int) (lines []api.Event, over bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.process(project)
	if p == nil {
		return nil, true, nil
	}
	for _, l := range p.said[n:] {
		lines = append(lines, api.Event{Kind: api.EventOutput, Time: l.Time, Text: l.Text, Stderr: l.Stderr, PID: p.PID})
	}
	if p.Ended == nil {
		return lines, false, nil
	}
	if p.Ended.ExitCode != 0 {
		err = &api.ToolError{Tool: path.Base(p.Args[0]), ExitCode: p.Ended.ExitCode}
	}
	return lines, true, err
}
