//go:build docker && unix

package docker_test

import (
	"syscall"
	"testing"
)

// makePipe makes a file that would block whoever opened it.
func makePipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
