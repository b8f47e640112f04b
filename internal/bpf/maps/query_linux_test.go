package maps

import (
	"math"
	"testing"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// TestFarOffset asks for a page that begins where numbers end.
func TestFarOffset(t *testing.T) {
	v := &view{keySize: 4, valueSize: 4, stride: 4, cpus: 1}
	for _, order := range []string{"", "key", "-value"} {
		s, err := v.selection(api.QueryRequest{Order: order, Offset: math.MaxInt})
		if err != nil {
			t.Fatal(err)
		}
		for i := range byte(3) {
			if err := s.add([]byte{i, 0, 0, 0}, []byte{1, 0, 0, 0}); err != nil {
				t.Fatal(err)
			}
		}
		if page := s.page(); len(page) != 0 || s.matched != 3 {
			t.Errorf("order %q: %d entries of %d", order, len(page), s.matched)
		}
	}
}
