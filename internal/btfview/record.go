package btfview

import (
	"strings"

	"github.com/cilium/ebpf/btf"
)

// RecordType returns the type of the records that a ring buffer or perf event
// array carries, nil when nothing tells it. Declared is the value type of the
// map's definition: only cilium/ebpf accepts one on a ring buffer, libbpf does
// not. Without it the map's name tells, by the custom of most code: "events"
// carries struct event or struct events, and any map that has no namesake
// carries struct event. Rust writes Event.
func RecordType(types *btf.Spec, mapName string, declared btf.Type) btf.Type {
	if declared != nil || types == nil {
		return declared
	}
	for _, name := range []string{strings.TrimSuffix(mapName, "s"), mapName, "event"} {
		for _, name := range []string{name, camelCase(name)} {
			var s *btf.Struct
			if err := types.TypeByName(name, &s); err == nil {
				return s
			}
		}
	}
	return nil
}

// camelCase turns exec_event and EXEC_EVENT into ExecEvent.
func camelCase(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + strings.ToLower(word[1:]))
		}
	}
	return b.String()
}
