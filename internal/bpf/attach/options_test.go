//go:build linux

package attach

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestOptions(t *testing.T) {
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		"a": {Type: ebpf.XDP}, "b": {Type: ebpf.TracePoint, AttachTo: "sched/x"}, "c": {Type: ebpf.Tracing, AttachTo: "f"},
	}}
	o, err := NewOptions(spec, []api.AttachOption{
		{Program: "*", Target: "eth0", Mode: "generic"}, {Program: "c", Target: "g"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := o.of("a", ""); got.Target != "eth0" || got.Mode != "generic" {
		t.Errorf("a program without a target gets %+v", got)
	}
	if got := o.of("b", "sched/x"); got.Target != "sched/x" || got.Mode != "" {
		t.Errorf("a program whose section says it all gets %+v", got)
	}
	if _, _, err := o.Prepare(spec); err != nil || spec.Programs["c"].AttachTo != "g" {
		t.Errorf("a tracing program is loaded for %q, want g", spec.Programs["c"].AttachTo)
	}
	for name, opts := range map[string][]api.AttachOption{
		"nobody": {{Program: "x", Target: "y"}}, "twice": {{Program: "a", Target: "y"}, {Program: "a", Target: "z"}},
	} {
		_, err := NewOptions(spec, opts)
		if !errors.Is(err, api.ErrUsage) {
			t.Errorf("%s: %v, want ErrUsage", name, err)
		}
		if name == "nobody" && !strings.HasSuffix(err.Error(), "it has a, b, c") {
			t.Errorf("%v does not say what there is", err)
		}
	}
}

func TestSplitOffset(t *testing.T) {
	if s, off, err := splitOffset("f+0x10"); s != "f" || off != 16 || err != nil {
		t.Errorf("got %q %d %v", s, off, err)
	}
	if _, _, err := splitOffset("f+"); err == nil {
		t.Error("an empty offset is accepted")
	}
}

func TestExpand(t *testing.T) {
	list := "vfs_read\nvfs_write\nvfs_read\n__ftrace_invalid_address___12\next4_sync [ext4]\n"
	got, err := expand(strings.NewReader(list), []string{"vfs_*", "ext4_sync", "none"})
	if err != nil || !slices.Equal(got, []string{"ext4_sync", "vfs_read", "vfs_write"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := expand(strings.NewReader(list), []string{"vfs_["}); err == nil {
		t.Error("a malformed pattern is taken")
	}
}

func TestWords(t *testing.T) {
	j := &job{name: "p", target: "lo", mode: "pid=12,defrag"}
	words, err := j.words("pid", "defrag")
	if err != nil || words["pid"] != "12" {
		t.Errorf("%v, %v", words, err)
	}
	if n, err := j.number(words, "pid"); n != 12 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := j.words("pid"); !errors.Is(err, api.ErrUsage) || api.HintOf(err) == "" {
		t.Errorf("an unknown word: %v", err)
	}
}
