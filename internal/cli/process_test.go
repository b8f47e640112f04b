package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// bpftraced is a harness of a project with one bpftrace program, in a kernel
// that holds nothing of it.
func bpftraced(h *harness) {
	emptyKernel(h)
	mustWrite(filepath.Join(h.dir, "execs.bt"), "")
	h.session.SetBuild(nil, api.BuildResult{Framework: "bpftrace", Loader: []string{"bpftrace", "execs.bt"}})
	h.session.SetLoad(api.LoadResult{
		Programs: []api.Program{{Type: "tracepoint", Name: "sys_enter_opena"}, {Type: "perf_event", Name: "1"}},
		Maps:     []api.Map{{Type: "percpu_hash", Name: "AT_execs", KeySize: 16, ValueSize: 8, MaxEntries: 4096, Readable: true}},
		Process:  &api.RunningProcess{Attached: []api.Attachment{{Target: "tracepoint syscalls/sys_enter_openat"}}},
	})
}

// started is bpftraced after a load.
func started(h *harness) {
	bpftraced(h)
	_, err := h.session.Load(h.ctx, api.LoadRequest{Project: "probe", Process: &api.Process{Args: []string{"bpftrace", "execs.bt"}, Dir: "/workspaces/probe"}})
	if err != nil {
		panic(err)
	}
}

// died is started after its process ended by itself.
func died(h *harness) {
	started(h)
	h.session.Print("probe", "Attaching 2 probes...", "out of memory\x1b[2J")
	h.session.EndProcess("probe", 137)
}

// broke is started after its process gave up.
func broke(h *harness) {
	started(h)
	h.session.Print("probe", "Attaching 2 probes...", "no such luck\x1b[2J")
	h.session.EndProcess("probe", 1)
}

