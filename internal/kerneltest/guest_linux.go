package kerneltest

import (
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kernel"
	"github.com/ebpfdev/ebpfdev/internal/kernel/guest"
	"github.com/ebpfdev/ebpfdev/internal/kernel/store"
	"github.com/ebpfdev/ebpfdev/internal/wire"
)

// Words that make a test binary the first process of a guest, and its child.
const (
	initWord  = "be-the-first-process"
	guestWord = "be-the-guest"
)

// inGuest is set in the environment of a test that runs in a guest; its value is
// the kernel's release.
const inGuest = "EBPFDEV_KERNELTEST_GUEST"

// guestPatience is how long the tests of one guest may take.
const guestPatience = 5 * time.Minute

// beGuest does a guest's part, when this process has one.
func beGuest() (code int, was bool) {
	if len(os.Args) < 2 {
		return 0, false
	}
	var err error
	switch os.Args[1] {
	case initWord:
		err = guest.Init([]string{"/init", guestWord}, os.Stderr) //nolint:forbidigo // the console
	case guestWord:
		err = serve()
	default:
		return 0, false
	}
	if err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n") //nolint:forbidigo // a main function's
		return 1, true
	}
	return 0, true
}

// serve runs what the host asks for.
func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) //nolint:forbidigo // a main function's
	defer stop()
	h := wire.Handlers{}
	wire.StreamResult(h, "RunCommand", guest.Commander{}.RunCommand)
	return guest.Serve(ctx, func(conn io.ReadWriteCloser) error {
		return wire.Serve(ctx, conn, conn, wire.ServeOptions{Version: "test", Handlers: h, Close: func() error { return nil }})
	})
}

// Release returns the release of the guest kernel that this test runs in; "" for
// a test on this machine's kernel.
func Release() string {
	release, _ := os.LookupEnv(inGuest)
	return release
}

// InGuest makes sure that a test runs in a guest with a kernel: it begins with
//
//	if !kerneltest.InGuest(t, "6.12") {
//		return
//	}
//
// On this machine it boots the kernel, runs the test there and its result is the
// guest's; in the guest it returns true.
func InGuest(t *testing.T, version string) bool {
	t.Helper()
	if Release() != "" {
		return true
	}
	target := Boot(t, version)
	ctx, cancel := context.WithTimeout(t.Context(), guestPatience)
	defer cancel()
	var out strings.Builder
	res, err := target.RunCommand(ctx, api.CommandRequest{
		Args: []string{"/init", "-test.v", "-test.run=^" + regexp.QuoteMeta(t.Name()) + "$"},
		Env:  []string{inGuest + "=" + target.Image().Release, inside + "=ok", "CI=true"},
	}, func(o api.CommandOutput) error {
		out.Write(o.Data)
		return nil
	})
	t.Logf("on Linux %s:\n%s", target.Image().Release, out.String())
	if err != nil {
		t.Fatalf("%v; its console:\n%s", err, target.Console())
	}
	if res.ExitCode != 0 || !strings.Contains(out.String(), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("exit code %d in the guest", res.ExitCode)
	}
	return false
}

// Boot boots a kernel with this test binary in it, whose TestMain has to call Main.
func Boot(t *testing.T, version string) *kernel.Target {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	target, err := kernel.Open(t.Context(), Image(t, version), kernel.Options{
		Executable: self, Args: []string{initWord}, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	})
	return target
}

// Image returns a kernel from the person's cache. It is not fetched here: tests
// have a network of their own, without a way out.
func Image(t *testing.T, version string) api.KernelImage {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.New(store.Options{Dir: filepath.Join(cache, "ebpfdev", "kernels")}).Find(version)
	if err != nil {
		t.Fatalf("%v: make test fetches it, and so does %s", err, api.HintOf(err))
	}
	return found
}
