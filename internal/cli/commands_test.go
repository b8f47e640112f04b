package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
)

// TestCommands runs command lines over fakes and compares all that they print.
// `go test ./internal/cli -run TestCommands -update` writes the golden files.
func TestCommands(t *testing.T) {
	tests := []struct {
		name  string
		setup func(h *harness)
		args  []string
	}{
		{name: "doctor", args: []string{"doctor"}},
		{name: "doctor-json", args: []string{"doctor", "-o", "json"}},
		{name: "doctor-fix-needs-consent", args: []string{"doctor", "--fix"}},
		{name: "doctor-fix-yes", args: []string{"doctor", "--fix", "--yes"}},
		{name: "doctor-fix-nothing", setup: func(h *harness) { h.doctor.Fixes = nil }, args: []string{"doctor", "--fix"}},
		{name: "templates-list", args: []string{"templates", "list"}},
		{name: "templates-list-json", args: []string{"templates", "list", "-o", "json"}},
		{name: "new-missing", args: []string{"new"}},
		{name: "new-unknown-template", args: []string{"new", "x", "--template", "zig"}},
		{name: "new-bad-name", args: []string{"new", "../x", "--template", "ebpf-go", "--kind", "xdp", "--yes"}},
		{name: "new-up", args: []string{"new", "probe", "--yes", "--up", "--workspace-folder", "/src/probe"}},
		{name: "new-conflict", setup: func(h *harness) {
			h.scaffolder.Err = api.Errorf("create project", "probe", api.ErrConflict, "not empty: \"go.mod\"")
		}, args: []string{"new", "probe", "--yes"}},
		{name: "up", args: []string{"up"}},
		{name: "up-json", setup: func(h *harness) {
			for i := range h.workspace.Steps {
				h.workspace.Steps[i].Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			}
		}, args: []string{"up", "-o", "json", "--progress", "json"}},
		{name: "up-fails-json", setup: func(h *harness) {
			h.workspace.SetErr("Up", api.Errorf("start", "engine", api.ErrEnvironment, "none answers").WithHint("ebpfdev doctor --fix"))
		}, args: []string{"up", "-o", "json", "--progress", "plain"}},
		{name: "up-build-fails", setup: func(h *harness) {
			h.workspace.SetErr("Up", &api.ToolError{Tool: "docker build", ExitCode: 100, Stderr: "Step 3\nE: no such package\x1b[2J\n"})
		}, args: []string{"up"}},
		{name: "up-build-fails-shown", setup: func(h *harness) {
			h.workspace.Steps = []api.Progress{
				{Step: "image", Title: "Build the image", State: api.StepRunning, Line: "reading 5%\rreading 100%"},
				{Step: "image", Title: "Build the image", State: api.StepRunning, Line: "E: no such package\x1b[2J"},
				{Step: "image", Title: "Build the image", State: api.StepFailed, Line: "exit status 100"},
			}
			h.workspace.SetErr("Up", &api.ToolError{Tool: "docker build", ExitCode: 100, Stderr: "Step 3\nE: no such package\x1b[2J\n"})
		}, args: []string{"up"}},
		{name: "status", args: []string{"status"}},
		{name: "status-json", args: []string{"status", "-o", "json"}},
		{name: "status-none", setup: func(h *harness) {
			h.workspace.SetStatus(api.Status{Folder: "/src/x", Config: "/src/x/.devcontainer.json", Project: "x", State: "none"})
		}, args: []string{"status"}},
		{name: "exec", setup: func(h *harness) { h.workspace.ExecCode, h.workspace.Output = 7, "hello\n" }, args: []string{"exec", "--", "sh", "-c", "exit 7"}},
		{name: "headers", setup: headersMounted, args: []string{"headers"}},
		{name: "headers-json", setup: headersMounted, args: []string{"headers", "-o", "json"}},
		{name: "headers-nearest", setup: func(h *harness) {
			ofBCC(h)
			h.deps.Run = says("nearest\t/usr/src/linux-headers-6.12.9-amd64\t6.12.9\n", "warning: headers of 6.12.9 for the kernel 6.18.44\n", 0)
		}, args: []string{"headers", "--target", "local"}},
		{name: "headers-none", setup: func(h *harness) {
			ofBCC(h)
			h.deps.Run = says("", "error: no headers of the kernel 6.18.44\x1b[2J\nhint: sudo apt-get install linux-headers-6.18.44\n", 3)
		}, args: []string{"headers", "--target", "local"}},
		{name: "headers-script-fails", setup: func(h *harness) {
			ofBCC(h)
			h.deps.Run = says("", "sh: 7: Syntax error\n", 2)
		}, args: []string{"headers", "--target", "local"}},
		{name: "headers-script-babbles", setup: func(h *harness) { ofBCC(h); h.workspace.Output = "what?\n" }, args: []string{"headers"}},
		{name: "headers-not-needed", args: []string{"headers"}},
		{name: "headers-not-needed-json", args: []string{"headers", "-o", "json"}},
		{name: "headers-forced", setup: func(h *harness) {
			h.workspace.Output = "kheaders\t/sys/kernel/kheaders.tar.xz\t6.18.44\n"
		}, args: []string{"headers", "--force"}},
		{name: "exec-missing", args: []string{"exec"}},
		{name: "exec-bad-env", args: []string{"exec", "-e", "X", "--", "true"}},
		{name: "logs", args: []string{"logs", "--tail", "5"}},
		{name: "logs-bad-tail", args: []string{"logs", "--tail", "-1"}},
		{name: "down", args: []string{"down"}},
		{name: "build", setup: saysBuild, args: []string{"build"}},
		{name: "build-json", args: []string{"build", "-o", "json"}},
		{name: "build-fails", setup: func(h *harness) {
			saysBuild(h)
			h.session.Fail("Build", &api.ToolError{Tool: "go generate", ExitCode: 1, Stderr: "exec.bpf.c:3:1: error: unknown type name 'x'\n1 error generated.\n"})
		}, args: []string{"build", "-o", "json"}},
		{name: "build-argument", args: []string{"build", "make"}},
		{name: "verify", args: []string{"verify"}},
		{name: "verify-csv", args: []string{"verify", "-o", "csv"}},
		{name: "verify-refused", setup: refuses, args: []string{"verify"}},
		{name: "verify-refused-json", setup: refuses, args: []string{"verify", "-o", "json"}},
		{name: "verify-not-elf", setup: func(h *harness) { mustWrite(filepath.Join(h.dir, "text.o"), "hello") }, args: []string{"verify", "text.o"}},
		{name: "verify-missing", args: []string{"verify", "gone.o"}},
		{name: "verify-folder", args: []string{"verify", "."}},
		{name: "load", setup: emptyKernel, args: []string{"load"}},
		{name: "load-json", setup: emptyKernel, args: []string{"load", "-o", "json"}},
		{name: "load-twice", args: []string{"load"}},
		{name: "load-unattached", setup: func(h *harness) {
			emptyKernel(h)
			h.session.SetLoad(api.LoadResult{
				Programs:   []api.Program{{Type: "xdp", Name: "count_packets"}},
				Unattached: []api.Unattached{{Program: "count_packets", Reason: "xdp needs an interface", Hint: "--attach count_packets=lo,generic"}},
			})
		}, args: []string{"load"}},
		{name: "load-refused", setup: func(h *harness) {
			h.session.Fail("Load", &api.VerifierError{
				Program: "handle_exec", Summary: "invalid mem access 'scalar'", File: "bpf/exec.bpf.c", Line: 42,
				Source: "\treturn *p;", Log: "0: r1 = 0\n1: r0 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\n",
				Why: "r1 is no pointer", Fix: "check the result of bpf_map_lookup_elem",
			})
		}, args: []string{"load", "--replace"}},
		{name: "load-bad-attach", args: []string{"load", "--attach", "lo"}},
		{name: "load-attach-and-not", args: []string{"load", "--attach", "a=lo", "--no-attach"}},
		{name: "unload", args: []string{"unload"}},
		{name: "unload-nothing", setup: emptyKernel, args: []string{"unload"}},
		{name: "prog-list", args: []string{"prog", "list"}},
		{name: "prog-list-empty-json", args: []string{"prog", "list", "--name", "gone", "-o", "json"}},
		{name: "prog-list-ndjson", args: []string{"prog", "ls", "--mine", "-o", "ndjson"}},
		{name: "prog-show", args: []string{"prog", "show", "handle_exec"}},
		{name: "prog-show-gone", args: []string{"prog", "show", "999", "-o", "json"}},
		{name: "map-list", args: []string{"map", "list"}},
		{name: "map-show", args: []string{"map", "show", "percpu"}},
		{name: "map-dump", args: []string{"map", "dump", "counts", "--order", "-value", "--limit", "3"}},
		{name: "map-dump-where", args: []string{"map", "dump", "counts", "--where", "value >= 2 && key != 1000", "--sort", "-value", "--columns", "key,value"}},
		{name: "map-dump-where-wrong", args: []string{"map", "dump", "counts", "--where", "key > 1 && vale > 2"}},
		{name: "map-dump-columns-json", args: []string{"map", "dump", "counts", "--columns", "value,key", "--limit", "2", "-o", "json"}},
		{name: "map-dump-escapes", args: []string{"map", "dump", "tasks"}},
		{name: "map-dump-where-none", args: []string{"map", "dump", "tasks", "--where", "nobody", "-o", "json"}},
		{name: "map-dump-json", args: []string{"map", "dump", "tasks", "--where", "evil", "-o", "json"}},
		{name: "map-dump-ndjson", args: []string{"map", "dump", "percpu", "-o", "ndjson"}},
		{name: "map-dump-csv", args: []string{"map", "dump", "percpu", "-o", "csv"}},
		{name: "map-dump-percpu", args: []string{"map", "dump", "14"}},
		{name: "map-dump-ringbuf", args: []string{"map", "dump", "events"}},
		{name: "map-dump-bad-limit", args: []string{"map", "dump", "counts", "--limit", "-5"}},
		{name: "map-get", args: []string{"map", "get", "counts", "1000", "1001"}},
		{name: "map-get-none", args: []string{"map", "get", "counts", "7", "-o", "json"}},
		{name: "map-get-no-key", args: []string{"map", "get", "counts"}},
		{name: "map-peek", args: []string{"map", "peek", "counts"}},
		{name: "map-push-hash", args: []string{"map", "push", "counts", "7", "--yes"}},
		{name: "map-stats", args: []string{"map", "stats", "counts", "--where", "value > 500"}},
		{name: "map-watch-limit", args: []string{"map", "watch", "counts", "--limit", "0"}},
		{name: "map-diff-nothing", args: []string{"map", "diff", "counts"}},
		{name: "map-diff-maps", args: []string{"map", "diff", "counts", "11"}},
		{name: "map-save", args: []string{"map", "save", "counts", "-", "--where", "value > 990"}},
		{name: "map-restore-none", args: []string{"map", "restore", "counts", "no-such-file"}},
		{name: "map-set-fields", args: []string{"map", "set", "counts", "1000", "value=5", "--dry-run"}},
		{name: "map-set-two-values", args: []string{"map", "set", "counts", "1000", "5", "6"}},
		{name: "map-set-needs-consent", args: []string{"map", "set", "counts", "1000", "5"}},
		{name: "map-set", args: []string{"map", "set", "counts", "1000", "5", "--yes"}},
		{name: "map-set-dry-run", args: []string{"map", "set", "counts", "77", "5", "--dry-run"}},
		{name: "map-set-expect", args: []string{"map", "set", "counts", "1000", "5", "--expect", "ff 00 00 00 00 00 00 00", "--yes"}},
		{name: "map-set-expect-value", args: []string{"map", "set", "counts", "1000", "5", "--expect-old", "7", "--yes"}},
		{name: "map-set-bad-expect", args: []string{"map", "set", "counts", "1000", "5", "--expect-old", "zz", "--yes"}},
		{name: "map-delete", args: []string{"map", "delete", "counts", "1000", "--yes", "-o", "json"}},
		{name: "map-delete-gone", args: []string{"map", "delete", "counts", "4", "--yes"}},
		{name: "map-missing-argument", args: []string{"map", "set", "counts"}},
		{name: "kernel-list", args: []string{"kernel", "list"}},
		{name: "kernel-list-json", args: []string{"kernel", "ls", "-o", "json"}},
		{name: "kernel-fetch", args: []string{"kernel", "fetch", "6.12", "7.3"}},
		{name: "kernel-fetch-json", args: []string{"kernel", "fetch", "7.3@sha256:cccc", "--mirror", "http://deb.example/debian", "-o", "json", "--progress", "plain"}},
		{name: "kernel-fetch-half", args: []string{"kernel", "fetch", "7.3", "9.9"}},
		{name: "kernel-fetch-half-json", args: []string{"kernel", "fetch", "7.3", "9.9", "-o", "json"}},
		{name: "kernel-fetch-untrusted", setup: func(h *harness) {
			h.kernels.Err = api.Errorf("read index", "sid", api.ErrUntrusted, "InRelease: it is not signed")
		}, args: []string{"kernel", "fetch", "6.12"}},
		{name: "kernel-fetch-bad-digest", args: []string{"kernel", "fetch", "6.12@md5:x"}},
		{name: "kernel-fetch-nothing", args: []string{"kernel", "fetch"}},
		{name: "kernel-rm", args: []string{"kernel", "rm", "6.12"}},
		{name: "kernel-rm-json", args: []string{"kernel", "rm", "6.12", "-o", "json"}},
		{name: "kernel-rm-not-here", args: []string{"kernel", "rm", "7.3"}},
		{name: "link-list", args: []string{"link", "list"}},
		{name: "needs-root-here", setup: func(h *harness) {
			h.io.SetUID(1000)
			h.session.SetInfo(api.SessionInfo{Target: "local", Project: "probe"})
			h.session.Fail("ListPrograms", api.Errorf("list programs", "", api.ErrPermission, "operation not permitted").WithHint("ebpfdev doctor"))
		}, args: []string{"prog", "list", "--name", "a b"}},
		{name: "no-container", setup: func(h *harness) { h.workspace.SetStatus(api.Status{State: "none", Project: "probe"}) }, args: []string{"prog", "list"}},
		{name: "no-folder", args: []string{"status", "--workspace-folder", "/does/not/exist"}},
		{name: "unknown-command", args: []string{"biuld"}},
		{name: "unknown-subcommand-json", args: []string{"map", "dmp"}},
		{name: "unknown-flag-json", args: []string{"status", "--colour", "-o", "json"}},
		{name: "bad-target", args: []string{"status", "--target", "moon"}},
		{name: "bad-format", args: []string{"status", "-o", "xml"}},
		{name: "no-arguments", args: nil},
		{name: "noun-alone", args: []string{"map"}},
		{name: "help-run", args: []string{"run", "--help"}},
		{name: "completion-unknown", args: []string{"completion", "tcsh"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			if tt.setup != nil {
				tt.setup(h)
			}
			code := h.run(t, tt.args...)
			golden.RequireEqual(t, h.transcript(tt.args, code))
		})
	}
}

