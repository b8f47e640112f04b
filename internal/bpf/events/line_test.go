package events

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

func TestLines(t *testing.T) {
	log := func(comm string, pid, cpu int, text string) api.Event {
		return api.Event{Kind: api.EventLog, Comm: comm, PID: pid, CPU: cpu, Text: text}
	}
	for _, c := range []struct {
		name   string
		chunks []string
		want   []api.Event
	}{
		{"plain", []string{"            bash-1234    [001] d..21  5678.901234: bpf_trace_printk: hello\n"}, []api.Event{log("bash", 1234, 1, "hello")}},
		{
			"before 5.9",
			[]string{"  bash-7  [000] d... 5678.901234: 0x00000001: old\n"},
			[]api.Event{log("bash", 7, 0, "old")},
		},
		{
			"thread group",
			[]string{"  my - name-12-7     (   1200) [011] 1.5: bpf_trace_printk: a: b\n"},
			[]api.Event{log("my - name-12", 7, 11, "a: b")},
		},
		{"no thread group", []string{"  bash-7     (-------) [011] .... 1.5: bpf_trace_printk: a\n"}, []api.Event{log("bash", 7, 11, "a")}},
		{"forgotten name", []string{"   <...>-99      [000] ....1 1.0: bpf_trace_printk: x\n"}, []api.Event{log("", 99, 0, "x")}},
		{"idle", []string{"  <idle>-0       [000] ..s1. 1.0: bpf_trace_printk: x\n"}, []api.Event{log("<idle>", 0, 0, "x")}},
		{"empty message", []string{"  a-1  [000] ....1 1.0: bpf_trace_printk: \n"}, []api.Event{log("a", 1, 0, "")}},
		{
			"parts",
			[]string{"  a-1  [000] ....1 1.0: bpf_tr", "ace_printk: one\n  b-2  [000] ....1 1.0: bpf_trace_printk: two\n c"},
			[]api.Event{log("a", 1, 0, "one"), log("b", 2, 0, "two")},
		},
		{
			"line feeds",
			[]string{"  a-1  [000] ....1 1.0: bpf_trace_printk: one\ntwo\n\n"},
			[]api.Event{log("a", 1, 0, "one"), log("a", 1, 0, "two")},
		},
		{"lost", []string{"CPU:3 [LOST 12 EVENTS]\nCPU:0 [LOST EVENTS]\n"}, []api.Event{
			{Kind: api.EventLost, CPU: 3, Lost: 12}, {Kind: api.EventLost, CPU: 0, Lost: 1},
		}},
		{"escapes stay", []string{"  \x1b[2J-1  [000] ....1 1.0: bpf_trace_printk: \xff\x00\n"}, []api.Event{log("\x1b[2J", 1, 0, "\xff\x00")}},
	} {
		var l lines
		var got []api.Event
		for _, chunk := range c.chunks {
			got = append(got, l.add(chunk)...)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("  a-1  [000] ....1 1.0: bpf_trace_printk: one\ntwo\n\nCPU:3 [LOST 12 EVENTS]\n")
	f.Fuzz(func(t *testing.T, text string) {
		var whole, parts lines
		all := whole.add(text)
		var pieces []api.Event
		for i := range len(text) {
			pieces = append(pieces, parts.add(text[i:i+1])...)
		}
		if d := cmp.Diff(all, pieces); d != "" {
			t.Errorf("in one piece and byte by byte differ:\n%s", d)
		}
	})
}
