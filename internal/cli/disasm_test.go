package cli

import (
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestInspectCommands(t *testing.T) {
	for _, tt := range []struct {
		name  string
		setup func(*harness)
		args  []string
	}{
		{name: "disasm", args: []string{"prog", "disasm", "handle_exec"}},
		{name: "disasm-jited", args: []string{"prog", "disasm", "21", "--jited"}},
		{name: "disasm-both-json", args: []string{"prog", "disasm", "handle_exec", "--both", "-o", "json"}},
		{name: "disasm-one-hidden", setup: func(h *harness) {
			h.session.SetCode(api.Code{
				ID: 22, Name: "count_packets", Machine: "x86_64", JitedHidden: "kernel.kptr_restrict hides it",
				Xlated: []api.CodeFunc{{Name: "count_packets", Lines: []api.CodeLine{{Raw: api.Hex{0x95, 0, 0, 0, 0, 0, 0, 0}, Text: "(95) exit"}}}},
			})
		}, args: []string{"prog", "disasm", "count_packets", "--both"}},
		{name: "disasm-hidden", args: []string{"prog", "disasm", "sd_devices", "--jited"}},
		{name: "disasm-gone", args: []string{"prog", "disasm", "gone"}},
		{name: "disasm-which", args: []string{"prog", "disasm", "handle_exec", "--jited", "--both"}},
		{name: "prog-show-theirs", args: []string{"prog", "show", "sd_devices"}},
		{name: "map-show", args: []string{"map", "show", "counts"}},
		{name: "link-show", args: []string{"link", "show", "31"}},
		{name: "link-show-by-program", args: []string{"link", "show", "handle_exec", "-o", "json"}},
		{name: "link-show-gone", args: []string{"link", "show", "99"}},
	} {
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
