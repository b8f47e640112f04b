package workspace

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// killed is the exit code of a command that was killed, by whomever.
const killed = 137

// Exec implements api.Workspace. The environment of the user's shell is asked
// for once per start of the container and kept in the runtime folder: a changed
// start file of the shell counts from the next start on.
func (w *Workspace) Exec(ctx context.Context, req api.ExecRequest) (int, error) {
	s, err := w.session(ctx, "exec", req.Folder)
	if err != nil {
		return 0, err
	}
	user := firstOf(req.User, s.remoteUser())
	info, err := s.user(ctx, user)
	if err != nil {
		return 0, err
	}
	argv := req.Args
	if len(argv) == 0 {
		argv = []string{info.Shell, "-l"}
	}
	spec := engine.ExecSpec{
		Cmd: argv, Env: s.env(info, req.Env), User: user, Dir: firstOf(req.Dir, s.p.place.Folder, info.Home),
		TTY: req.Streams.TTY, Stdin: req.Streams.In != nil,
	}
	if req.Streams.TTY && req.Streams.Resize != nil {
		select {
		case spec.Size = <-req.Streams.Resize:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	process, err := s.e.Exec(ctx, s.c.ID, spec)
	if err != nil {
		return 0, err
	}
	defer func() { _ = process.Close() }()
	code, err := pump(ctx, process, req.Streams)
	if err == nil && code == killed {
		// The engine starts a container again sooner than it can be seen stopped.
		if why := s.whyEnded(ctx); why != nil {
			return 0, why
		}
	}
	return code, err
}

// pump connects a process with a caller's streams until it has ended.
func pump(ctx context.Context, process engine.Process, streams api.Streams) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = process.Close() })
	defer stop()
	done := make(chan struct{})
	defer close(done)
	if streams.In != nil {
		// Not waited for: a caller's input may never end.
		go func() {
			_, _ = io.Copy(process.Stdin(), streams.In)
			_ = process.Stdin().Close()
		}()
	}
	if streams.TTY && streams.Resize != nil {
		go func() {
			for {
				select {
				case size, ok := <-streams.Resize:
					if !ok {
						return
					}
					_ = process.Resize(ctx, size)
				case <-done:
					return
				}
			}
		}()
	}
	var outErr, errErr error
	var group sync.WaitGroup
	group.Go(func() { outErr = drain(streams.Out, process.Stdout()) })
	group.Go(func() { errErr = drain(streams.Err, process.Stderr()) })
	group.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	code, err := process.Wait(ctx)
	if err != nil {
		return code, err
	}
	if err := errors.Join(outErr, errErr); err != nil && code == 0 {
		return 0, api.E("write", "output", api.ErrFailed, err)
	}
	return code, nil
}

// drain copies until the end. When the caller's side breaks it reads on, so
// that the command does not hang.
func drain(to io.Writer, from io.Reader) error {
	if to == nil {
		to = io.Discard
	}
	_, err := io.Copy(to, from)
	if err != nil {
		_, _ = io.Copy(io.Discard, from)
	}
	return err
}

// Logs implements api.Workspace.
func (w *Workspace) Logs(ctx context.Context, req api.LogsRequest, fn func(api.LogLine) error) error {
	p, err := w.load(ctx, req.Folder)
	if err != nil {
		return err
	}
	e, err := w.connect(ctx)
	if err != nil {
		return err
	}
	c, err := find(ctx, e, p)
	if err != nil {
		return err
	}
	if c == nil {
		return errNoContainer("logs", p.folder)
	}
	return e.ContainerLogs(ctx, c.ID, engine.LogsSpec{Follow: req.Follow, Tail: req.Tail}, fn)
}
