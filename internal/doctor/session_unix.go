//go:build unix

package doctor

import (
	"os/exec"
	"syscall"
)

// ownSession puts a process into a session of its own, out of reach of our
// terminal's signals.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// signalOf returns the number of the signal that ended a process, or 0.
func signalOf(e *exec.ExitError) int {
	if status, ok := e.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return int(status.Signal())
	}
	return 0
}
