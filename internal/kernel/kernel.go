// Package kernel is a target on another kernel than this machine's: a guest that
// package vm boots in QEMU, with this very program as its first process and agent.
// It ends with the target, and everything that was loaded with it.
package kernel

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/vm"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

// qemu is the program that boots x86-64 kernels.
const qemu = "qemu-system-x86_64"

// Options are what a guest needs from outside.
type Options struct {
	// Executable is the path of this program for x86-64 Linux, without libraries.
	Executable string
	// Args make it the guest's first process, whose child is the agent.
	Args []string
	// Version of this program.
	Version string
	// Verdict is the file that keeps whether KVM works here; it may be deleted. ""
	// for a machine that is always emulated.
	Verdict string
}

// Machine is a booted kernel. It holds no session of its own.
type Machine struct {
	vm    *vm.Machine
	image api.KernelImage
	opts  Options
	taken atomic.Bool // a session is open
}

// Target is a session with a booted kernel: one at a time. Besides what a target can
// do it runs commands.
type Target struct {
	*remote.Client
	machine *Machine
	whole   bool // the machine ends with it
}

var _ api.Guest = (*Target)(nil)

// Boot boots a kernel.
//
// Errors: ErrEnvironment (no QEMU), ErrUnreachable (the kernel does not come up),
// ErrTimeout (it hangs), the context's.
func Boot(ctx context.Context, image api.KernelImage, o Options) (*Machine, error) {
	path, err := exec.LookPath(qemu)
	if err != nil {
		return nil, api.Errorf("boot", image.Release, api.ErrEnvironment, "QEMU is not installed: there is no "+qemu).
			WithHint("sudo apt-get install --no-install-recommends qemu-system-x86")
	}
	machine, err := boot(ctx, vm.Config{
		QEMU: path, Kernel: image.Vmlinux, Name: image.Release, Init: o.Executable, Args: o.Args, Wide: needsWide(image.Series),
	}, o.Verdict)
	if err != nil {
		return nil, err
	}
	return &Machine{vm: machine, image: image, opts: o}, nil
}

// needsWide reports whether a kernel needs cmpxchg16b: since Linux 7 what BPF keeps
// for tasks, sockets and cgroups is allocated with it.
func needsWide(series string) bool {
	major, _, _ := strings.Cut(series, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 7
}

// Open boots a kernel for one session, with which it ends. Errors: as for Boot.
func Open(ctx context.Context, image api.KernelImage, o Options) (*Target, error) {
	m, err := Boot(ctx, image, o)
	if err != nil {
		return nil, err
	}
	t, err := m.Open(ctx)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	t.whole = true
	return t, nil
}

// Open begins a session. What the one before it held is gone.
// Errors: ErrConflict (one is open), ErrUnreachable (the machine has ended), the
// context's.
func (m *Machine) Open(ctx context.Context) (*Target, error) {
	if !m.taken.CompareAndSwap(false, true) {
		return nil, api.Errorf("open", "kernel "+m.image.Release, api.ErrConflict, "the guest serves one session at a time")
	}
	t := &Target{machine: m}
	conn, err := m.vm.Meet(ctx)
	if err == nil {
		t.Client, err = remote.Connect(ctx, conn, remote.Options{Version: m.opts.Version, Lost: m.lost})
	}
	if err != nil {
		m.taken.Store(false)
		return nil, err
	}
	return t, nil
}

// Close turns the machine off.
func (m *Machine) Close() error { return m.vm.Close() }

// lost says why the guest is gone: what is done in a kernel may end it, so its
// panic is a result. One that is silent hangs.
func (m *Machine) lost(err error) error {
	cause := m.vm.Reason()
	if strings.HasPrefix(cause, "Kernel panic") {
		return &api.Error{Op: "run in the guest", Object: m.image.Release, Kind: api.ErrFailed, Cause: cause, Err: err}
	}
	return &api.Error{
		Op: "run in the guest", Object: m.image.Release, Kind: api.ErrUnreachable, Err: err,
		Cause: cmp.Or(cause, "its kernel hangs, or its agent: "+err.Error()), Hint: "ebpfdev kernel list",
	}
}

// Image is the kernel that runs.
func (t *Target) Image() api.KernelImage { return t.machine.image }

// Console is what the kernel printed, its beginning and its end.
func (t *Target) Console() string { return t.machine.vm.Console() }

// Close implements api.Target.
func (t *Target) Close() error {
	err := t.Client.Close()
	t.machine.taken.Store(false)
	if !t.whole {
		return err
	}
	if errors.Is(err, api.ErrUnreachable) || errors.Is(err, api.ErrFailed) {
		err = nil // it ended by itself, and whoever used it was told
	}
	return errors.Join(err, t.machine.Close())
}
