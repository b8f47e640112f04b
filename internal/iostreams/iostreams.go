// Package iostreams holds what a process is given by its caller: the three
// standard streams, what is known of the terminals behind them, and the
// environment. Commands take them from here and nowhere else, so that a test
// can put buffers in their place.
package iostreams

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// defaultWidth is the width of a terminal that does not tell its own.
const defaultWidth = 80

// IOStreams is a process's standard streams and environment.
type IOStreams struct {
	In     io.Reader
	Out    io.Writer // results: what a pipe should get
	ErrOut io.Writer // progress, prompts and errors: what a person should see

	// Broken is called once, when the reader of Out went away or Out took no
	// more bytes. It may be nil.
	Broken func()

	in, out, err *os.File // the real streams, nil in tests
	inTTY        bool
	outTTY       bool
	errTTY       bool
	width        int // of Out; 0 asks the terminal
	env          []string
	uid          int

	mu     sync.Mutex
	outErr error
}

// System returns the process's own streams.
func System() *IOStreams {
	s := &IOStreams{
		In: os.Stdin, ErrOut: os.Stderr,
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTTY:  isTerminal(os.Stdin),
		outTTY: isTerminal(os.Stdout),
		errTTY: isTerminal(os.Stderr),
		env:    os.Environ(),
		uid:    os.Geteuid(),
	}
	s.Out = &watchedWriter{w: os.Stdout, failed: s.outFailed}
	return s
}

// UID returns the effective user id of the process; -1 on Windows.
func (s *IOStreams) UID() int { return s.uid }

// SetUID lets a test run as another user.
func (s *IOStreams) SetUID(uid int) { s.uid = uid }

// Test returns streams over buffers, none a terminal, with the given environment.
func Test(env ...string) (s *IOStreams, in, out, errOut *bytes.Buffer) {
	in, out, errOut = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	return &IOStreams{In: in, Out: out, ErrOut: errOut, env: env}, in, out, errOut
}

// SetTTY says which streams are to pass for terminals, and their width.
func (s *IOStreams) SetTTY(in, out, errOut bool, width int) {
	s.inTTY, s.outTTY, s.errTTY, s.width = in, out, errOut, width
}

// InTTY reports whether In is a terminal.
func (s *IOStreams) InTTY() bool { return s.inTTY }

// OutTTY reports whether Out is a terminal.
func (s *IOStreams) OutTTY() bool { return s.outTTY }

// ErrTTY reports whether ErrOut is a terminal.
func (s *IOStreams) ErrTTY() bool { return s.errTTY }

// CanPrompt reports whether a person can be asked: questions go to ErrOut and
// answers come from In.
func (s *IOStreams) CanPrompt() bool { return s.inTTY && s.errTTY }

// Accessible reports whether the screen should only grow downwards: no redrawn
// lines, no spinners. A screen reader's user asks for it with ACCESSIBLE=1, a
// terminal that can do no better says TERM=dumb.
func (s *IOStreams) Accessible() bool {
	if v, _ := s.Env("ACCESSIBLE"); v != "" && v != "0" {
		return true
	}
	v, _ := s.Env("TERM")
	return v == "dumb"
}

// Width returns the width in cells of the terminal behind Out or, when Out is
// none, behind ErrOut; 80 when neither tells.
func (s *IOStreams) Width() int {
	if s.width > 0 {
		return s.width
	}
	for _, f := range []*os.File{s.out, s.err} {
		if f == nil {
			continue
		}
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return defaultWidth
}

// Env returns a variable of the environment.
func (s *IOStreams) Env(name string) (string, bool) {
	for i := len(s.env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(s.env[i], "="); ok && k == name {
			return v, true
		}
	}
	return "", false
}

// Environ returns the environment as KEY=VALUE.
func (s *IOStreams) Environ() []string { return s.env }

// Screen returns what a full-screen program draws on: the file behind Out, which
// it needs to ask for the terminal's size and mode, or Out itself in tests.
func (s *IOStreams) Screen() io.Writer {
	if s.out != nil {
		return s.out
	}
	return s.Out
}

// OutErr returns the first error of a write to Out.
func (s *IOStreams) OutErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outErr
}

// OutClosed reports whether the reader of Out went away.
func (s *IOStreams) OutClosed() bool { return errors.Is(s.OutErr(), syscall.EPIPE) }

func (s *IOStreams) outFailed(err error) {
	s.mu.Lock()
	first := s.outErr == nil
	if first {
		s.outErr = err
	}
	s.mu.Unlock()
	if first && s.Broken != nil {
		s.Broken()
	}
}

// watchedWriter reports the first error of a writer.
type watchedWriter struct {
	w      io.Writer
	failed func(error)
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.failed(err)
	}
	return n, err
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
