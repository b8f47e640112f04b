package cli

import (
	"strings"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestInitSaysWhatIsSetAndWhatIsNot(t *testing.T) {
	h := newHarness(t)
	h.scaffolder.Told = []string{`"attach": [{"program": "p", "target": "lo"}]`}
	h.scaffolder.Open = []api.OpenSetting{{Name: "run", Reason: "calls.bt takes 2 arguments", Example: `"run": ["bpftrace", "calls.bt", "a", "b"]`}}
	if code := h.run(t, "init"); code != 0 {
		t.Fatalf("exit %d: %s", code, h.errOut)
	}
	if want := `set:        "attach": [{"program": "p", "target": "lo"}], as the Makefile has it`; !strings.Contains(h.out.String(), want) {
		t.Errorf("%s", h.out)
	}
	const want = `note: calls.bt takes 2 arguments: fill in "run" in customizations.ebpfdev of devcontainer.json, such as
  "run": ["bpftrace", "calls.bt", "a", "b"]
`
	if !strings.HasPrefix(h.errOut.String(), want) {
		t.Errorf("%s", h.errOut)
	}
}
