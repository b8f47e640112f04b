package workspace

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/devcontainer"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// session is one running container with the configuration that holds for it and
// what is known of it since it started.
type session struct {
	w     *Workspace
	e     engine.Engine
	p     *project
	c     *engine.Container
	m     devcontainer.Merged
	cache *cache
}

// session finds a workspace's running container.
func (w *Workspace) session(ctx context.Context, op, folder string) (*session, error) {
	p, err := w.load(ctx, folder)
	if err != nil {
		return nil, err
	}
	e, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	c, err := w.running(ctx, e, op, p)
	if err != nil {
		return nil, err
	}
	m, err := p.merged(c)
	if err != nil {
		return nil, err
	}
	return &session{w: w, e: e, p: p, c: c, m: m, cache: w.loadCache(p, c.ID, c.StartedRaw)}, nil
}

// remoteUser is who commands run as: "name" or "name:group".
func (s *session) remoteUser() string { return firstOf(s.m.RemoteUser, s.c.User, "root") }

// splitUser splits "name:group"; root is always called by its name.
func splitUser(user string) (name, group string) {
	name, group, _ = strings.Cut(user, ":")
	if name == "0" {
		name = "root"
	}
	return name, group
}

// maxOutput is how much of a command's output is kept.
const maxOutput = 1 << 20

// output runs a short command in the container and returns what it printed.
// Its input is empty, or what stdin gives.
func (s *session) output(ctx context.Context, spec engine.ExecSpec, stdin io.Reader) (stdout, stderr string, code int, err error) {
	spec.Stdin = stdin != nil
	process, err := s.e.Exec(ctx, s.c.ID, spec)
	if err != nil {
		return "", "", 0, err
	}
	defer func() { _ = process.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = process.Close() })
	defer stop()
	var out, errOut tail
	var group sync.WaitGroup
	group.Go(func() { _, _ = io.Copy(&out, process.Stdout()) })
	group.Go(func() { _, _ = io.Copy(&errOut, process.Stderr()) })
	if stdin != nil {
		_, copyErr := io.Copy(process.Stdin(), stdin)
		err = errors.Join(copyErr, process.Stdin().Close())
	}
	group.Wait()
	if ctx.Err() != nil {
		return "", "", 0, ctx.Err()
	}
	code, waitErr := process.Wait(ctx)
	if waitErr != nil && code != 0 { // it could not be started
		return "", waitErr.Error(), code, nil
	}
	if waitErr != nil {
		return "", "", 0, waitErr
	}
	if code == 0 && err != nil {
		return "", "", 0, api.E("exec in container", s.c.Name, api.ErrUnreachable, err)
	}
	return out.String(), errOut.String(), code, nil
}

// shell runs a script with the container's /bin/sh and wants it to succeed.
func (s *session) shell(ctx context.Context, user, script string) (string, error) {
	out, errOut, code, err := s.output(ctx, engine.ExecSpec{Cmd: []string{"/bin/sh", "-c", script}, User: user}, nil)
	if err != nil {
		return "", err
	}
	if code != 0 {
		return out, &api.ToolError{Tool: "/bin/sh", ExitCode: code, Stderr: firstOf(errOut, out)}
	}
	return out, nil
}

// tail keeps the end of what is written to it. The buffer is no embedded one:
// io.Copy would find its ReadFrom, which knows no limit.
type tail struct{ buf bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.buf.Write(p)
	if over := t.buf.Len() - maxOutput; over > 0 {
		t.buf.Next(over)
	}
	return n, err
}

func (t *tail) String() string { return t.buf.String() }

// envMap turns KEY=VALUE lines into a map; the last of a key counts.
func envMap(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, pair := range list {
		if key, value, ok := strings.Cut(pair, "="); ok {
			env[key] = value
		}
	}
	return env
}

// lineWriter calls fn for each line that is written to it.
type lineWriter struct {
	fn      func(string)
	pending []byte
}

// maxLine is where a line without an end is broken.
const maxLine = 16 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	w.pending = append(w.pending, p...)
	for {
		i := bytes.IndexByte(w.pending, '\n')
		if i < 0 && len(w.pending) < maxLine {
			return len(p), nil
		}
		if i < 0 {
			w.fn(string(w.pending))
			w.pending = w.pending[:0]
			return len(p), nil
		}
		w.fn(strings.TrimSuffix(string(w.pending[:i]), "\r"))
		w.pending = w.pending[i+1:]
	}
}

func (w *lineWriter) flush() {
	if len(w.pending) > 0 {
		w.fn(string(w.pending))
		w.pending = nil
	}
}
