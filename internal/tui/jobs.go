package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// steps says how far a pipeline goes.
type steps struct {
	verify   bool
	load     bool
	lifetime api.Lifetime
	replace  bool
	attach   []api.AttachOption
}

// pipeline is the job that builds, verifies and loads, as far as the steps say.
func (a *app) pipeline(title string, s steps, args ...string) tea.Cmd {
	service := a.service()
	if service == nil {
		a.notice = "there is no target; " + a.conn.next()
		return nil
	}
	info := a.conn.info
	if s.load {
		s.attach = a.attach.options
		args = append(args, a.attach.flags()...)
	}
	line := cli(append(args, on(a.conn.target)...)...)
	return a.begin(job{title: title, command: line, run: func(ctx context.Context, say func(note)) (outcome, error) {
		built, err := build(ctx, service, api.BuildRequest{Dir: info.Dir, For: s.purpose()}, say)
		if err != nil {
			return outcome{}, err
		}
		if s.load && len(built.Loader) > 0 {
			return start(ctx, service, info, built.Loader, s, say)
		}
		out := outcome{summary: plural(len(built.Objects), "object")}
		if s.verify {
			out, err = verify(ctx, service, built.Objects, say)
		}
		if s.load && err == nil {
			out, err = load(ctx, service, info.Project, built.Objects, s, say)
		}
		if len(built.Objects) == 1 {
			out.object = built.Objects[0]
		}
		return out, err
	}})
}

// purpose is what the steps build for.
func (s steps) purpose() api.BuildPurpose {
	switch {
	case s.load:
		return api.BuildForLoad
	case s.verify:
		return api.BuildForVerify
	default:
		return ""
	}
}

func build(ctx context.Context, b api.Builder, req api.BuildRequest, say func(note)) (api.BuildResult, error) {
	say(note{step: "build"})
	heard := false
	res, err := b.Build(ctx, req, func(e api.BuildEvent) error {
		heard = heard || e.Line != ""
		say(note{step: e.Step, line: e.Line})
		return nil
	})
	if err != nil {
		if !heard {
			sayStderr(err, say)
		}
		return res, err
	}
	if len(res.Objects) == 0 && (req.For == api.BuildForVerify || req.For == api.BuildForLoad && len(res.Loader) == 0) {
		return res, api.Errorf("build", req.Dir, api.ErrFailed, "no BPF object came out of it")
	}
	for _, o := range res.Objects {
		say(note{step: "built " + o.Path, done: true})
	}
	return res, nil
}

// sayStderr shows what a tool that failed has said.
func sayStderr(err error, say func(note)) {
	var tool *api.ToolError
	if errors.As(err, &tool) {
		say(note{line: tool.Stderr})
	}
}

func verify(ctx context.Context, v api.Verifier, objects []api.Object, say func(note)) (outcome, error) {
	var out outcome
	passed := 0
	for _, o := range objects {
		say(note{step: "verify " + o.Name})
		res, err := v.Verify(ctx, api.VerifyRequest{Object: o})
		if err != nil {
			return out, err
		}
		for _, p := range res.Programs {
			if p.Verdict == api.VerdictAccepted {
				passed++
				say(note{step: fmt.Sprintf("%s  %d insns, %d states, stack %d B, %s", p.Program, p.Insns, p.PeakStates, p.StackDepth, p.VerificationTime), done: true})
				continue
			}
			say(note{step: p.Program + "  " + string(p.Verdict) + ": " + p.Reason, done: true, mark: draw.Failed})
			out.failures = append(out.failures, failure{object: o.Name, kernel: res.Kernel, ProgramReport: p})
		}
	}
	out.summary = plural(passed, "program") + " accepted"
	if n := len(out.failures); n > 0 {
		return out, api.Errorf("verify", "", api.ErrRejected, plural(n, "program")+" refused")
	}
	return out, nil
}

// lifetime is how long a load lasts that is to stay: a guest ends with the session,
// and so does all that it holds.
func (a *app) lifetime() api.Lifetime {
	if _, guest := a.conn.guest(); guest {
		return api.LifetimeSession
	}
	return api.LifetimePinned
}

// load loads the one object of a project.
func load(ctx context.Context, l api.Loader, project string, objects []api.Object, s steps, say func(note)) (outcome, error) {
	if len(objects) > 1 {
		return outcome{}, api.Errorf("load", project, api.ErrUsage, plural(len(objects), "object")+" were built; name one").
			WithHint(cli("load", objects[0].Path))
	}
	o := objects[0]
	say(note{step: "load " + o.Name})
	return loaded(ctx, l, api.LoadRequest{
		Project: project, Object: o, Lifetime: s.lifetime, Attach: s.attach, Replace: s.replace,
	}, say)
}

// start starts the process that loads a project's programs.
func start(ctx context.Context, l api.Loader, info api.SessionInfo, args []string, s steps, say func(note)) (outcome, error) {
	say(note{step: "start " + strings.Join(args, " ")})
	out, err := loaded(ctx, l, api.LoadRequest{
		Project: info.Project, Process: &api.Process{Args: args, Dir: info.Dir}, Lifetime: s.lifetime, Replace: s.replace,
	}, say)
	if err != nil {
		sayStderr(err, say)
	}
	return out, err
}

