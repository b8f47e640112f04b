//go:build linux

package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/remote"
)

// startAgent starts an agent as a process of its own and connects to it.
func startAgent(t *testing.T) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "ebpfdev") // the test binary runs as what it is called
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "agent")
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn := struct {
		io.Reader
		io.WriteCloser
	}{out, in}
	client, err := remote.Connect(t.Context(), conn, remote.Options{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return cmd
}

func TestSignalsEndWith128AndTheirNumber(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := startAgent(t)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 128+int(sig) {
				t.Errorf("ended with %v, want exit code %d", err, 128+int(sig))
			}
		})
	}
}

// A signal that comes twice at once, as timeout(1) sends it, is one signal: what
// was begun is still taken back. One that comes later ends the process.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		var cause error
		exited := 0
		go heed(signals, func(err error) { cause = err }, func(code int) { exited = code })
		signals <- syscall.SIGINT
		signals <- syscall.SIGINT
		synctest.Wait()
		if exited != 0 || cause == nil {
			t.Fatalf("after one signal, sent twice: exited with %d, cause %v", exited, cause)
		}
		time.Sleep(time.Second) // the clock of the bubble
		signals <- syscall.SIGTERM
		synctest.Wait()
		if exited != 130 {
			t.Errorf("after the second signal: exited with %d, want 130", exited)
		}
	})
}
