package vm

import (
	"os"
	"syscall"
)

// nobody is the user and group that owns nothing.
const nobody = 65534

// attributes make QEMU end with this process and, when that is root, run as
// nobody. KVM's device may be root's only.
func attributes(kvm bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if os.Geteuid() == 0 && !kvm {
		a.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return a
}
