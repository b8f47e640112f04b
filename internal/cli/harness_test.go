package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/iostreams"
)

// harness is ebpfdev over fakes.
type harness struct {
	ctx        context.Context
	dir        string // where commands run
	session    *apitest.Fake
	workspace  *apitest.FakeWorkspace
	scaffolder *apitest.FakeScaffolder
	doctor     *apitest.FakeDoctor
	kernels    *apitest.FakeKernels
	deps       Deps

	io          *iostreams.IOStreams
	in          *bytes.Buffer
	out, errOut *bytes.Buffer
}

// newHarness works in an empty folder, on a workspace whose container runs.
func newHarness(t *testing.T, env ...string) *harness {
	t.Helper()
	h := &harness{ctx: t.Context(), dir: t.TempDir(), session: apitest.NewFake(), scaffolder: apitest.NewFakeScaffolder(), doctor: apitest.NewFakeDoctor(), kernels: apitest.NewFakeKernels()}
	h.workspace = apitest.NewFakeWorkspace(h.session)
	h.io, h.in, h.out, h.errOut = iostreams.Test(env...)
	h.deps = Deps{
		Version:     "1.2.3",
		Workspace:   func() (api.Workspace, error) { return h.workspace, nil },
		Scaffolder:  func() (api.Scaffolder, error) { return h.scaffolder, nil },
		Doctor:      func() (api.Doctor, error) { return h.doctor, nil },
		Kernels:     func() (api.Kernels, error) { return h.kernels, nil },
		TUI:         func(context.Context, TUIRequest) error { return nil },
		Agent:       func(context.Context, io.Reader, io.Writer) error { return nil },
		CheckObject: func(io.Reader) error { return nil },

		HeadersScript: func() ([]byte, error) { return []byte("exit 1\n"), nil },
		Run:           func(context.Context, []string, api.Streams) (int, error) { return 0, nil },
	}
	return h
}

func (h *harness) run(t *testing.T, args ...string) int {
	t.Helper()
	defer h.enter(t)()
	return Main(t.Context(), h.io, h.deps, args)
}

// enter works in the harness' folder until the returned function is called;
// golden files are found from the package's.
func (h *harness) enter(t *testing.T) (leave func()) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(h.dir); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Chdir(here); err != nil {
			t.Fatal(err)
		}
	}
}

// terminal lets all streams pass for a terminal and types an answer.
func (h *harness) terminal(typed string) *harness {
	h.io.SetTTY(true, true, true, 100)
	h.in.WriteString(typed)
	return h
}

// transcript is what a person would have seen, with the streams told apart.
func (h *harness) transcript(args []string, code int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ ebpfdev %s\n", strings.Join(args, " "))
	for _, part := range []struct{ name, text string }{{"stdout", h.out.String()}, {"stderr", h.errOut.String()}} {
		if part.text != "" {
			fmt.Fprintf(&b, "-- %s --\n%s", part.name, part.text)
		}
	}
	fmt.Fprintf(&b, "-- exit %d --\n", code)
	return b.String()
}
