//go:build kernel

package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/kernel"
	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
)

// Words that make this binary a part of a guest.
const (
	initWord  = "first-process"
	agentWord = "agent"
	keepWord  = "keeper"
	killWord  = "kill"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if part, ok := parts()[os.Args[1]]; ok {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) //nolint:forbidigo // a main function's
			defer stop()
			if err := part(ctx); err != nil {
				_, _ = io.WriteString(os.Stderr, "error: "+err.Error()+"\n")
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(kerneltest.Main(m))
}

func parts() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		initWord:  func(context.Context) error { return guest.Init([]string{"/init", agentWord}, os.Stderr) },
		keepWord:  func(ctx context.Context) error { return local.Keep(ctx, os.Stdin) },
		agentWord: serve,
		killWord: func(context.Context) error {
			pid, err := strconv.Atoi(os.Args[2])
			return errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
		},
	}
}

func serve(ctx context.Context) error {
	return guest.Serve(ctx, func(conn io.ReadWriteCloser) error {
		target, err := local.New(local.Options{KeepProcess: []string{"/init", keepWord}})
		if err != nil {
			return errors.Join(err, conn.Close())
		}
		return agent.Serve(ctx, conn, conn, agent.Options{Target: target, Commander: guest.Commander{}, Version: "test"})
	})
}

// boot boots a guest for the test.
func boot(t *testing.T, version string) *kernel.Machine {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m, err := kernel.Boot(t.Context(), kerneltest.Image(t, version), kernel.Options{
		Executable: self, Args: []string{initWord}, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func open(t *testing.T, m *kernel.Machine) *kernel.Target {
	t.Helper()
	target, err := m.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// TestConformance runs the suite against a guest kernel, one session for each part;
// for a part that opens two, there is another guest.
func TestConformance(t *testing.T) {
	machines := []*kernel.Machine{boot(t, "6.12")}
	all := t
	apitest.Run(t, func(t *testing.T) api.Target {
		for _, m := range machines {
			target, err := m.Open(t.Context())
			if err == nil {
				return target
			}
			if !errors.Is(err, api.ErrConflict) {
				t.Fatal(err)
			}
		}
		machines = append(machines, boot(all, "6.12"))
		return open(t, machines[len(machines)-1])
	},
		apitest.Options{NoPins: true, NoLibrary: true, Loader: []string{"/init", kerneltest.LoaderWord}, Kill: kill})
}

// kill kills a process of the guest's.
func kill(ctx context.Context, target api.Target, pid int) error {
	res, err := target.(api.Guest).RunCommand(ctx, api.CommandRequest{Args: []string{"/init", killWord, strconv.Itoa(pid)}},
		func(api.CommandOutput) error { return nil })
	if err == nil && res.ExitCode != 0 {
		err = fmt.Errorf("exit code %d", res.ExitCode)
	}
	return err
}

func TestRunCommand(t *testing.T) {
	target := open(t, boot(t, "6.1"))
	var out bytes.Buffer
	collect := func(o api.CommandOutput) error { _, err := out.Write(o.Data); return err }
	hello := api.CommandFile{Path: "/root/some/hello", Mode: 0o644, Data: []byte("hello")}
	res, err := target.RunCommand(t.Context(), api.CommandRequest{Args: []string{"/init", "-test.list", "TestRun"}, Files: []api.CommandFile{hello}}, collect)
	if err != nil || res.ExitCode != 0 || out.String() != "TestRunCommand\n" {
		t.Errorf("result %+v, %v; output %q", res, err, out.String())
	}
	if res, err = target.RunCommand(t.Context(), api.CommandRequest{Args: []string{"/init", "-no-such-flag"}}, collect); err != nil || res.ExitCode != 2 {
		t.Errorf("a command that fails: %+v, %v", res, err)
	}
	if _, err = target.RunCommand(t.Context(), api.CommandRequest{Args: []string{"/bin/true"}}, collect); !errors.Is(err, api.ErrNotExist) {
		t.Errorf("a command that is not there: %v", err)
	}
	kernel, err := target.Probe(t.Context(), api.ProbeRequest{})
	if err != nil || kernel.Release != target.Image().Release {
		t.Errorf("the kernel is %q, %v, not %q", kernel.Release, err, target.Image().Release)
	}
	panicked(t, target)
}

// panicked makes the guest's kernel panic: a result that says so, and no hang.
func panicked(t *testing.T, target *kernel.Target) {
	t.Helper()
	_, err := target.RunCommand(t.Context(), api.CommandRequest{
		Args: []string{"/init", "-test.list", "none"}, Files: []api.CommandFile{{Path: "/proc/sysrq-trigger", Data: []byte("c")}},
	}, func(api.CommandOutput) error { return nil })
	if !errors.Is(err, api.ErrFailed) || !strings.Contains(err.Error(), "Kernel panic - not syncing: sysrq triggered crash") {
		t.Errorf("a kernel that panics: %v", err)
	}
}
