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
// carries struct event.
func RecordType(types *btf.Spec, mapName string, declared btf.Type) btf.Type {
	if declared != nil || types == nil {
		return declared
	}
	for _, name := range []string{strings.TrimSuffix(mapName, "s"), mapName, "event"} {
		var s *btf.Struct
		if err := types.TypeByName(name, &s); err == nil {
			return s
		}
	}
	return nil
}
