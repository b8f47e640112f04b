//go:build kernel

package pin_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m)) }

func newMap(t *testing.T) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "pin_test", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// store makes a project with one pinned map.
func store(t *testing.T, project string, m *ebpf.Map) (*pin.Store, string) {
	t.Helper()
	kerneltest.Require(t)
	s := pin.New(kerneltest.BPFFS)
	if err := s.Create(project); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
	p, err := s.Pin(project, pin.Maps, ".data.x", m)
	if err != nil {
		t.Fatal(err)
	}
	return s, p.Path
}

func TestPinAndRemove(t *testing.T) {
	kerneltest.Require(t)
	m := newMap(t)
	s, path := store(t, "pin.a", m)
	pins, err := s.List("")
	if err != nil || len(pins) != 1 || pins[0].Project != "pin.a" || pins[0].Name != ".data.x" || pins[0].Path != path {
		t.Fatalf("List = %+v, %v", pins, err)
	}
	if err := s.Create("pin.a"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("Create again: %v, want ErrConflict", err)
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v (%v), want 0700", st.Mode(), err)
	}
	res, err := s.Remove("pin.a")
	if err != nil || !slices.Equal(res.Removed, []string{path}) || len(res.Kept) != 0 {
		t.Errorf("Remove = %+v, %v", res, err)
	}
	if left, _ := os.ReadDir(filepath.Join(kerneltest.BPFFS, "ebpfdev")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A load that was killed after its first record must not be in the way for ever.
func TestStaleRecord(t *testing.T) {
	kerneltest.Require(t)
	s, path := store(t, "pin-c", newMap(t))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Create("pin-c"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pin("pin-c", pin.Maps, ".data.x", newMap(t)); err != nil {
		t.Errorf("Pin after a load that was killed: %v", err)
	}
	if res, err := s.Remove("pin-c"); err != nil || len(res.Removed) != 1 {
		t.Errorf("Remove = %+v, %v", res, err)
	}
}

func TestLockExcludes(t *testing.T) {
	kerneltest.Require(t)
	s := pin.New(kerneltest.BPFFS)
	held, most := 0, 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				unlock, err := s.Lock(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				held++
				most = max(most, held)
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				held--
				mu.Unlock()
				unlock()
			}
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d held the lock at once", most)
	}
	unlock, err := s.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Lock(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock with a cancelled context: %v", err)
	}
}

// A pin that somebody replaced is somebody else's.
func TestRemoveKeepsWhatIsNotOurs(t *testing.T) {
	kerneltest.Require(t)
	s, path := store(t, "pin-b", newMap(t))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := newMap(t).Pin(path); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(filepath.Dir(path), "foreign")
	if err := newMap(t).Pin(foreign); err != nil {
		t.Fatal(err)
	}
	res, err := s.Remove("pin-b")
	if err != nil || len(res.Removed) != 0 || len(res.Kept) != 2 {
		t.Fatalf("Remove = %+v, %v", res, err)
	}
	for _, p := range []string{path, foreign} {
		if _, err := os.Stat(p); err != nil {
			t.Errorf("%s is gone: %v", p, err)
		}
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(res.Kept[0]+res.Kept[1], "not pinned by ebpfdev") {
		t.Errorf("kept %q without saying why", res.Kept)
	}
	if _, err := s.Remove("pin-b"); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(kerneltest.BPFFS, "ebpfdev")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A plain folder takes no pins, and the hint says how it becomes one that does.
func TestNoBPFFS(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir: "no BPF file system", filepath.Join(dir, "none"): "no such file",
	} {
		err := pin.New(path).Create("p")
		if !errors.Is(err, api.ErrEnvironment) || !strings.Contains(err.Error(), want) {
			t.Errorf("Create: %v, want %q", err, want)
		}
		if hint := api.HintOf(err); hint != "mount -t bpf bpf "+path {
			t.Errorf("hint = %q", hint)
		}
		if res, err := pin.New(path).Remove("p"); err != nil || len(res.Removed) != 0 {
			t.Errorf("Remove = %+v, %v", res, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 0 {
			t.Errorf("Create left %v", entries)
		}
	}
}