func saysBuild(h *harness) {
	h.session.SetBuild([]api.BuildEvent{
		{Step: "go generate ./..."},
		{Line: "\tcc -O2 \x1b]0;title\x07 exec.bpf.c"},
		{Line: "exec.bpf.c:1:2: warning: unused", Stderr: true},
	}, api.BuildResult{Framework: "ebpf-go", Objects: []api.Object{apitest.SampleObject()}})
}

func refuses(h *harness) {
	h.session.SetVerify(api.VerifyResult{Object: "probe.o", Kernel: "6.18.0", Programs: []api.ProgramReport{
		{Program: "good", Type: "tracepoint", Verdict: api.VerdictAccepted, Insns: 12, VerificationTime: 91 * time.Microsecond},
		{
			Program: "bad", Type: "xdp", Verdict: api.VerdictRejected, Insns: 3, Reason: "invalid access to packet",
			File: "bpf/p.bpf.c", Line: 9, Source: "  x = *data;", Log: "0: r2 = *(u32 *)(r1 +0)\ninvalid access to packet\n",
			Why: "the end of the packet was not compared", Fix: "if (data + 1 > end) return XDP_PASS;",
		},
		{Program: "lost", Type: "kprobe", Verdict: api.VerdictError, Reason: "this kernel has no kprobes"},
	}})
}

