package cli

import (
	"errors"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestParseAttach(t *testing.T) {
	got, err := parseAttach([]string{"p=lo,generic"})
	if want := (api.AttachOption{Program: "p", Target: "lo", Mode: "generic"}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, spec := range []string{"lo", "=lo", "p="} {
		if _, err := parseAttach([]string{spec}); err == nil {
			t.Errorf("parseAttach(%q) is accepted", spec)
		}
	}
}

// What would be refused in the end is not built first.
func TestLoadedAlready(t *testing.T) {
	for _, command := range []string{"load", "run"} {
		h := newHarness(t)
		if code := h.run(t, command); code != 5 || h.session.Calls("Build") != 0 || h.session.Calls("Load") != 0 {
			t.Errorf("%s: exit %d after %d builds: %s", command, code, h.session.Calls("Build"), h.errOut)
		}
		want := "error: " + command + " probe: the project is loaded already\nhint: ebpfdev " + command + " --replace\n"
		if h.errOut.String() != want {
			t.Errorf("got %s", h.errOut)
		}
	}
	h := newHarness(t)
	if h.run(t, "load", "--replace"); h.session.Calls("Build") != 1 {
		t.Errorf("--replace: %d builds: %s", h.session.Calls("Build"), h.errOut)
	}
	if h.run(t, "load", "--project", "other"); h.session.Calls("Build") != 2 {
		t.Errorf("another project: %d builds: %s", h.session.Calls("Build"), h.errOut)
	}
}

func TestParseMapsAndSet(t *testing.T) {
	maps, err := parseMaps([]string{"counts=max_entries:0x100,pin:/sys/fs/bpf/counts", "b=pin:/x"})
	want := []api.MapOption{{Name: "counts", MaxEntries: 256, Pin: "/sys/fs/bpf/counts"}, {Name: "b", Pin: "/x"}}
	if err != nil || len(maps) != 2 || maps[0] != want[0] || maps[1] != want[1] {
		t.Errorf("%+v, %v", maps, err)
	}
	for _, spec := range []string{"counts", "=pin:/x", "counts=", "counts=max_entries:0", "counts=max_entries:x", "counts=size:1", "counts=pin:"} {
		if _, err := parseMaps([]string{spec}); !errors.Is(err, api.ErrUsage) || api.HintOf(err) == "" {
			t.Errorf("parseMaps(%q): %v", spec, err)
		}
	}
	set, err := parseSet([]string{`rule={"from": 1}`, "name=a=b"})
	if err != nil || len(set) != 2 || set[0] != (api.Global{Name: "rule", Value: `{"from": 1}`}) || set[1].Value != "a=b" {
		t.Errorf("%+v, %v", set, err)
	}
	for _, spec := range []string{"x", "=1"} {
		if _, err := parseSet([]string{spec}); !errors.Is(err, api.ErrUsage) {
			t.Errorf("parseSet(%q): %v", spec, err)
		}
	}
}
