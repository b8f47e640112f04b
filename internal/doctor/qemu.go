package doctor

import (
	"context"
	"runtime"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// qemu is the program that boots other kernels.
const qemu = "qemu-system-x86_64"

// checkQEMU looks for what --kernel needs. All else works without, so that its
// absence is nothing to be warned of.
func (x *examination) checkQEMU(ctx context.Context) []api.Check {
	const (
		id, title = "qemu", "QEMU"
		why       = "boots other kernels: ebpfdev run --kernel 6.12"
		fix       = "sudo apt-get install --no-install-recommends qemu-system-x86"
	)
	switch {
	case runtime.GOOS != "linux" || runtime.GOARCH != "amd64":
		return nil // guests are x86-64 and share memory with a Linux host
	case !x.doctor.machine.path(qemu):
		return []api.Check{ok(id, title, "not installed; only --kernel needs it", why)}
	}
	out, err := cmd(qemu, "--version").process(ctx).Output()
	if err != nil {
		return []api.Check{warn(id, title, qemu+" does not start: "+err.Error(), why, fix)}
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(string(out), "QEMU emulator "), "\n")
	return []api.Check{ok(id, title, strings.TrimSpace(version), why)}
}