// emptyKernel takes the fake's own project out.
func emptyKernel(h *harness) {
	if _, err := h.session.Unload(h.ctx, api.UnloadRequest{Project: "probe"}); err != nil {
		panic(err)
	}
}

func mustWrite(name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		panic(err)
	}
}

func TestRunWatchesAndTakesBack(t *testing.T) {
	h := newHarness(t)
	emptyKernel(h)
	leave := h.enter(t)
	done := make(chan int)
	go func() { done <- Main(t.Context(), h.io, h.deps, []string{"run", "--count", "2"}) }()
	waitFor(t, func() bool { return h.session.Streams() == 1 })
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h.session.Emit(
		api.Event{Kind: api.EventRecord, Time: at, Map: "events", Type: "struct event", Data: api.Datum{Text: `{pid: 7, comm: "sh"}`}},
		api.Event{Kind: api.EventLost, Time: at, Map: "events", Lost: 3},
		api.Event{Kind: api.EventLog, Time: at, Text: "hi\x1b[2J", Comm: "sh", PID: 7},
	)
	code := <-done
	leave()
	golden.RequireEqual(t, h.transcript([]string{"run", "--count", "2"}, code))
	if loads := h.session.Loads(); len(loads) != 1 || loads[0].Lifetime != api.LifetimeSession {
		t.Errorf("loads = %+v, want one for the session", loads)
	}
	if progs, _ := h.session.ListPrograms(t.Context(), api.ListRequest{Project: "probe"}); len(progs) != 0 {
		t.Errorf("%d programs were left loaded", len(progs))
	}
}

