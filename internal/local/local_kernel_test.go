//go:build kernel

package local_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/apitest"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == keepWord:
		os.Exit(keep())
	case len(os.Args) == 5 && os.Args[1] == holdWord:
		os.Exit(hold(os.Args[2], os.Args[3], api.Lifetime(os.Args[4])))
	}
	os.Exit(kerneltest.Main(m))
}

// keepWord is the argument that makes the test binary a keeper of processes.
const keepWord = "be-a-keeper"

func keep() int {
	ctx, stop := signal.NotifyContext(background(), syscall.SIGTERM)
	defer stop()
	if err := local.Keep(ctx, os.Stdin); err != nil {
		return 1
	}
	return 0
}

// background is the context of a process that is no test.
func background() context.Context {
	return context.Background() //nolint:forbidigo // a main function's
}

// options let processes be started, and written down where no other test sees it.
func options(t *testing.T) local.Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return local.Options{RunDir: filepath.Join(os.TempDir(), "ebpfdev-local-test-"+strconv.Itoa(os.Getpid())), KeepProcess: []string{self, keepWord}}
}

func loaderArgs(t *testing.T) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, kerneltest.LoaderWord}
}

func open(t *testing.T) api.Target {
	t.Helper()
	kerneltest.Require(t)
	target, err := local.New(options(t))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestConformance(t *testing.T) {
	apitest.Run(t, open, apitest.Options{Loader: loaderArgs(t)})
}

func countRequest(project string, lifetime api.Lifetime) api.LoadRequest {
	return api.LoadRequest{Project: project, Object: apitest.CountObject(), Lifetime: lifetime}
}

// pinned returns what is in our part of the BPF file system.
func pinned(t *testing.T) []string {
	t.Helper()
	var paths []string
	root := filepath.Join(kerneltest.BPFFS, "ebpfdev")
	_ = filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			paths = append(paths, path)
		}
		return nil
	})
	return paths
}

