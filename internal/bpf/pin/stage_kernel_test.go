//go:build kernel

package pin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/bpf/pin"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// Pins are staged beside those that they replace, and take their place at once.
func TestStage(t *testing.T) {
	first, second := newMap(t), newMap(t)
	s, path := store(t, "stage.a", first)
	if err := s.Stage("stage.a"); err != nil {
		t.Fatal(err)
	}
	p, err := s.PinStaged("stage.a", pin.Maps, ".data.x", second)
	if err != nil || p.Path == path || s.Committed("stage.a", p.Path) != path || s.Path("stage.a", pin.Maps, ".data.x") != path {
		t.Fatalf("staged %+v, %v", p, err)
	}
	if err := s.Commit("stage.a"); err != nil {
		t.Fatal(err)
	}
	want, _ := pin.OfMap(second)
	if got, err := pin.Identify(pin.Maps, path); err != nil || got != want {
		t.Errorf("the pin holds %v, %v, want %v", got, err, want)
	}
	if res, err := s.Settle("stage.a"); err != nil || len(res.Removed) != 1 || len(res.Kept) != 0 {
		t.Errorf("Settle = %+v, %v", res, err)
	}
	if res, err := s.Remove("stage.a"); err != nil || len(res.Removed) != 1 || len(res.Kept) != 0 {
		t.Errorf("Remove = %+v, %v", res, err)
	}
}

// What a killed load left, whenever it died, is of the project, is in no load's way
// and goes with it.
func TestKilledWhileStaging(t *testing.T) {
	for name, die := range map[string]func(s *pin.Store) error{
		"before the commit": func(*pin.Store) error { return nil },
		"after the commit":  func(s *pin.Store) error { return s.Commit("stage.b") },
		"between its renames": func(*pin.Store) error {
			dir := filepath.Join(kerneltest.BPFFS, "ebpfdev", "stage%2Eb")
			return os.Rename(dir, dir+"~old")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := store(t, "stage.b", newMap(t))
			stage := func() {
				t.Helper()
				if err := s.Stage("stage.b"); err != nil {
					t.Fatal(err)
				}
				if _, err := s.PinStaged("stage.b", pin.Maps, "m", newMap(t)); err != nil {
					t.Fatal(err)
				}
			}
			stage()
			if err := die(s); err != nil {
				t.Fatal(err)
			}
			pins, err := s.List("")
			if err != nil || len(pins) != 2 || pins[0].Project != "stage.b" || pins[1].Project != "stage.b" {
				t.Fatalf("List = %+v, %v", pins, err)
			}
			stage() // the next load
			if err := s.Commit("stage.b"); err != nil {
				t.Fatal(err)
			}
			if res, err := s.Remove("stage.b"); err != nil || len(res.Kept) != 0 {
				t.Errorf("Remove = %+v, %v", res, err)
			}
			left, _ := filepath.Glob(filepath.Join(kerneltest.BPFFS, "ebpfdev", "*"))
			if len(left) != 0 {
				t.Errorf("left: %s", strings.Join(left, " "))
			}
		})
	}
}