// Programs that send no events are told by what changes in their map.
func TestRunShowsEntries(t *testing.T) {
	h := newHarness(t)
	emptyKernel(h)
	h.session.SetLoad(api.LoadResult{
		Programs: []api.Program{{Type: "xdp", Name: "count"}},
		Maps: []api.Map{
			{Type: "hash", Name: "counts", KeySize: 4, ValueSize: 8, MaxEntries: 8, KeyType: "__u32", ValueType: "__u64", Readable: true},
			{Type: "array", Name: ".rodata", KeySize: 4, ValueSize: 8, MaxEntries: 1, Readable: true},
		},
	})
	leave := h.enter(t)
	done := make(chan int)
	go func() { done <- Main(t.Context(), h.io, h.deps, []string{"run", "--for", "1500ms"}) }()
	waitFor(t, func() bool { return h.session.Calls("WatchMap") == 1 })
	if !h.session.SetEntry("counts", "7", "42") {
		t.Error("the fake has no map counts")
	}
	code := <-done
	leave()
	if out := h.out.String(); code != 0 || !strings.Contains(out, "counts  7  42\n") || strings.Contains(out, ".rodata  ") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestToldByEntries(t *testing.T) {
	hash := api.Map{Type: "hash", Name: "counts", Readable: true}
	for name, tt := range map[string]struct {
		maps []api.Map
		want int
	}{
		"a map":          {[]api.Map{hash}, 1},
		"events":         {[]api.Map{hash, {Type: "ringbuf", Name: "events"}}, 0},
		"aya's log":      {[]api.Map{hash, {Type: "ringbuf", Name: "AYA_LOGS"}}, 1},
		"globals":        {[]api.Map{{Type: "array", Name: ".bss", Readable: true}}, 0},
		"cannot be read": {[]api.Map{{Type: "queue", Name: "q"}}, 0},
	} {
		if got := toldByEntries(tt.maps); len(got) != tt.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("it did not happen")
		case <-tick.C:
		}
	}
}

