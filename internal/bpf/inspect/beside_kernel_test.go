//go:build kernel

package inspect_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/bpf/inspect"
	"github.com/ebpfdev/ebpfdev/internal/kerneltest"
)

// Tools of Debian's whose programs work on kernels without kprobes, as shell
// commands, and how many programs each loads at least. Newer packages of libbpf's
// tools have names of their own for them.
var tools = []struct {
	command  string
	programs int
}{
	{`exec $(command -v execsnoop-libbpf || echo execsnoop)`, 2},
	{`exec $(command -v opensnoop-libbpf || echo opensnoop)`, 2},
	{`exec $(command -v runqlat-libbpf || echo runqlat)`, 3},
	{`exec bpftrace -e 'tracepoint:sched:sched_process_exec { @[comm] = count(); } interval:s:1 { @s = 1; }'`, 2},
}

// What bpftool says of the programs, maps and links of real tools, field by field,
// is what we say.
func TestBesideBpftool(t *testing.T) {
	kerneltest.Require(t)
	view := inspect.View{BPFFS: kerneltest.BPFFS}
	for _, tool := range tools {
		start(t, view, tool.command, tool.programs)
	}
	programs(t, view)
	maps(t, view)
	links(t, view)
}

// start runs a tool until the test ends, and waits until its programs are loaded.
func start(t *testing.T, view inspect.View, command string, want int) {
	t.Helper()
	before := len(listed(t, view))
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	deadline := time.After(30 * time.Second)
	for len(listed(t, view)) < before+want {
		select {
		case err := <-ended:
			t.Fatalf("%s ended: %v", command, err)
		case <-deadline:
			t.Fatalf("%s loads fewer than %d programs", command, want)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func listed(t *testing.T, view inspect.View) []api.Program {
	t.Helper()
	list, err := view.Programs(t.Context(), api.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// bpftool returns what it lists of a kind, by id.
func bpftool(t *testing.T, kind string) map[uint32]map[string]any {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "bpftool", "-j", kind, "show").Output()
	if err != nil {
		t.Fatalf("bpftool %s show: %v", kind, err)
	}
	var list []map[string]any
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("bpftool %s show: %v: %s", kind, err, out)
	}
	byID := map[uint32]map[string]any{}
	for _, o := range list {
		byID[uint32(o["id"].(float64))] = o
	}
	return byID
}

// same compares fields of ours, as JSON has them, with bpftool's of the same name.
func same(t *testing.T, kind string, id uint32, ours any, theirs map[string]any, fields []string) {
	t.Helper()
	text, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	var mine map[string]any
	if err := json.Unmarshal(text, &mine); err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		if got, want := fmt.Sprint(mine[f]), fmt.Sprint(theirs[f]); got != want {
			t.Errorf("%s %d: %s is %s, bpftool has %s", kind, id, f, got, want)
		}
	}
}

func programs(t *testing.T, view inspect.View) {
	t.Helper()
	theirs := bpftool(t, "prog")
	seen := 0
	for _, p := range listed(t, view) {
		other, ok := theirs[p.ID]
		if !ok {
			continue // it came meanwhile
		}
		seen++
		same(t, "program", p.ID, p, other, []string{"id", "tag", "gpl_compatible", "uid", "bytes_xlated", "bytes_jited", "bytes_memlock"})
		// It says false where a program has no name, and leaves out what is empty.
		if name, _ := other["name"].(string); name != p.Name {
			t.Errorf("program %d: name is %q, bpftool has %q", p.ID, p.Name, name)
		}
		if kind, _ := other["type"].(string); kind != p.Type {
			t.Errorf("program %d: type is %q, bpftool has %q", p.ID, p.Type, kind)
		}
		if at, _ := other["loaded_at"].(float64); p.LoadedAt.Unix()-int64(at) > 1 || int64(at)-p.LoadedAt.Unix() > 1 {
			t.Errorf("program %d: loaded at %d, bpftool has %.0f", p.ID, p.LoadedAt.Unix(), at)
		}
		if id, _ := other["btf_id"].(float64); uint32(id) != p.BTFID {
			t.Errorf("program %d: BTF %d, bpftool has %.0f", p.ID, p.BTFID, id)
		}
		var ids []uint32
		list, _ := other["map_ids"].([]any)
		for _, id := range list {
			ids = append(ids, uint32(id.(float64)))
		}
		if slices.Sort(ids); !slices.Equal(ids, p.MapIDs) {
			t.Errorf("program %d: maps %v, bpftool has %v", p.ID, p.MapIDs, ids)
		}
	}
	if seen < 9 {
		t.Errorf("%d programs compared, want those of four tools", seen)
	}
	t.Logf("%d programs compared", seen)
}

func maps(t *testing.T, view inspect.View) {
	t.Helper()
	theirs := bpftool(t, "map")
	list, err := view.Maps(t.Context(), api.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, m := range list {
		other, ok := theirs[m.ID]
		if !ok {
			continue
		}
		seen++
		same(t, "map", m.ID, m, other, []string{"id", "type", "flags", "bytes_key", "bytes_value", "max_entries", "bytes_memlock"})
		if name, _ := other["name"].(string); name != m.Name {
			t.Errorf("map %d: name is %q, bpftool has %q", m.ID, m.Name, name)
		}
		if frozen, _ := other["frozen"].(float64); (frozen == 1) != m.Frozen {
			t.Errorf("map %d: frozen is %v, bpftool has %v", m.ID, m.Frozen, other["frozen"])
		}
		// Since Linux 6.18 the kernel leaves fields that it does not set as they are, and
		// bpftool 7.1 asks about one map after the other without clearing them.
		if id, _ := other["btf_id"].(float64); uint32(id) != m.BTFID && m.BTFID != 0 {
			t.Errorf("map %d: BTF %d, bpftool has %.0f", m.ID, m.BTFID, id)
		}
	}
	t.Logf("%d maps compared", seen)
	if seen < 8 {
		t.Errorf("%d maps compared, want those of four tools", seen)
	}
}

func links(t *testing.T, view inspect.View) {
	t.Helper()
	theirs := bpftool(t, "link")
	list, err := view.Links(t.Context(), api.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, l := range list {
		other, ok := theirs[l.ID]
		if !ok {
			continue
		}
		seen++
		same(t, "link", l.ID, l, other, []string{"id", "type", "prog_id"})
	}
	t.Logf("%d links compared", seen)
	if seen < 5 {
		t.Errorf("%d links compared, want those of three tools", seen)
	}
}