func mapsOf(t *testing.T, target api.Target, project string) []api.Map {
	t.Helper()
	list, err := target.ListMaps(t.Context(), api.ListRequest{Project: project})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPinsNeedABPFFS(t *testing.T) {
	kerneltest.Require(t)
	dir := t.TempDir()
	target, err := local.New(local.Options{BPFFS: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	_, err = target.Load(t.Context(), countRequest("nobpffs", api.LifetimePinned))
	if !errors.Is(err, api.ErrEnvironment) || api.HintOf(err) != "mount -t bpf bpf "+dir {
		t.Errorf("Load: %v, hint %q", err, api.HintOf(err))
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left in %s: %v", dir, entries)
	}
	if _, err := target.Load(t.Context(), countRequest("nobpffs", api.LifetimeSession)); err != nil {
		t.Errorf("a session needs no pins: %v", err)
	}
	if res, err := target.Unload(t.Context(), api.UnloadRequest{Project: "nobpffs"}); err != nil || len(res.Removed) == 0 {
		t.Errorf("Unload = %+v, %v", res, err)
	}
}

// A load whose last step fails leaves nothing: no pin, no program, no map.
func TestFailedAttachIsUndone(t *testing.T) {
	target := open(t)
	defer target.Close()
	for _, lifetime := range []api.Lifetime{api.LifetimePinned, api.LifetimeSession} {
		req := countRequest("undone."+string(lifetime), lifetime)
		req.Attach = []api.AttachOption{{Program: apitest.CountProgram, Target: "no_such_tracepoint"}}
		if _, err := target.Load(t.Context(), req); !errors.Is(err, api.ErrNotSupported) {
			t.Errorf("Load: %v, want ErrNotSupported", err)
		}
		if left := pinned(t); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
		if left := mapsOf(t, target, req.Project); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	}
}

// A file that breaks the child breaks only the child.
func TestObjectsAreCheckedInAChild(t *testing.T) {
	kerneltest.Require(t)
	for script, want := range map[string]string{
		"cat >/dev/null": "", "kill -9 $$": "died", "cat >/dev/null; echo bad BTF >&2; exit 1": "bad BTF",
	} {
		target, err := local.New(local.Options{CheckObject: []string{"/bin/sh", "-c", script}})
		if err != nil {
			t.Fatal(err)
		}
		defer target.Close()
		_, err = target.Load(t.Context(), countRequest("child", api.LifetimeSession))
		if want == "" && err != nil || want != "" && (!errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("with %q: %v, want %q", script, err, want)
		}
	}
}

// Of loads at the same time, by targets that know nothing of each other, one
// wins and the others say that it did.
func TestOneLoadWins(t *testing.T) {
	const n = 6
	errs := make(chan error, n)
	for range n {
		target := open(t)
		t.Cleanup(func() { target.Close() })
		go func() {
			_, err := target.Load(t.Context(), countRequest("race", api.LifetimePinned))
			errs <- err
		}()
	}
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
	res, err := target.Unload(t.Context(), api.UnloadRequest{Project: "race"})
	if err != nil || len(res.Removed) == 0 || len(res.Kept) != 0 {
		t.Errorf("Unload = %+v, %v", res, err)
	}
	if left := pinned(t); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// Everything at once, and Close in the middle of it.
func TestConcurrentUse(t *testing.T) {
	target := open(t)
	var all sync.WaitGroup
	check := func(err error) {
		if err != nil && !errors.Is(err, api.ErrUnreachable) && !errors.Is(err, api.ErrConflict) && !errors.Is(err, api.ErrNotExist) {
			t.Error(err)
		}
	}
	for i := range 4 {
		project := "busy-" + string(rune('a'+i))
		all.Go(func() {
			for range 5 {
				_, err := target.Load(t.Context(), countRequest(project, api.LifetimeSession))
				check(err)
				_, err = target.QueryMap(t.Context(), api.QueryRequest{Map: api.MapRef{Name: apitest.CountsMap, Project: project}})
				check(err)
				_, err = target.Verify(t.Context(), api.VerifyRequest{Object: apitest.CountObject()})
				check(err)
				_, err = target.Unload(t.Context(), api.UnloadRequest{Project: project})
				check(err)
			}
		})
		all.Go(func() {
			for range 5 {
				_, err := target.ListPrograms(t.Context(), api.ListRequest{Project: project})
				check(err)
				_, err = target.ListLinks(t.Context(), api.ListRequest{})
				check(err)
			}
			if i == 3 {
				check(target.Close())
			}
		})
	}
	all.Wait()
	check(target.Close())
	other := open(t)
	defer other.Close()
	for _, project := range []string{"busy-a", "busy-b", "busy-c", "busy-d"} {
		if left := mapsOf(t, other, project); len(left) != 0 {
			t.Errorf("%s has left %+v", project, left)
		}
	}
}

// The kernel keeps no types of ring buffers: a target that did not make the
// load itself gets them from the object.
func TestEventsOfAnotherTarget(t *testing.T) {
	maker := open(t)
	if _, err := maker.Load(t.Context(), countRequest("typed", api.LifetimePinned)); err != nil {
		t.Fatal(err)
	}
	if err := maker.Close(); err != nil {
		t.Fatal(err)
	}
	target := open(t)
	defer target.Close()
	defer func() {
		if _, err := target.Unload(context.WithoutCancel(t.Context()), api.UnloadRequest{Project: "typed"}); err != nil {
			t.Error(err)
		}
	}()
	for _, test := range []struct {
		object api.Object
		want   string
	}{{apitest.CountObject(), "struct event"}, {api.Object{}, ""}} {
		enough := errors.New("enough")
		err := target.StreamEvents(t.Context(), api.EventsRequest{Project: "typed", Object: test.object}, func(e api.Event) error {
			if e.Kind != api.EventRecord {
				return nil
			}
			if e.Type != test.want {
				t.Errorf("the record's type is %q, want %q", e.Type, test.want)
			}
			return enough
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
	}
}