// loaded loads, and says what was attached where.
func loaded(ctx context.Context, l api.Loader, req api.LoadRequest, say func(note)) (outcome, error) {
	res, err := l.Load(ctx, req)
	if err != nil {
		return outcome{
			conflict: errors.Is(err, api.ErrConflict) && !req.Replace,
			failures: refused(err, req.Object.Name),
		}, err
	}
	if p := res.Process; p != nil {
		say(note{step: fmt.Sprintf("process %d holds %s", p.PID, plural(len(res.Programs), "program")), done: true})
	}
	for _, k := range res.Links {
		say(note{step: k.Program + "  attached to " + k.Target, done: true})
	}
	for _, u := range res.Unattached {
		say(note{step: u.Program + "  not attached: " + u.Reason, done: true, mark: draw.Locked, line: hint(attachCommand(req.Lifetime, u.Hint))})
	}
	return outcome{
		loaded: true, watch: req.Lifetime == api.LifetimeSession, unattached: len(res.Unattached),
		summary: plural(len(res.Programs), "program") + ", " + plural(len(res.Links), "link"),
	}, nil
}

// refused turns a load that the verifier refused into a report.
func refused(err error, object string) []failure {
	var v *api.VerifierError
	if !errors.As(err, &v) {
		return nil
	}
	return []failure{{object: object, ProgramReport: api.ProgramReport{
		Program: v.Program, Verdict: api.VerdictRejected, Log: v.Log, LogTruncated: v.Truncated,
		Reason: v.Summary, File: v.File, Line: v.Line, Source: v.Source, Why: v.Why, Fix: v.Fix,
	}}}
}

// attachCommand is the command line that attaches with the flag of a hint.
func attachCommand(lifetime api.Lifetime, flag string) string {
	switch {
	case flag == "":
		return ""
	case lifetime == api.LifetimePinned:
		return "ebpfdev load --replace " + flag
	default:
		return "ebpfdev run " + flag
	}
}

func hint(s string) string {
	if s == "" {
		return ""
	}
	return "hint: " + s
}

// unload takes the project's objects out of the kernel.
func (a *app) unload() tea.Cmd {
	service, project := a.service(), a.conn.info.Project
	if service == nil {
		return nil
	}
	line := cli(append([]string{"unload"}, on(a.conn.target)...)...)
	return a.begin(job{title: "unload", command: line, run: func(ctx context.Context, say func(note)) (outcome, error) {
		res, err := service.Unload(ctx, api.UnloadRequest{Project: project})
		for _, r := range res.Removed {
			say(note{step: "removed " + r, done: true})
		}
		for _, k := range res.Kept {
			say(note{step: "kept " + k, done: true, mark: draw.Locked})
		}
		return outcome{loaded: true, summary: plural(len(res.Removed), "object") + " removed"}, err
	}})
}

// up starts the container.
func (a *app) up() tea.Cmd {
	ws, folder := a.opt.Workspace, a.conn.folder
	return a.begin(job{title: "up", command: cli("up"), run: func(ctx context.Context, say func(note)) (outcome, error) {
		return upWorkspace(ctx, ws, folder, say)
	}})
}

func upWorkspace(ctx context.Context, ws api.Workspace, folder string, say func(note)) (outcome, error) {
	heard := false
	res, err := ws.Up(ctx, api.UpRequest{Folder: folder}, func(p api.Progress) error {
		heard = heard || p.Line != ""
		say(progressNote(p))
		return nil
	})
	if err != nil {
		if !heard {
			sayStderr(err, say)
		}
		return outcome{}, err
	}
	for _, c := range res.Missing {
		say(note{step: "the engine cannot grant " + c, done: true, mark: draw.Locked})
	}
	for _, w := range res.Warnings {
		say(note{step: w, done: true, mark: draw.Locked})
	}
	return outcome{opened: true, summary: res.ContainerName}, nil
}

func progressNote(p api.Progress) note {
	n := note{line: p.Line}
	switch p.State {
	case api.StepStarted:
		n.step = p.Title
	case api.StepDone, api.StepSkipped:
		n.step, n.done = p.Title, true
	case api.StepWarning:
		n.step, n.done, n.mark = p.Title, true, draw.Locked
	case api.StepFailed:
		n.step, n.done, n.mark = p.Title, true, draw.Failed
	}
	if p.Total > 0 {
		n.figure = strconv.FormatInt(p.Done*100/p.Total, 10) + "%"
	}
	return n
}

// down removes the container and all that belongs to it.
func (a *app) down() tea.Cmd {
	ws, folder := a.opt.Workspace, a.conn.folder
	return a.begin(job{title: "down", command: cli("down"), run: func(ctx context.Context, say func(note)) (outcome, error) {
		res, err := ws.Down(ctx, api.DownRequest{Folder: folder})
		for _, r := range res.Removed {
			say(note{step: "removed " + r, done: true})
		}
		return outcome{removed: err == nil, summary: plural(len(res.Removed), "thing") + " removed"}, err
	}})
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func isCancel(err error) bool { return errors.Is(err, context.Canceled) }
