//go:build kernel

package local_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
)

func processRequest(t *testing.T, project string, lifetime api.Lifetime, words ...string) api.LoadRequest {
	t.Helper()
	return api.LoadRequest{Project: project, Process: &api.Process{Args: append(loaderArgs(t), words...), Dir: "/"}, Lifetime: lifetime}
}

// holdWord is the argument that makes the test binary a target that holds a
// process until it is killed.
const holdWord = "be-a-target"

// hold loads what its arguments say, prints the ids and waits.
func hold(runDir, project string, lifetime api.Lifetime) int {
	self, err := os.Executable()
	if err != nil {
		return 1
	}
	target, err := local.New(local.Options{RunDir: runDir, KeepProcess: []string{self, keepWord}})
	if err != nil {
		return 1
	}
	ctx := background()
	words := []string{self, kerneltest.LoaderWord}
	if project == "never-loads" {
		words = append(words, "idle")
		go func() {
			for list, err := target.ListProcesses(ctx, api.ListRequest{}); err != nil || len(list) == 0; {
				list, err = target.ListProcesses(ctx, api.ListRequest{})
			}
			fmt.Println(0)
		}()
	}
	res, err := target.Load(ctx, api.LoadRequest{Project: project, Process: &api.Process{Args: words, Dir: "/"}, Lifetime: lifetime})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(res.Programs[0].ID)
	select {} // until it is killed
}

