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
