package kernel

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/kernel/vm"
)

// kvmDevice is how a machine offers KVM.
const kvmDevice = "/dev/kvm"

// kvmTime is how long a boot under KVM may take. It takes a fraction of that where
// KVM works. There are machines, virtual themselves, whose KVM accepts a guest and
// never gets anywhere with it: only a boot tells.
const kvmTime = 2 * time.Second

// boot starts a machine: under KVM where that has proven to work, else emulated.
// What was found out holds until this machine is started anew or QEMU changes.
func boot(ctx context.Context, c vm.Config, verdict string) (*vm.Machine, error) {
	if verdict == "" || !opens(kvmDevice) {
		return vm.Start(ctx, c)
	}
	here := circumstances(c.QEMU)
	known := read(verdict)
	if known == "no "+here {
		return vm.Start(ctx, c)
	}
	fast := c
	fast.KVM = true
	if known != "yes "+here {
		fast.Timeout = kvmTime
	}
	m, err := vm.Start(ctx, fast)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		write(verdict, "no "+here)
		return vm.Start(ctx, c)
	}
	write(verdict, "yes "+here)
	return m, nil
}

// opens reports whether this user may use a device.
func opens(device string) bool {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// circumstances are what the verdict on KVM depends on.
func circumstances(qemu string) string {
	words := []string{read("/proc/sys/kernel/random/boot_id"), qemu}
	if info, err := os.Stat(qemu); err == nil {
		words = append(words, info.ModTime().UTC().Format(time.RFC3339))
	}
	return strings.Join(words, " ")
}

func read(name string) string {
	b, _ := os.ReadFile(name) // one that is not there says nothing
	return strings.TrimSpace(string(b))
}

// write keeps the verdict; where it cannot, the next boot finds out again.
func write(name, text string) {
	_ = os.MkdirAll(filepath.Dir(name), 0o755)
	_ = os.WriteFile(name, []byte(text+"\n"), 0o600)
}
