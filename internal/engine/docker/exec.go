package docker

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// execOp is what every error of an exec says was being done.
const execOp = "exec in container"

// Exec starts a command in a running container.
func (e *Engine) Exec(ctx context.Context, id string, spec engine.ExecSpec) (engine.Process, error) {
	var size client.ConsoleSize
	if spec.TTY && spec.Size.Height > 0 && spec.Size.Width > 0 {
		size = client.ConsoleSize{Height: uint(spec.Size.Height), Width: uint(spec.Size.Width)}
	}
	created, err := e.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		Cmd: spec.Cmd, Env: spec.Env, User: spec.User, WorkingDir: spec.Dir,
		TTY: spec.TTY, ConsoleSize: size, AttachStdin: spec.Stdin, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, e.execFault(ctx, id, err)
	}
	attached, err := e.api.ExecAttach(ctx, created.ID, client.ExecAttachOptions{TTY: spec.TTY, ConsoleSize: size})
	if err != nil {
		return nil, e.execFault(ctx, id, err)
	}
	p := &process{engine: e, container: id, exec: created.ID, command: spec.Cmd[0], conn: attached.HijackedResponse, ended: make(chan struct{})}
	p.start(context.WithoutCancel(ctx), spec.TTY)
	go p.watch(context.WithoutCancel(ctx))
	if spec.TTY && size != (client.ConsoleSize{}) {
		// Engines before API 1.42 do not know the size at creation.
		_ = p.Resize(ctx, spec.Size)
	}
	return p, nil
}

// execFault adds why a container does not run: people look for the reason there.
func (e *Engine) execFault(ctx context.Context, id string, err error) error {
	err = e.fault(ctx, execOp, short(id), err)
	if api.KindOf(err) != api.ErrConflict {
		return err
	}
	c, inspectErr := e.InspectContainer(ctx, id)
	if inspectErr == nil && c.State != "running" && c.OOMKilled {
		return api.Errorf(execOp, short(id), api.ErrConflict, "it is not running: it ran out of memory and was killed")
	}
	return err
}

// process is a command that runs in a container, over one hijacked connection.
type process struct {
	engine    *Engine
	container string
	exec      string
	command   string
	refused   string // why it was not started, in the engine's words; set before ended is closed
	conn      client.HijackedResponse
	stdout    io.Reader
	stderr    io.Reader
	ended     chan struct{} // closed when both outputs have ended
	closeOnce sync.Once
	abort     func()
}

// start copies the connection to the two outputs until the command has ended.
func (p *process) start(ctx context.Context, tty bool) {
	outR, outW := io.Pipe()
	p.stdout = outR
	if tty {
		p.stderr = bytes.NewReader(nil)
		p.abort = func() { _ = outR.Close() }
		go func() {
			defer close(p.ended)
			held := &holdBack{to: outW}
			_, err := io.Copy(held, p.conn.Reader)
			outW.CloseWithError(p.settle(ctx, held, err))
		}()
		return
	}
	errR, errW := io.Pipe()
	p.stderr = errR
	p.abort = func() { _, _ = outR.Close(), errR.Close() }
	go func() {
		defer close(p.ended)
		held := &holdBack{to: outW}
		_, err := stdcopy.StdCopy(held, errW, p.conn.Reader)
		outW.CloseWithError(p.settle(ctx, held, err))
		errW.CloseWithError(err)
	}()
}

// watch ends the outputs when the container has gone and the engine does not
// end them: with the host's pid namespace and an attached input, Engine 26
// keeps the stream of a removed container's exec open for ever.
func (p *process) watch(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	gone := make(chan struct{})
	go func() {
		if _, err := p.engine.WaitContainer(ctx, p.container); err == nil || api.KindOf(err) == api.ErrNotExist {
			close(gone)
		}
	}()
	select {
	case <-p.ended:
		return
	case <-gone:
	}
	// What was printed last is still on its way.
	select {
	case <-p.ended:
	case <-time.After(settleWithin):
		p.conn.Close()
	}
}

// Stdin takes the command's input.
func (p *process) Stdin() io.WriteCloser { return stdin{p} }

// Stdout returns the command's output; with a terminal all of it.
func (p *process) Stdout() io.Reader { return p.stdout }

// Stderr returns the command's error output.
func (p *process) Stderr() io.Reader { return p.stderr }

// stdin writes to a process; closing it closes that half of the connection.
type stdin struct{ p *process }

func (s stdin) Write(b []byte) (int, error) { return s.p.conn.Conn.Write(b) }

func (s stdin) Close() error { return s.p.conn.CloseWrite() }

// Resize sets the size of the command's terminal.
func (p *process) Resize(ctx context.Context, size api.Size) error {
	if size.Height <= 0 || size.Width <= 0 {
		return nil
	}
	_, err := p.engine.api.ExecResize(ctx, p.exec, client.ExecResizeOptions{Height: uint(size.Height), Width: uint(size.Width)})
	return p.engine.fault(ctx, "resize terminal in container", short(p.container), err)
}

// Close drops the connection.
func (p *process) Close() error {
	p.closeOnce.Do(func() {
		p.conn.Close()
		p.abort()
	})
	return nil
}

// Wait returns the exit code. The engine closes the outputs a moment before it
// records the code, so the last bit is polled.
func (p *process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if p.refused != "" {
		return refusal(p.command, p.refused)
	}
	res, err := p.result(ctx)
	if err != nil {
		return 0, err
	}
	return p.exitCode(ctx, res.ExitCode)
}

// result polls until the engine says that the command has ended.
func (p *process) result(ctx context.Context) (client.ExecInspectResult, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		res, err := p.engine.api.ExecInspect(ctx, p.exec, client.ExecInspectOptions{})
		if err != nil {
			return res, p.waitFault(ctx, err)
		}
		if !res.Running {
			return res, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return res, ctx.Err()
		}
	}
}

// waitFault tells a container that is gone from an engine that is.
func (p *process) waitFault(ctx context.Context, err error) error {
	err = p.engine.fault(ctx, execOp, short(p.container), err)
	if api.KindOf(err) == api.ErrNotExist {
		return p.gone("the container was removed")
	}
	return err
}

// settleWithin is how long a container that is going away may still say that it
// runs after its commands were killed.
const settleWithin = 500 * time.Millisecond

// exitCode looks behind the code of a killed command: when its container is
// gone or stopped, that is what happened. The engine kills the commands first
// and takes note of it a moment later.
func (p *process) exitCode(ctx context.Context, code int) (int, error) {
	const killed = 137
	if code != killed {
		return code, nil
	}
	settled := time.After(settleWithin)
	for {
		runs, err := p.runs(ctx)
		if err != nil {
			return 0, err
		}
		select {
		case <-settled:
			if !runs { // nor was it on its way to be removed
				return 0, p.gone("the container was stopped")
			}
			return code, nil // only this command was killed
		case <-time.After(settleWithin / 20):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// runs reports whether the container still runs; one that was removed or died
// is an error that says so.
func (p *process) runs(ctx context.Context) (bool, error) {
	c, err := p.engine.InspectContainer(ctx, p.container)
	switch {
	case api.KindOf(err) == api.ErrNotExist:
		return false, p.gone("the container was removed")
	case err != nil:
		return false, err
	case c.State == "removing":
		return false, p.gone("the container was removed")
	case c.State == "running" || c.State == "paused":
		return true, nil
	case c.OOMKilled:
		return false, p.gone("the container ran out of memory and was killed")
	default:
		return false, nil
	}
}

func (p *process) gone(cause string) error {
	return api.Errorf(execOp, short(p.container), api.ErrNotExist, cause).WithHint("ebpfdev up")
}
