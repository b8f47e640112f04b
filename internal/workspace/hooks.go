package workspace

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// interrupted is the exit code of a command that a person stopped; like the
// reference, the hooks after it still run.
const interrupted = 130

// marker is the file that remembers for which creation or start of the container
// a hook ran. The reference reads and writes the same, so that a hook runs once
// whoever started the container.
type marker struct{ path, text string }

func (s *session) marker(hook, home string) (marker, bool) {
	text := s.c.CreatedRaw
	switch hook {
	case devcontainer.PostStart:
		text = s.c.StartedRaw
	case devcontainer.PostAttach:
		return marker{}, false // always due
	}
	return marker{path: path.Join(home, ".devcontainer", "."+hook+"Marker"), text: text}, text != ""
}

// check prints whether the hook is due. An empty marker counts as run: it
// belongs to a prebuilt image.
func (m marker) check() string {
	return fmt.Sprintf("have=$(cat %s 2>/dev/null || echo none); [ \"${have:-%s}\" = %s ] && echo done || echo due",
		shell.Quote(m.path), m.text, shell.Quote(m.text))
}

// set writes the marker.
func (m marker) set() string {
	return fmt.Sprintf("mkdir -p %s && printf '%%s\\n' %s >%s", shell.Quote(path.Dir(m.path)), shell.Quote(m.text), shell.Quote(m.path))
}

// hooks runs the lifecycle commands that are due, in order. A marker is set
// before its command runs, as the reference does; the first command that fails
// ends the sequence.
func (u *upRun) hooks(ctx context.Context, s *session) error {
	info, err := s.user(ctx, s.remoteUser())
	if err != nil {
		return err
	}
	due, err := s.due(ctx, info)
	if err != nil {
		return err
	}
	var pending []string // markers to set; saved up, because each command costs a round trip
	set := func() error {
		if len(pending) == 0 {
			return nil
		}
		_, err := s.shell(ctx, s.remoteUser(), strings.Join(pending, " && "))
		pending = nil
		return err
	}
	for _, name := range devcontainer.ContainerHooks() {
		if !due[name] {
			continue
		}
		if m, ok := s.marker(name, info.Home); ok {
			pending = append(pending, m.set())
		}
		for _, hook := range s.m.Lifecycle[name] {
			if err := set(); err != nil {
				return err
			}
			if err := u.hook(ctx, s, info, name, hook); err != nil {
				return &hookError{err}
			}
		}
	}
	return set()
}

// due returns which hooks have to run.
func (s *session) due(ctx context.Context, info userInfo) (map[string]bool, error) {
	due := map[string]bool{devcontainer.PostAttach: true}
	var names, scripts []string
	for _, name := range devcontainer.ContainerHooks() {
		if m, ok := s.marker(name, info.Home); ok {
			names = append(names, name)
			scripts = append(scripts, m.check())
		}
	}
	out, err := s.shell(ctx, s.remoteUser(), strings.Join(scripts, "\n"))
	if err != nil {
		return nil, err
	}
	for i, answer := range strings.Fields(out) {
		if i < len(names) {
			due[names[i]] = answer == "due"
		}
	}
	return due, nil
}

func (u *upRun) hook(ctx context.Context, s *session, info userInfo, name string, hook devcontainer.OriginHook) error {
	title := name
	if hook.Origin != "devcontainer.json" {
		title += " of " + hook.Origin
	}
	env := s.env(info, nil)
	dir := firstOf(s.p.place.Folder, info.Home)
	return u.step("hook "+name, title, func(st *step) error {
		return u.runParallel(ctx, st, name, hook.Hook, func(ctx context.Context, c devcontainer.Command, line func(string)) (int, error) {
			return s.stream(ctx, engine.ExecSpec{Cmd: c.Argv(), Env: env, User: s.remoteUser(), Dir: dir}, line)
		})
	})
}

// stream runs a command and calls line for each line that it prints.
func (s *session) stream(ctx context.Context, spec engine.ExecSpec, line func(string)) (int, error) {
	process, err := s.e.Exec(ctx, s.c.ID, spec)
	if err != nil {
		return 0, err
	}
	defer func() { _ = process.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = process.Close() })
	defer stop()
	var mu sync.Mutex
	var group sync.WaitGroup
	copyLines := func(from interface{ Read([]byte) (int, error) }) {
		out := &lineWriter{fn: func(text string) {
			mu.Lock()
			defer mu.Unlock()
			line(text)
		}}
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			_, _ = out.Write(buffer[:n])
			if err != nil {
				out.flush()
				return
			}
		}
	}
	group.Go(func() { copyLines(process.Stdout()) })
	group.Go(func() { copyLines(process.Stderr()) })
	group.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	code, err := process.Wait(ctx)
	if err != nil && code != 0 { // it could not be started
		line(err.Error())
		return code, nil
	}
	return code, err
}

// runner runs one command of a hook and returns its exit code.
type runner func(ctx context.Context, c devcontainer.Command, line func(string)) (int, error)

// outcome is how one command of a hook ended.
type outcome struct {
	command devcontainer.Command
	code    int
	err     error
	last    []string
}

// keptLines is how much of a failed command's output goes into the error.
const keptLines = 40

// runParallel runs a hook's commands side by side and waits for all of them.
// Their lines are reported here, on the caller's goroutine.
func (u *upRun) runParallel(ctx context.Context, s *step, name string, hook devcontainer.Hook, run runner) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan string)
	outcomes := make([]outcome, len(hook))
	var group sync.WaitGroup
	for i, command := range hook {
		group.Go(func() {
			o := &outcomes[i]
			o.command = command
			o.code, o.err = run(ctx, command, func(text string) {
				o.last = append(o.last[max(0, len(o.last)-keptLines+1):], text)
				if command.Name != "" {
					text = command.Name + ": " + text
				}
				lines <- text
			})
		})
	}
	go func() {
		group.Wait()
		close(lines)
	}()
	for text := range lines {
		if s.line(text) != nil {
			cancel()
		}
	}
	if s.err != nil {
		return s.err
	}
	for _, o := range outcomes {
		if o.err != nil {
			return o.err
		}
		if o.code != 0 && o.code != interrupted {
			tool := name
			if o.command.Name != "" {
				tool += " " + o.command.Name
			}
			return &api.ToolError{Tool: tool, ExitCode: o.code, Stderr: strings.Join(o.last, "\n")}
		}
	}
	return nil
}

// describeHook says in one line what a hook would run.
func describeHook(hook devcontainer.Hook) string {
	var texts []string
	for _, c := range hook {
		if c.Args != nil {
			texts = append(texts, strings.Join(c.Args, " "))
			continue
		}
		texts = append(texts, c.Shell)
	}
	return strings.Join(texts, "; ")
}
