package apitest

import (
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// TestFakeConforms runs the suite against the fake, which loads what it is told
// to: the content of CountObject.
func TestFakeConforms(t *testing.T) {
	Run(t, func(*testing.T) api.Target {
		f := NewEmptyFake()
		f.SetLoad(api.LoadResult{
			Programs: []api.Program{{Name: CountProgram, Type: "raw_tracepoint"}},
			Links:    []api.Link{{Program: CountProgram, Type: "raw_tracepoint"}},
			Maps: []api.Map{
				{Name: CountsMap, Type: "hash", KeySize: 4, ValueSize: 8, KeyType: "__u32", ValueType: "__u64", Readable: true},
				{Name: ScoresMap, Type: "hash", KeySize: 4, ValueSize: 8, KeyType: "__u32", ValueType: "__u64", Readable: true},
				{Name: SettingsMap, Type: "hash", KeySize: 4, ValueSize: 16, KeyType: "__u32", ValueType: "struct limits", Readable: true},
				{Name: EventsMap, Type: "ringbuf"},
			},
		})
		return f
	}, Options{NoKernel: true, NoPins: true})
}
