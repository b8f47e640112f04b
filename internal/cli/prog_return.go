package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// returnInWords returns the name that the kernel's headers have for what a program of a
// type returns; "" for types whose number is one.
func returnInWords(kind string, ret uint32) string {
	var names map[uint32]string
	switch kind {
	case "xdp":
		names = map[uint32]string{0: "XDP_ABORTED", 1: "XDP_DROP", 2: "XDP_PASS", 3: "XDP_TX", 4: "XDP_REDIRECT"}
	case "sched_cls", "sched_act":
		names = map[uint32]string{
			0: "TC_ACT_OK", 1: "TC_ACT_RECLASSIFY", 2: "TC_ACT_SHOT", 3: "TC_ACT_PIPE", 4: "TC_ACT_STOLEN",
			5: "TC_ACT_QUEUED", 6: "TC_ACT_REPEAT", 7: "TC_ACT_REDIRECT", 8: "TC_ACT_TRAP", 0xffffffff: "TC_ACT_UNSPEC",
		}
	case "cgroup_skb":
		names = map[uint32]string{0: "drop", 1: "pass"}
	case "sk_lookup", "sk_msg", "sk_skb":
		names = map[uint32]string{0: "SK_DROP", 1: "SK_PASS"}
	case "netfilter":
		names = map[uint32]string{0: "NF_DROP", 1: "NF_ACCEPT"}
	case "flow_dissector":
		names = map[uint32]string{0: "BPF_OK", 2: "BPF_DROP", 129: "BPF_FLOW_DISSECTOR_CONTINUE"}
	}
	return names[ret]
}

// changed lists where a packet is different after a run, as offset, bytes before
// and bytes after; at most a few places, and one line for what was added or cut.
func changed(before, after []byte) []string {
	if len(after) == 0 {
		return nil
	}
	const most = 16
	var list []string
	n := min(len(before), len(after))
	for i := 0; i < n && len(list) < most; i++ {
		if before[i] == after[i] {
			continue
		}
		end := i
		for end < n && before[end] != after[end] {
			end++
		}
		list = append(list, fmt.Sprintf("%#x: % x -> % x", i, before[i:end], after[i:end]))
		i = end
	}
	switch {
	case len(after) > len(before):
		list = append(list, fmt.Sprintf("%d bytes longer", len(after)-len(before)))
	case len(after) < len(before):
		list = append(list, fmt.Sprintf("%d bytes shorter", len(before)-len(after)))
	}
	return list
}

// counted says how often each thing was returned, the most frequent first.
func counted(times map[string]int) string {
	names := slices.SortedFunc(maps.Keys(times), func(a, b string) int {
		if d := times[b] - times[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s: %d", name, times[name])
	}
	return strings.Join(names, ", ")
}