// Who asked for a process may be killed at any time, as Ctrl-C pressed twice
// does: what it held goes with it, what is pinned stays, and what was not loaded
// yet goes too.
func TestKilledTarget(t *testing.T) {
	for name, stays := range map[string]bool{"session": false, "pinned": true, "never-loads": false} {
		t.Run(name, func(t *testing.T) {
			target := open(t)
			defer target.Close()
			lifetime := api.Lifetime(name)
			if name == "never-loads" {
				lifetime = api.LifetimePinned
			}
			cmd := exec.Command("/proc/self/exe", holdWord, options(t).RunDir, name, string(lifetime))
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			var id uint32
			if _, scanErr := fmt.Sscan(line, &id); err != nil || scanErr != nil {
				t.Fatalf("it said %q, %v", line, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			programs := func() int { return len(programsOf(t, target, name)) }
			if stays {
				if programs() != 1 {
					t.Error("what was pinned has gone")
				}
				res, err := target.Unload(t.Context(), api.UnloadRequest{Project: name})
				if err != nil || len(res.Removed) != 1 || len(res.Output) != 1 {
					t.Errorf("Unload = %+v, %v", res, err)
				}
			}
			waitFor(t, "the process to go", func() bool {
				list, err := target.ListProcesses(t.Context(), api.ListRequest{Project: name})
				return err == nil && len(list) == 0
			})
			if programs() != 0 {
				t.Error("its program is still there")
			}
			if _, err := os.Stat(filepath.Join(options(t).RunDir, name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its folder: %v", err)
			}
		})
	}
}

func programsOf(t *testing.T, target api.Target, project string) []api.Program {
	t.Helper()
	list, err := target.ListPrograms(t.Context(), api.ListRequest{Project: project})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit.C:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// Of loads at the same time, by targets that know nothing of each other, one
// wins, whether it is of a process or of an object.
func TestOneProcessWins(t *testing.T) {
	const n = 6
	var all sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		target := open(t)
		t.Cleanup(func() { target.Close() })
		req := processRequest(t, "process-race", api.LifetimePinned)
		if i%3 == 0 {
			req = countRequest("process-race", api.LifetimePinned)
		}
		all.Go(func() {
			_, err := target.Load(t.Context(), req)
			errs <- err
		})
	}
	all.Wait()
	won := 0
	for range n {
		err := <-errs
		if err == nil {
			won++
		} else if !errors.Is(err, api.ErrConflict) {
			t.Errorf("Load: %v, want ErrConflict", err)
		}
	}
	if won != 1 {
		t.Errorf("%d loads succeeded, want 1", won)
	}
	target := open(t)
	defer target.Close()
	if res, err := target.Unload(t.Context(), api.UnloadRequest{Project: "process-race"}); err != nil || len(res.Removed) == 0 {
		t.Errorf("Unload = %+v, %v", res, err)
	}
}

// A process that loads nothing is not waited for for ever.
func TestProcessThatLoadsNothing(t *testing.T) {
	kerneltest.Require(t)
	opts := options(t)
	opts.ProcessWithin = 300 * time.Millisecond
	target, err := local.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	req := api.LoadRequest{
		Project: "nothing", Lifetime: api.LifetimePinned,
		Process: &api.Process{Args: []string{"sh", "-c", "echo 'waiting for you'; exec sleep 100"}, Dir: "/tmp"},
	}
	_, err = target.Load(t.Context(), req)
	if !errors.Is(err, api.ErrTimeout) || !strings.Contains(err.Error(), "holds no BPF program after 300ms; it said last: waiting for you") ||
		!strings.HasPrefix(api.HintOf(err), "cd /tmp && sh -c ") {
		t.Errorf("Load: %v, hint %q", err, api.HintOf(err))
	}
	if list, err := target.ListProcesses(t.Context(), api.ListRequest{}); err != nil || len(list) != 0 {
		t.Errorf("left: %+v, %v", list, err)
	}
}

// What a program lacks is named, as a build's tools are.
func TestProcessLacksSomething(t *testing.T) {
	target := open(t)
	defer target.Close()
	for script, hint := range map[string]string{
		`echo "ModuleNotFoundError: No module named 'bcc'" >&2; exit 1`: "apt-get install -y python3-bpfcc",
		"": "apt-get install -y no-such-program",
	} {
		args := []string{"sh", "-c", script}
		if script == "" {
			args = []string{"no-such-program"}
		}
		_, err := target.Load(t.Context(), api.LoadRequest{Project: "lacks", Process: &api.Process{Args: args, Dir: "/"}})
		if !errors.Is(err, api.ErrEnvironment) || api.HintOf(err) != hint {
			t.Errorf("Load: %v, hint %q", err, api.HintOf(err))
		}
	}
}

// What tells of processes decides who is sent signals: it is not taken from a
// folder that somebody else can write to, and a record of another boot or another
// start moves nobody.
func TestForeignRunDir(t *testing.T) {
	kerneltest.Require(t)
	opts := options(t)
	opts.RunDir = t.TempDir()
	if err := os.Chmod(opts.RunDir, 0o777); err != nil {
		t.Fatal(err)
	}
	target, err := local.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if _, err := target.Load(t.Context(), processRequest(t, "foreign", api.LifetimeSession)); !errors.Is(err, api.ErrEnvironment) {
		t.Errorf("Load: %v", err)
	}

	opts.RunDir = t.TempDir()
	if err := os.Chmod(opts.RunDir, 0o700); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command("sleep", "100")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = victim.Wait() }()
	defer func() { _ = victim.Process.Kill() }()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	if target, err = local.New(opts); err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	for _, boot := range []string{strings.TrimSpace(string(boot)), "another"} {
		must(t, os.MkdirAll(filepath.Join(opts.RunDir, "stale"), 0o700))
		must(t, os.WriteFile(filepath.Join(opts.RunDir, "stale", "process.json"), fmt.Appendf(nil,
			`{"project": "stale", "boot": %q, "keeper": {"pid": %d, "start": 1}, "loader": {"pid": %[2]d, "start": 1}, "args": ["x"]}`, boot, victim.Process.Pid), 0o600))
		list, err := target.ListProcesses(t.Context(), api.ListRequest{})
		if err != nil || len(list) != 1 || list[0].Ended == nil || list[0].Ended.ExitCode != -1 {
			t.Errorf("processes = %+v, %v", list, err)
		}
		res, err := target.Unload(t.Context(), api.UnloadRequest{Project: "stale"})
		if err != nil || len(res.Removed) != 1 || !strings.Contains(res.Removed[0], "which had ended") {
			t.Errorf("Unload = %+v, %v", res, err)
		}
	}
	if err := victim.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("a stranger was killed: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The ring buffers of a process are its own: who asks for its project gets what it
// prints, and who asks for a buffer reads beside it.
func TestProcessKeepsItsRecords(t *testing.T) {
	target := open(t)
	defer target.Close()
	if _, err := target.Load(t.Context(), processRequest(t, "ring", api.LifetimeSession, "ringbuf")); err != nil {
		t.Fatal(err)
	}
	var ring api.Map
	for _, m := range mapsOf(t, target, "ring") {
		if m.Type == "ringbuf" {
			ring = m
		}
	}
	if ring.ID == 0 {
		t.Fatal("the process has no ring buffer")
	}
	enough := errors.New("enough")
	err := target.StreamEvents(t.Context(), api.EventsRequest{Maps: []api.MapRef{{ID: ring.ID}}}, func(api.Event) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("StreamEvents of its ring buffer: %v", err)
	}
	err = target.StreamEvents(t.Context(), api.EventsRequest{Project: "ring"}, func(e api.Event) error {
		if e.Kind == api.EventOutput {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("StreamEvents of its project: %v", err)
	}
}
