package guest

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Commander runs commands in this guest.
type Commander struct{}

var _ api.Commander = Commander{}

// RunCommand implements api.Commander.
func (Commander) RunCommand(ctx context.Context, req api.CommandRequest, fn func(api.CommandOutput) error) (api.CommandResult, error) {
	const op = "run in the guest"
	if len(req.Args) == 0 {
		return api.CommandResult{}, api.Errorf(op, "", api.ErrUsage, "no command")
	}
	for _, f := range req.Files {
		if err := write(f); err != nil {
			return api.CommandResult{}, api.E(op, f.Path, "", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &outputs{fn: fn, stop: cancel}
	cmd := exec.CommandContext(ctx, req.Args[0], req.Args[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), req.Env...), req.Dir
	if req.Dir == "" {
		cmd.Dir = "/root"
	}
	cmd.Stdout, cmd.Stderr = out.writer(false), out.writer(true)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	if sendErr := out.failed(); sendErr != nil {
		return api.CommandResult{}, sendErr
	}
	if ctx.Err() != nil {
		return api.CommandResult{}, ctx.Err()
	}
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return api.CommandResult{ExitCode: exitCode(ended)}, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return api.CommandResult{}, notThere(op, req.Args[0])
	case err != nil:
		return api.CommandResult{}, api.E(op, req.Args[0], "", err)
	}
	return api.CommandResult{}, nil
}

// notThere tells a program that is missing from one whose loader is.
func notThere(op, name string) error {
	if _, err := os.Stat(name); err != nil {
		return api.Errorf(op, name, api.ErrNotExist, "the guest has no such program: it has only ebpfdev and what is sent to it")
	}
	return api.Errorf(op, name, api.ErrNotExist, "it needs shared libraries, of which the guest has none: link it statically").
		WithHint("CGO_ENABLED=0 go build, or cc -static")
}

func exitCode(e *exec.ExitError) int {
	if status, ok := e.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return e.ExitCode()
}

func write(f api.CommandFile) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(f.Path, f.Data, os.FileMode(f.Mode)&os.ModePerm)
}

// outputs sends what two writers get to one function, which is called by one
// goroutine at a time.
type outputs struct {
	fn   func(api.CommandOutput) error
	stop func() // ends the command

	mu  sync.Mutex
	err error
}

func (o *outputs) writer(stderr bool) io.Writer { return outputWriter{o, stderr} }

func (o *outputs) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

type outputWriter struct {
	*outputs
	stderr bool
}

// Write implements io.Writer.
func (w outputWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		if w.err = w.fn(api.CommandOutput{Data: p, Stderr: w.stderr}); w.err != nil {
			w.stop()
		}
	}
	return len(p), w.err
}