func TestCtrlCTakesBackAndExitsWith130(t *testing.T) {
	h := newHarness(t)
	emptyKernel(h)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan int)
	leave := h.enter(t)
	defer leave()
	go func() { done <- Main(ctx, h.io, h.deps, []string{"run"}) }()
	waitFor(t, func() bool { return h.session.Streams() == 1 })
	cancel(Interrupted{2})
	if code := <-done; code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, h.errOut)
	}
	h.session.Reopen()
	if progs, _ := h.session.ListPrograms(t.Context(), api.ListRequest{Project: "probe"}); len(progs) != 0 {
		t.Errorf("%d programs were left loaded", len(progs))
	}
}

func TestRunForATime(t *testing.T) {
	h := newHarness(t)
	emptyKernel(h)
	if code := h.run(t, "run", "--for", "20ms"); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, h.errOut)
	}
}

func TestMapSetAsksAtATerminal(t *testing.T) {
	for typed, want := range map[string]struct {
		code  int
		value string
	}{"y\n": {0, "5"}, "n\n": {1, "1"}} {
		h := newHarness(t, "NO_COLOR=1").terminal(typed)
		if code := h.run(t, "map", "set", "counts", "1000", "5"); code != want.code {
			t.Errorf("%q: exit code %d, want %d\n%s", typed, code, want.code, h.errOut)
		}
		h.session.Reopen()
		page, err := h.session.QueryMap(t.Context(), api.QueryRequest{Map: api.MapRef{ID: 11}, Order: "key", Limit: 1})
		if err != nil || page.Entries[0].Value.Text != want.value {
			t.Errorf("%q: the value is %+v, %v; want %s", typed, page.Entries, err, want.value)
		}
	}
}

func TestNewAsksAtATerminal(t *testing.T) {
	h := newHarness(t, "NO_COLOR=1").terminal("9x\nprobe\n\nxdp\n\nn\n")
	code := h.run(t, "new", "--workspace-folder", "/src/probe")
	golden.RequireEqual(t, h.transcript([]string{"new"}, code))
	want := api.ScaffoldRequest{Name: "probe", Folder: "/src/probe", Template: "ebpf-go", Kind: "xdp"}
	if got := h.scaffolder.Scaffolded(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("scaffolded %+v, want %+v", got, want)
	}
}

