// Package kernel is a target on another kernel than this machine's: a guest that
// package vm boots in QEMU, with this very program as its first process and agent.
// It ends with the target, and everything that was loaded with it.
package kernel

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"strings"

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
	// QEMU is the path of qemu-system-x86_64; "" for the one on the PATH.
	QEMU string
}

// Target is a booted kernel. Besides what a target can do it runs commands.
type Target struct {
	*remote.Client
	machine *vm.Machine
	image   api.KernelImage
}

var _ api.Guest = (*Target)(nil)

// Open boots a kernel, and connects to the agent in it.
//
// Errors: ErrEnvironment (no QEMU), ErrUnreachable (the kernel does not come up),
// ErrTimeout (it hangs), the context's.
func Open(ctx context.Context, image api.KernelImage, o Options) (*Target, error) {
	path, err := exec.LookPath(cmp.Or(o.QEMU, qemu))
	if err != nil {
		return nil, api.Errorf("boot", image.Release, api.ErrEnvironment, "QEMU is not installed: there is no "+qemu).
			WithHint("sudo apt-get install --no-install-recommends qemu-system-x86")
	}
	machine, err := boot(ctx, vm.Config{
		QEMU: path, Kernel: image.Vmlinux, Name: image.Release, Init: o.Executable, Args: o.Args,
	}, o.Verdict)
	if err != nil {
		return nil, err
	}
	t := &Target{machine: machine, image: image}
	t.Client, err = remote.Connect(ctx, machine.Conn(), remote.Options{
		Version: o.Version, Lost: t.lost,
	})
	if err != nil {
		return nil, errors.Join(err, machine.Close())
	}
	return t, nil
}

// lost says why the guest is gone: what is done in a kernel may end it, so its
// panic is a result. One that is silent hangs.
func (t *Target) lost(err error) error {
	cause := t.machine.Reason()
	if strings.HasPrefix(cause, "Kernel panic") {
		return &api.Error{Op: "run in the guest", Object: t.image.Release, Kind: api.ErrFailed, Cause: cause, Err: err}
	}
	return &api.Error{
		Op: "run in the guest", Object: t.image.Release, Kind: api.ErrUnreachable, Err: err,
		Cause: cmp.Or(cause, "its kernel hangs, or its agent: "+err.Error()), Hint: "ebpfdev kernel list",
	}
}

// Image is the kernel that runs.
func (t *Target) Image() api.KernelImage { return t.image }

// Console is what the kernel printed, its beginning and its end.
func (t *Target) Console() string { return t.machine.Console() }

// Close implements api.Target: the machine is turned off.
func (t *Target) Close() error {
	err := t.Client.Close()
	if errors.Is(err, api.ErrUnreachable) || errors.Is(err, api.ErrFailed) {
		err = nil // it ended by itself, and whoever used it was told
	}
	return errors.Join(err, t.machine.Close())
}
