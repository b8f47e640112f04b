package tui

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

// asProgram makes the test binary the TUI over a fake: "run", "panic" or "wizard".
const asProgram = "EBPFDEV_TEST_TUI"

func TestMain(m *testing.M) {
	mode := os.Getenv(asProgram)
	if mode == "" {
		os.Exit(m.Run())
	}
	opt := Options{
		In: os.Stdin, Out: os.Stdout, Env: os.Environ(), Folder: "/src/probe", Version: "test",
		Workspace: apitest.NewFakeWorkspace(apitest.NewFake()), Scaffolder: apitest.NewFakeScaffolder(),
	}
	ctx := context.Background() //nolint:forbidigo // this is a program's main, there is no test to take one from
	var err error
	switch mode {
	case "wizard":
		var req api.ScaffoldRequest
		var up bool
		req, up, err = Wizard(ctx, opt)
		fmt.Printf("wizard: %s %s %v\n", req.Name, req.Kind, up)
	case "panic":
		opt.Workspace = panics{opt.Workspace}
		fallthrough
	default:
		err = Run(ctx, opt)
	}
	fmt.Println("ended:", err)
	os.Exit(0)
}

type panics struct{ api.Workspace }

func (panics) Status(context.Context, api.StatusRequest) (api.Status, error) { panic("on purpose") }

// terminal is a program on a pseudo terminal of its own.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	before unix.Termios

	mu  sync.Mutex
	out bytes.Buffer
}

func openTerminal(t *testing.T, mode string, env ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		missing(t, fmt.Sprintf("no pseudo terminal: %v", err))
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		missing(t, fmt.Sprintf("no pseudo terminal: %v", err))
	}
	t.Cleanup(func() { slave.Close() })
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, master: master, slave: slave}
	term.before = term.mode()
	term.cmd = exec.CommandContext(t.Context(), os.Args[0])
	term.cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "LANG=C.UTF-8", asProgram+"="+mode), env...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.read()
	return term
}

// missing skips a test where a part is missing, and fails it in continuous
// integration, where every part has to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func (p *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := p.master.Read(buf)
		p.mu.Lock()
		p.out.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *terminal) mode() unix.Termios {
	p.t.Helper()
	m, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *m
}

// waitFor waits until the program has printed a text.
func (p *terminal) waitFor(text string) {
	p.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		p.mu.Lock()
		seen := p.out.String()
		p.mu.Unlock()
		if strings.Contains(seen, text) {
			return
		}
		select {
		case <-again.C:
		case <-limit.C:
			p.t.Fatalf("never printed %q: %q", text, seen)
		}
	}
}

func (p *terminal) send(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the program's end and checks that the terminal is as it was.
func (p *terminal) ends(text string) {
	p.t.Helper()
	p.waitFor(text)
	if err := p.cmd.Wait(); err != nil {
		p.mu.Lock()
		p.t.Errorf("the program ended with %v: %s", err, p.out.String())
		p.mu.Unlock()
	}
	if after := p.mode(); after != p.before {
		p.t.Errorf("the terminal's mode is %+v, was %+v", after, p.before)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.out.String()
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
		if strings.LastIndex(out, on) > strings.LastIndex(out, off) {
			p.t.Errorf("%q was not undone", on)
		}
	}
}

func TestTheTerminalIsRestored(t *testing.T) {
	for name, leave := range map[string]struct {
		mode, ended string
		do          func(*terminal)
	}{
		"q":       {"run", "ended: <nil>", func(p *terminal) { p.send("q") }},
		"ctrl+c":  {"run", "ended: <nil>", func(p *terminal) { p.send("\x03"); p.send("\x03") }},
		"SIGTERM": {"run", "ended: context canceled", func(p *terminal) { _ = p.cmd.Process.Signal(syscall.SIGTERM) }},
		"SIGHUP":  {"run", "ended: context canceled", func(p *terminal) { _ = p.cmd.Process.Signal(syscall.SIGHUP) }},
		"panic":   {"panic", "ended: terminal: ", func(*terminal) {}},
	} {
		t.Run(name, func(t *testing.T) {
			p := openTerminal(t, leave.mode)
			if leave.mode == "run" {
				p.waitFor("1003")
			}
			leave.do(p)
			p.ends(leave.ended)
		})
	}
}

func TestWizardByItself(t *testing.T) {
	p := openTerminal(t, "wizard")
	p.waitFor("What is it called?")
	p.send("\r")
	p.waitFor("write it in?")
	p.send("\r")
	p.waitFor("shall it do?")
	p.send("\r")
	p.waitFor("container run?")
	p.send("\r")
	p.waitFor("Make it?")
	p.send("\r")
	p.waitFor("wizard: my-probe tracepoint true")
	p.ends("ended: <nil>")
	left := openTerminal(t, "wizard")
	left.waitFor("What is it called?")
	left.send("\x03")
	left.ends("ended: context canceled")
}

// TestIdleIsQuiet counts what an idle screen writes to the terminal.
func TestIdleIsQuiet(t *testing.T) {
	p := openTerminal(t, "run", "NO_COLOR=yes")
	p.waitFor("1003")
	p.waitFor("BTF")
	size := func() int { p.mu.Lock(); defer p.mu.Unlock(); return p.out.Len() }
	before := size()
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	<-timer.C
	if n := size() - before; n > 2000 {
		t.Errorf("an idle screen wrote %d bytes in 3 s", n)
	}
	p.send("q")
	p.ends("ended: <nil>")
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.Contains(p.out.String(), "\x1b[38;5") || strings.Contains(p.out.String(), "\x1b[48;5") {
		t.Error("NO_COLOR=yes and there are colours")
	}
}
