package object

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
)

// readExtra reads what maps of a section "maps" have behind type, sizes, entries
// and flags, which cilium/ebpf leaves to its caller: Aya writes an id and whether
// the map is pinned by its name, iproute2 an inner map besides. Ids mean nothing
// here, and pins that an object asks for are not made. What else there is is
// refused by name.
func readExtra(spec *ebpf.CollectionSpec) error {
	const id, pinning = 0, 1 // words of 4 bytes
	for name, m := range spec.Maps {
		if m.Extra == nil {
			continue
		}
		raw, err := io.ReadAll(m.Extra)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		m.Extra = nil
		for i, b := range raw {
			if word := i / 4; b != 0 && word != id && word != pinning {
				return fmt.Errorf("map %s: word %d of its definition in section maps is not understood (%#x)", name, 5+word, word32(spec.ByteOrder, raw, word))
			}
		}
	}
	return nil
}

func word32(order binary.ByteOrder, raw []byte, i int) uint32 {
	var word [4]byte
	copy(word[:], raw[4*i:])
	return order.Uint32(word[:])
}
