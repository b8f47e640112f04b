package template

import (
	"path/filepath"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/templates"
)

func TestSmoke(t *testing.T) {
	c, err := New(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"tracepoint", "xdp"} {
		r, err := c.Scaffold(t.Context(), api.ScaffoldRequest{Name: "demo", Folder: filepath.Join(t.TempDir(), "demo"), Template: "ebpf-go", Kind: k})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
	}
	p, err := c.Preview(t.Context(), api.ScaffoldRequest{Name: "demo", Template: "ebpf-go", Kind: "xdp", Options: api.ContainerOptions{HostNetwork: true, LeastPrivilege: true}})
	t.Log(p.Devcontainer, p.Command, err)
}
