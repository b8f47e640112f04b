//go:build kernel && linux

package remote_test

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/agent"
	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
	"github.com/ebpfdev/ebpfdev/internal/local"
	"github.com/ebpfdev/ebpfdev/internal/remote"
)

// TestLargeValues: what a map holds crosses the wire, however large it is.
func TestLargeValues(t *testing.T) {
	kerneltest.Require(t)
	target, err := local.New(local.Options{RunDir: runDir()})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := connect(t, agent.Options{Target: target, Version: "test"}, remote.Options{Version: "test"})
	for _, size := range []uint32{256 << 10, 2 << 20} {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "large", Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 3})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		id, _ := info.ID()
		for _, format := range []api.ExportFormat{api.ExportEntries, api.ExportNDJSON} {
			n := 0
			_, err = c.ExportMap(t.Context(), api.ExportRequest{Map: api.MapRef{ID: uint32(id)}, Format: format}, func(c api.Chunk) error {
				n += c.Count
				if format == api.ExportNDJSON && strings.Count(string(c.Text), "\n") != c.Count {
					t.Errorf("%d entries in %d bytes of text", c.Count, len(c.Text))
				}
				return nil
			})
			if err != nil || n != 3 {
				t.Errorf("values of %d bytes, format %q: %d entries, %v", size, format, n, err)
			}
		}
	}
}
