package btfview

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// prefixName marks a type as the key of an LPM trie. No type of C has a space in
// its name.
const prefixName = "lpm prefix"

// Prefix returns the type that shows the key of an LPM trie as a network,
// "10.0.0.0/8", and reads one. T is the map's own, nil when it has none. Keys that
// hold more than a length and 4 or 16 bytes of address stay what they are.
func Prefix(t btf.Type, size int) btf.Type {
	if size != 8 && size != 20 {
		return t
	}
	if t == nil {
		return &btf.Typedef{Name: prefixName, Type: plainPrefix(size)}
	}
	under, _ := strip(t)
	s, ok := under.(*btf.Struct)
	if !ok || len(s.Members) != 2 || s.Members[1].Offset.Bytes() != 4 || s.Members[1].BitfieldSize > 0 {
		return t
	}
	shaped, ok := shape(s, size)
	if !ok {
		return t
	}
	return &btf.Typedef{Name: prefixName, Type: shaped}
}

// plainPrefix is the kernel's struct bpf_lpm_trie_key with an address in it.
func plainPrefix(size int) btf.Type {
	octet := &btf.Int{Name: "__u8", Size: 1}
	return &btf.Struct{Name: "bpf_lpm_trie_key", Size: uint32(size), Members: []btf.Member{
		{Name: "prefixlen", Type: &btf.Int{Name: "__u32", Size: 4}},
		{Name: "addr", Offset: 32, Type: &btf.Array{Type: octet, Nelems: uint32(size - 4)}},
	}}
}

// IsPrefix reports whether a type is one that Prefix made.
func IsPrefix(t btf.Type) bool {
	d, ok := t.(*btf.Typedef)
	return ok && d.Name == prefixName
}

// PrefixOf reads the key of an LPM trie. It is false when its length is longer
// than its address.
func PrefixOf(raw []byte) (netip.Prefix, bool) {
	if len(raw) != 8 && len(raw) != 20 {
		return netip.Prefix{}, false
	}
	addr, _ := netip.AddrFromSlice(raw[4:])
	n := little(raw[:4])
	if n > uint64(addr.BitLen()) {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, int(n)), true
}

func (p *printer) prefix(raw []byte) {
	network, ok := PrefixOf(raw)
	if !ok {
		p.opaque(raw)
		return
	}
	// An IPv4 address in 16 bytes has a length that counts all of them.
	p.word(network.Addr().String() + "/" + strconv.Itoa(network.Bits()))
}

// prefix writes a network; an address alone is a network of one.
func (e *encoder) prefix(text string, size, off int) error {
	addr, digits, has := strings.Cut(text, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" || size == 8 && !a.Is4() {
		return fmt.Errorf("%q is no network such as %s", clip(text), sampleNetwork(size))
	}
	b := a.AsSlice()
	if size == 20 {
		wide := a.As16()
		b = wide[:]
	}
	n := 8 * len(b)
	if has {
		if n, err = strconv.Atoi(digits); err != nil || n < 0 || n > 8*len(b) {
			return fmt.Errorf("%q is no length of 0 to %d bits", clip(digits), 8*len(b))
		}
	}
	if err := e.put(off, 32, uint64(n)); err != nil {
		return err
	}
	return e.putBytes(off+32, b)
}

func sampleNetwork(size int) string {
	if size == 8 {
		return "10.0.0.0/8"
	}
	return "fd00::/8"
}

// comparePrefixes puts networks in the order of their addresses, the wider first.
func comparePrefixes(a, b []byte) int {
	return cmp.Or(bytes.Compare(a[4:], b[4:]), cmp.Compare(little(a[:4]), little(b[:4])))
}
