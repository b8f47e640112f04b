//go:build kernel

package vm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/vm"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// The test binary is the guest's first process too, and with one of these words
// the child of it.
const (
	echoWord  = "echo"  // sends back what it gets
	panicWord = "panic" // makes the kernel panic once it gets something
	deadWord  = "dead"  // never meets the host
	exitWord  = "exit"  // ends without meeting the host
)

func TestMain(m *testing.M) {
	if guest.IsInit() {
		if err := guest.Init(append([]string{"/init"}, os.Args[1:]...), os.Stderr); err != nil {
			panic(err)
		}
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		child(os.Args[1])
		return
	}
	os.Exit(m.Run())
}

func child(word string) {
	switch word {
	case deadWord:
		for {
			_ = unix.Pause()
		}
	case exitWord:
		os.Exit(3)
	}
	box, err := guest.NewMailbox()
	if err != nil {
		panic(err)
	}
	for word == echoWord {
		conn := meet(box)
		_, _ = io.CopyN(struct{ io.Writer }{conn}, conn, echoSize)
		_, _ = conn.Read(make([]byte, 1)) // the host says that it has all
		if err := conn.Close(); err != nil {
			panic(err)
		}
	}
	conn := meet(box)
	_, _ = conn.Read(make([]byte, 1))
	_ = os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
}

func meet(box *guest.Mailbox) io.ReadWriteCloser {
	conn, err := box.Meet()
	if err != nil {
		panic(err)
	}
	return conn
}

// echoSize is what the echo sends back at a meeting.
const echoSize = 16 << 20

func config(t *testing.T, word string) vm.Config {
	t.Helper()
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return vm.Config{QEMU: qemu, Kernel: kerneltest.Image(t, "6.12").Vmlinux, Name: "test", Init: self, Args: []string{word}}
}

func start(t *testing.T, c vm.Config) *vm.Machine {
	t.Helper()
	began := time.Now()
	m, err := vm.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %s", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("console:\n%s", m.Console())
		}
	})
	return m
}

// A guest is met again and again, and bytes go through its memory.
func TestEcho(t *testing.T) {
	m := start(t, config(t, echoWord))
	for range 3 {
		conn := met(t, m)
		sent := make([]byte, echoSize)
		_, _ = rand.Read(sent)
		began := time.Now()
		wrote := make(chan error, 1)
		go func() { _, err := conn.Write(sent); wrote <- err }()
		got := make([]byte, len(sent))
		_, err := io.ReadFull(conn, got)
		if err = errors.Join(err, <-wrote); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, sent) {
			t.Error("what came back differs")
		}
		t.Logf("16 MiB there and back in %s", time.Since(began).Round(time.Millisecond))
		_, err = conn.Write([]byte("x"))
		if err = errors.Join(err, conn.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func met(t *testing.T, m *vm.Machine) io.ReadWriteCloser {
	t.Helper()
	conn, err := m.Meet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestPanic(t *testing.T) {
	m := start(t, config(t, panicWord))
	conn := met(t, m)
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("read to the end: %v", err)
	}
	if reason := m.Reason(); !strings.Contains(reason, "Kernel panic - not syncing") {
		t.Errorf("reason = %q; console:\n%s", reason, m.Console())
	}
}

func TestHang(t *testing.T) {
	c := config(t, deadWord)
	c.Timeout = 8 * time.Second
	_, err := vm.Start(t.Context(), c)
	if !errors.Is(err, api.ErrTimeout) {
		t.Errorf("a guest that never answers: %v", err)
	}
}

func TestInitEnds(t *testing.T) {
	_, err := vm.Start(t.Context(), config(t, exitWord))
	if !errors.Is(err, api.ErrUnreachable) || !strings.Contains(err.Error(), "ended: status") {
		t.Errorf("a guest whose program ends: %v", err)
	}
}

func TestNoKernel(t *testing.T) {
	c := config(t, echoWord)
	c.Kernel = c.Init // an ELF file, and no kernel
	_, err := vm.Start(t.Context(), c)
	if !errors.Is(err, api.ErrUnreachable) || !strings.Contains(err.Error(), "qemu-system") {
		t.Errorf("a kernel that is none: %v", err)
	}
}

func TestInitThatCannotStart(t *testing.T) {
	c := config(t, echoWord)
	for name, want := range map[string]string{"/bin/sh": "shared libraries", "/etc/passwd": "no Linux program"} {
		c.Init = name
		if _, err := vm.Start(t.Context(), c); !errors.Is(err, api.ErrEnvironment) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := vm.Start(ctx, config(t, deadWord)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
