package btfc

import (
	"io"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// FuzzWrite: whatever BTF says, writing it ends, without a panic.
func FuzzWrite(f *testing.F) {
	for _, tt := range cases() {
		b, err := btf.NewBuilder(tt.types, nil)
		if err != nil {
			continue // types that BTF has no encoding for
		}
		if raw, err := b.Marshal(nil, nil); err == nil {
			f.Add(raw)
		}
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		spec, err := Parse(raw, nil)
		if err != nil {
			return
		}
		types, err := All(spec)
		if err != nil {
			return
		}
		_ = Write(io.Discard, types, Header{})
		for _, t := range types {
			if l, ok := LayoutOf(t); ok {
				_, _ = l.WriteTo(io.Discard)
			}
			Definition(t)
		}
	})
}
