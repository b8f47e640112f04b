package cli

import (
	"reflect"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestParseAttach(t *testing.T) {
	for spec, want := range map[string]api.AttachOption{
		"p=lo":           {Program: "p", Target: "lo"},
		"p=lo,generic":   {Program: "p", Target: "lo", Mode: "generic"},
		"p=eth0,egress":  {Program: "p", Target: "eth0", Mode: "egress"},
		"p=lo,fast":      {Program: "p", Target: "lo", Mode: "fast"}, // the target says that there is none
		"p=/sys/fs/a,b":  {Program: "p", Target: "/sys/fs/a,b"},
		"*=/bin/a,b:f+4": {Program: "*", Target: "/bin/a,b:f+4"},
	} {
		got, err := parseAttach([]string{spec})
		if err != nil || !reflect.DeepEqual(got, []api.AttachOption{want}) {
			t.Errorf("parseAttach(%q) = %+v, %v", spec, got, err)
		}
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
