package doctor

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/shell"
)

// command is a program with its arguments, and what it finds added to its
// environment. A plan shows the very commands that Apply runs.
type command struct {
	env  []string
	argv []string
}

func cmd(argv ...string) command { return command{argv: argv} }

// String writes the command as a shell would read it.
func (c command) String() string {
	words := make([]string, 0, len(c.env)+1)
	for _, e := range c.env {
		name, value, _ := strings.Cut(e, "=")
		words = append(words, name+"="+shell.Quote(value))
	}
	return strings.Join(append(words, shell.Join(c.argv...)), " ")
}

// process prepares the command. When the context ends it is interrupted, so
// that it can take back what it has begun, and killed only if it does not.
func (c command) process(ctx context.Context) *exec.Cmd {
	p := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	p.Env = append(p.Environ(), c.env...)
	p.Cancel = func() error { return p.Process.Signal(os.Interrupt) }
	p.WaitDelay = 30 * time.Second
	return p
}

// run runs the command and sends what it prints, line by line.
func (c command) run(ctx context.Context, s *step) error {
	p := c.process(ctx)
	out, w := io.Pipe()
	p.Stdout, p.Stderr = w, w
	if err := s.line("$ " + c.String()); err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return startFault(c, err)
	}
	waited := make(chan error, 1)
	go func() {
		err := p.Wait()
		_ = w.Close()
		waited <- err
	}()
	last, fnErr := s.lines(out)
	_, _ = io.Copy(io.Discard, out)
	err := <-waited
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if fnErr != nil {
		return fnErr
	}
	return exitFault(c, err, last)
}

// try is run for a command that may fail: that is a warning.
func (c command) try(ctx context.Context, s *step) error {
	err := c.run(ctx, s)
	var tool *api.ToolError
	if errors.As(err, &tool) {
		return s.report(api.StepWarning, err.Error())
	}
	return err
}

func startFault(c command, err error) error {
	return api.E("run", c.argv[0], api.ErrEnvironment, err)
}

// exitFault says how a command ended; nil when it ended well.
func exitFault(c command, err error, last string) error {
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return startFault(c, err)
	}
	return &api.ToolError{Tool: filepath.Base(c.argv[0]), ExitCode: exitCode(exit), Stderr: last}
}

// exitCode is 128+n for a command that a signal ended.
func exitCode(e *exec.ExitError) int {
	if code := e.ExitCode(); code >= 0 {
		return code
	}
	return 128 + signalOf(e)
}

// step reports one fix while it is applied.
type step struct {
	id    string
	title string
	fn    func(api.Progress) error
}

func (s *step) report(state api.StepState, line string) error {
	return s.progress(api.Progress{State: state, Line: line})
}

func (s *step) line(text string) error { return s.report(api.StepRunning, text) }

func (s *step) progress(p api.Progress) error {
	if s.fn == nil {
		return nil
	}
	p.Time, p.Step, p.Title = time.Now(), s.id, s.title
	return s.fn(p)
}

// lines reports lines as they come and returns the last of them, at most 20.
func (s *step) lines(r io.Reader) (tail string, err error) {
	var last []string
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 64<<10)
	for scan.Scan() {
		text := strings.TrimRight(scan.Text(), "\r")
		if i := strings.LastIndexByte(text, '\r'); i >= 0 {
			text = text[i+1:] // a progress bar: its last state
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if last = append(last, text); len(last) > 20 {
			last = last[1:]
		}
		if err := s.line(text); err != nil {
			return strings.Join(last, "\n"), err
		}
	}
	return strings.Join(last, "\n"), nil
}
