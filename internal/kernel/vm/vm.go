package vm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/mailbox"
)

// Config is a machine that is wanted.
type Config struct {
	QEMU    string        // path of qemu-system-x86_64
	Kernel  string        // path of a vmlinux, an ELF file
	Name    string        // of the kernel, for people: "6.12.57+deb13-cloud-amd64"
	Init    string        // path of the static executable that becomes /init
	Args    []string      // its arguments
	Memory  int64         // bytes; 0 for DefaultMemory
	KVM     bool          // use KVM
	Wide    bool          // emulate cmpxchg16b, without which Linux 7 allocates nothing for storage of BPF
	Timeout time.Duration // until the guest is ready; 0 for DefaultTimeout
}

// Defaults of a Config.
const (
	DefaultMemory  = 512 << 20
	DefaultTimeout = 60 * time.Second
)

// Machine is a guest that runs.
type Machine struct {
	memory  *memory
	cmd     *exec.Cmd
	line    *line
	console *console
	name    string
	close   func() error

	first []guest.Run   // of the meeting that Start waited for
	conn  *mailbox.Conn // of the last meeting; nil before the first
}

// Start boots a kernel and waits until it can be met. Whatever
// happens, no process and no file is left when it returns an error; ctx is only for
// the start.
//
// Errors: ErrEnvironment (QEMU cannot be started), ErrUnreachable (the kernel
// panicked or its first process failed; the cause says what the console said),
// ErrTimeout (it hangs), the context's.
func Start(ctx context.Context, c Config) (_ *Machine, err error) {
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, errHangs)
	defer cancel()
	m := &Machine{name: c.Name, console: newConsole()}
	if m.memory, err = newMemory(c.Memory); err != nil {
		return nil, api.E("boot", c.Name, api.ErrEnvironment, err)
	}
	if err := m.start(c); err != nil {
		m.memory.close()
		return nil, api.E("boot", c.Name, api.ErrEnvironment, err)
	}
	m.close = sync.OnceValue(m.end)
	stop := context.AfterFunc(ctx, func() { _ = m.cmd.Process.Kill() })
	m.first, err = m.line.meeting()
	if !stop() { // it was killed
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = m.Close()
		return nil, m.bootError(err, c.Timeout)
	}
	return m, nil
}

// errHangs is the cause of a context that ended because a kernel took too long.
var errHangs = errors.New("it hangs")

// start starts QEMU.
func (m *Machine) start(c Config) error {
	files, err := openFiles(c, m.memory)
	if err != nil {
		return err
	}
	defer files.close()
	go m.console.follow(files.console)
	m.cmd = exec.Command(c.QEMU, arguments(c, files)...) //nolint:noctx // it outlives the context of its start
	m.cmd.ExtraFiles = files.list
	m.cmd.SysProcAttr = attributes(c.KVM)
	m.cmd.Env = []string{"PATH=/usr/bin:/bin"}
	m.cmd.Stderr = m.console
	in, err := m.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.line = newLine(out, in, m.console)
	return nil
}

// Meet returns a stream to the guest's process, which serves one at a time and
// waits to be met again once it is closed. It waits until the guest is ready. One
// goroutine may meet the guest.
// Errors: ErrUnreachable (the machine has ended), the context's.
func (m *Machine) Meet(ctx context.Context) (io.ReadWriteCloser, error) {
	const op = "meet guest"
	runs := m.first
	if m.first = nil; runs == nil {
		select {
		case runs = <-m.line.ready:
		case <-m.line.ended:
			return nil, api.Errorf(op, m.name, api.ErrUnreachable, cmp.Or(m.Reason(), errEnded.Error()))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	pages, err := m.memory.pages(runs)
	if err == nil {
		m.conn, err = mailbox.Open(mailbox.Host, pages, m.line.bell())
	}
	if err != nil {
		return nil, api.E(op, m.name, api.ErrUnreachable, err)
	}
	return m.conn, nil
}

// errEnded is a machine that was there and is no more.
var errEnded = errors.New("the machine has ended")

// bootError says why a boot failed, with what the console knows.
func (m *Machine) bootError(err error, limit time.Duration) error {
	switch {
	case errors.Is(err, errHangs):
		cause := fmt.Sprintf("not ready after %s", limit)
		if last := m.console.last(); last != "" {
			cause += "; its console ends with: " + last
		}
		return api.Errorf("boot", m.name, api.ErrTimeout, cause)
	case errors.Is(err, errEnded):
		return api.Errorf("boot", m.name, api.ErrUnreachable, cmp.Or(m.Reason(), err.Error()))
	default:
		return api.E("boot", m.name, api.ErrUnreachable, err)
	}
}

// Reason says why the guest ended, in its console's words: the line of a panic, a
// complaint of QEMU's, or the last line; empty while it said nothing.
func (m *Machine) Reason() string {
	select {
	case <-m.line.ended:
		<-m.console.ended // its last words may come after the line is cut
	default:
	}
	return m.console.reason()
}

// Console returns the console's output: its beginning and its end when it is long.
func (m *Machine) Console() string { return m.console.String() }

// Close turns the machine off and frees its memory. Twice is the same as once.
func (m *Machine) Close() error { return m.close() }

func (m *Machine) end() error {
	_ = m.cmd.Process.Kill() // it has no disk: there is nothing to be put in order
	if m.conn != nil {
		_ = m.conn.Close() // nobody looks at the memory any more
	}
	<-m.line.ended
	<-m.console.ended
	_ = m.line.in.Close()
	err := m.cmd.Wait()
	m.memory.close()
	var ended *exec.ExitError
	if errors.As(err, &ended) || errors.Is(err, os.ErrClosed) {
		return nil // killed, as was wanted
	}
	return err
}