// A folder that is in use is refused right after the name, and before any
// question when the command line names it.
func TestNewRefusesAFolderInUseEarly(t *testing.T) {
	use := func(h *harness, name string) string {
		folder := filepath.Join(h.dir, name)
		if err := os.MkdirAll(filepath.Join(folder, "src"), 0o700); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	h := newHarness(t, "NO_COLOR=1").terminal("taken\nfree\n\n\nn\n")
	use(h, "taken")
	if code := h.run(t, "new"); code != 1 {
		t.Errorf("exit code %d, want 1: nothing was written\n%s", code, h.errOut)
	}
	text := h.errOut.String()
	if said, asked := strings.Index(text, `not empty: "src"`), strings.Index(text, "Which framework?"); said < 0 || asked < said {
		t.Errorf("it was not said before the next question:\n%s", text)
	}
	for _, args := range [][]string{{"new", "taken"}, {"new", "--workspace-folder", "taken"}} {
		h := newHarness(t, "NO_COLOR=1").terminal("")
		use(h, "taken")
		if code := h.run(t, args...); code != 5 || strings.Contains(h.errOut.String(), "Which") || strings.Contains(h.errOut.String(), "What") {
			t.Errorf("%q: exit code %d, want 5 and no question\n%s", args, code, h.errOut)
		}
	}
}

func TestNoArgumentsOpenTheScreenAtATerminal(t *testing.T) {
	h := newHarness(t).terminal("")
	var got TUIRequest
	h.deps.TUI = func(_ context.Context, req TUIRequest) error { got = req; return nil }
	if code := h.run(t); code != 0 {
		t.Fatalf("exit code %d\n%s", code, h.errOut)
	}
	if got.Workspace == nil || got.Scaffolder == nil || got.Doctor == nil || got.Folder == "" {
		t.Errorf("the screen was given %+v", got)
	}
}

func TestExecAtATerminalGivesOne(t *testing.T) {
	h := newHarness(t).terminal("")
	var got api.ExecRequest
	h.deps.Workspace = func() (api.Workspace, error) { return execSpy{h.workspace, &got}, nil }
	h.run(t, "exec", "--", "top")
	if !got.Streams.TTY || got.Streams.Resize == nil {
		t.Fatalf("streams = %+v, want a terminal with sizes", got.Streams)
	}
	if size := <-got.Streams.Resize; size.Width != 100 {
		t.Errorf("first size = %+v, want a width of 100", size)
	}
	h.run(t, "exec", "-T", "--", "top")
	if got.Streams.TTY {
		t.Error("-T still gives a terminal")
	}
}

type execSpy struct {
	api.Workspace
	got *api.ExecRequest
}

func (s execSpy) Exec(_ context.Context, req api.ExecRequest) (int, error) {
	*s.got = req
	return 0, nil
}

// Every kind of error has an exit code that is in the help.
func TestExitCodes(t *testing.T) {
	for kind, want := range map[error]int{
		api.ErrFailed: 1, api.ErrNotExist: 1, api.ErrUsage: 2, api.ErrEnvironment: 3, api.ErrPermission: 3,
		api.ErrUntrusted: 4, api.ErrConflict: 5, api.ErrTimeout: 124, context.DeadlineExceeded: 124, errors.New("x"): 1,
	} {
		h := newHarness(t)
		h.workspace.SetErr("Status", kind)
		if got := h.run(t, "status"); got != want {
			t.Errorf("%v: exit code %d, want %d", kind, got, want)
		}
	}
}

func ofBCC(h *harness) {
	h.workspace.SetStatus(api.Status{Folder: "/src/probe", Project: "probe", Framework: "bcc", State: "running"})
}

func headersMounted(h *harness) {
	ofBCC(h)
	h.workspace.Output = "mount\t/host/usr/src/linux-headers-6.12.9-amd64\t6.12.9-amd64\n"
}

// says is a command that prints something and ends.
func says(stdout, stderr string, code int) func(context.Context, []string, api.Streams) (int, error) {
	return func(_ context.Context, _ []string, streams api.Streams) (int, error) {
		_, err := io.WriteString(streams.Out, stdout)
		if err == nil {
			_, err = io.WriteString(streams.Err, stderr)
		}
		return code, err
	}
}