// TestProcessCommands compares all that commands print about programs whose
// loader is a process.
func TestProcessCommands(t *testing.T) {
	status := func(h *harness) {
		h.workspace.SetStatus(api.Status{Folder: "/src/probe", Project: "probe", Framework: "bpftrace", State: "running", Container: "ebpfdev-probe"})
	}
	for _, tt := range []struct {
		name  string
		setup func(h *harness)
		args  []string
	}{
		{name: "build", setup: bpftraced, args: []string{"build"}},
		{name: "build-json", setup: bpftraced, args: []string{"build", "-o", "json"}},
		{name: "load", setup: bpftraced, args: []string{"load"}},
		{name: "load-json", setup: bpftraced, args: []string{"load", "-o", "json"}},
		{name: "load-file", setup: bpftraced, args: []string{"load", "execs.bt"}},
		{name: "load-twice", setup: started, args: []string{"load"}},
		{name: "load-after-death", setup: died, args: []string{"load"}},
		{name: "load-attach", setup: bpftraced, args: []string{"load", "--attach", "a=lo"}},
		{name: "load-no-attach", setup: bpftraced, args: []string{"load", "execs.bt", "--no-attach"}},
		{name: "load-gone", setup: bpftraced, args: []string{"load", "gone.bt"}},
		{name: "load-folder", setup: func(h *harness) { must(os.Mkdir(filepath.Join(h.dir, "d.bt"), 0o700)) }, args: []string{"load", "d.bt"}},
		{name: "load-fails", setup: func(h *harness) {
			bpftraced(h)
			h.session.Fail("Load", &api.ToolError{Tool: "bpftrace execs.bt", ExitCode: 1, Stderr: "execs.bt:1:1-3: ERROR: no\x1b[2J\n"})
		}, args: []string{"load"}},
		{name: "run-attach", setup: bpftraced, args: []string{"run", "--attach", "a=lo"}},
		{name: "verify-file", setup: bpftraced, args: []string{"verify", "execs.bt"}},
		{name: "prog-list", setup: started, args: []string{"prog", "list", "--mine"}},
		{name: "prog-show", setup: started, args: []string{"prog", "show", "sys_enter_openat"}},
		{name: "prog-list-died", setup: died, args: []string{"prog", "list", "--mine"}},
		{name: "map-show", setup: started, args: []string{"map", "show", "@execs"}},
		{name: "link-list", setup: started, args: []string{"link", "list", "--mine"}},
		{name: "link-list-json", setup: started, args: []string{"link", "list", "--mine", "-o", "json"}},
		{name: "unload", setup: started, args: []string{"unload"}},
		{name: "unload-died", setup: died, args: []string{"unload"}},
		{name: "status", setup: func(h *harness) { started(h); status(h) }, args: []string{"status"}},
		{name: "status-died", setup: func(h *harness) { died(h); status(h) }, args: []string{"status"}},
		{name: "status-broke", setup: func(h *harness) { broke(h); status(h) }, args: []string{"status"}},
		{name: "status-died-json", setup: func(h *harness) { died(h); status(h) }, args: []string{"status", "-o", "json"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			tt.setup(h)
			code := h.run(t, tt.args...)
			golden.RequireEqual(t, h.transcript(tt.args, code))
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// The output of a process is the run's output, and its end is the run's end.
func TestRunOfAProcess(t *testing.T) {
	for name, exit := range map[string]int{"well": 0, "badly": 9} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			bpftraced(h)
			leave := h.enter(t)
			done := make(chan int)
			go func() { done <- Main(t.Context(), h.io, h.deps, []string{"run"}) }()
			waitFor(t, func() bool { return h.session.Streams() == 1 })
			h.session.Print("probe", "Attaching 2 probes...", "\tsh\x1b[2J ran")
			h.session.EndProcess("probe", exit)
			code := <-done
			leave()
			golden.RequireEqual(t, h.transcript([]string{"run"}, code))
			load := h.session.Loads()[0]
			if load.Lifetime != api.LifetimeSession || load.Process == nil || !slices.Equal(load.Process.Args, []string{"bpftrace", "execs.bt"}) || load.Process.Dir != "/workspaces/probe" {
				t.Errorf("loaded %+v", load)
			}
			if h.session.Calls("Verify") != 0 {
				t.Error("what has no object was verified")
			}
		})
	}
}

// A file is found by its place in the workspace folder, wherever the command is
// typed and whatever links lead there; in a container no other file is.
func TestProgramFiles(t *testing.T) {
	h := newHarness(t)
	bpftraced(h)
	for _, dir := range []string{"proj/.devcontainer", "proj/tools/deep"} {
		must(os.MkdirAll(filepath.Join(h.dir, dir), 0o700))
	}
	mustWrite(filepath.Join(h.dir, "proj/.devcontainer/devcontainer.json"), "{}")
	for _, name := range []string{"proj/tools/a.bt", "proj/tools/b.py", "proj/-e.bt", "outside.bt"} {
		mustWrite(filepath.Join(h.dir, name), "")
	}
	must(os.Symlink("proj", filepath.Join(h.dir, "link")))
	base, start := h.dir, filepath.Join(h.dir, "proj/tools/deep")
	for _, tt := range []struct {
		file string
		args []string
		want []string
	}{
		{"../a.bt", nil, []string{"bpftrace", "tools/a.bt"}},
		{"../b.py", nil, []string{"python3", "tools/b.py"}},
		{"../../-e.bt", nil, []string{"bpftrace", "./-e.bt"}},
		{filepath.Join(base, "link/tools/a.bt"), nil, []string{"bpftrace", "tools/a.bt"}},
		{"../a.bt", []string{"--workspace-folder", filepath.Join(base, "link")}, []string{"bpftrace", "tools/a.bt"}},
	} {
		h.dir = start
		if code := h.run(t, append([]string{"load", "--replace", tt.file}, tt.args...)...); code != 0 {
			t.Errorf("%s: exit code %d\n%s", tt.file, code, h.errOut)
			continue
		}
		loads := h.session.Loads()
		if got := loads[len(loads)-1].Process.Args; !slices.Equal(got, tt.want) {
			t.Errorf("%s: ran %q, want %q", tt.file, got, tt.want)
		}
	}
	h.errOut.Reset()
	if code := h.run(t, "load", "../../../outside.bt"); code != 2 || !strings.Contains(h.errOut.String(), "the container sees no other folder") || !strings.Contains(h.errOut.String(), "hint: cp ../../../outside.bt ") {
		t.Errorf("outside: exit code %d\n%s", code, h.errOut)
	}
	h.session.SetInfo(api.SessionInfo{Target: "local", Project: "probe", Dir: filepath.Join(base, "proj")})
	if code := h.run(t, "load", "--replace", "../../../outside.bt"); code != 0 {
		t.Errorf("outside, here: exit code %d\n%s", code, h.errOut)
	}
}

// What a process says when it is asked to end is not lost with the run.
func TestLastWordsOfARun(t *testing.T) {
	h := newHarness(t)
	bpftraced(h)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan int)
	leave := h.enter(t)
	defer leave()
	h.session.SetLastWords("@execs[sh]: 3")
	go func() { done <- Main(ctx, h.io, h.deps, []string{"run"}) }()
	waitFor(t, func() bool { return h.session.Streams() == 1 })
	cancel(Interrupted{2})
	if code := <-done; code != 130 || !strings.HasSuffix(h.out.String(), "\n@execs[sh]: 3\n") {
		t.Errorf("exit code %d\n%s%s", code, h.out, h.errOut)
	}
}
