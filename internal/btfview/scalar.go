package btfview

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// scalar encodes a number, a name or a bool as the size bytes of a t.
func scalar(t btf.Type, text string, size int, network bool) ([]byte, error) {
	under, _ := strip(t)
	if i, ok := under.(*btf.Int); ok && size == 16 {
		return encodeWide(t, text, i.Encoding == btf.Signed)
	}
	if _, ok := under.(*btf.Float); ok {
		return encodeFloat(t, text, size)
	}
	switch size {
	case 1, 2, 4, 8:
	default:
		return nil, fmt.Errorf("%s is given as hex: and %d bytes", Name(t), size)
	}
	v, err := bits(t, text, 8*size)
	if err != nil {
		return nil, err
	}
	var b [8]byte
	if network {
		binary.BigEndian.PutUint64(b[:], v)
		return b[8-size:], nil
	}
	binary.LittleEndian.PutUint64(b[:], v)
	return b[:size], nil
}

// bits encodes a number, a name or a bool in n bits, as a field of type t.
func bits(t btf.Type, text string, n int) (uint64, error) {
	if n < 1 || n > 64 {
		return 0, errors.New("the type has a size that no number has")
	}
	under, _ := strip(t)
	signedType := false
	switch u := under.(type) {
	case *btf.Int:
		signedType = u.Encoding == btf.Signed
		if v, ok := boolean(u, text); ok {
			return v, nil
		}
	case *btf.Enum:
		for _, c := range u.Values {
			if c.Name == text {
				return c.Value, nil
			}
		}
		if !numeric(text) {
			return 0, fmt.Errorf("%s has no value %q, it has %s", Name(t), clip(text), names(valueNames(u)))
		}
		// Compilers before LLVM 15 do not tell which enums have negative values.
		signedType = u.Signed || strings.HasPrefix(text, "-")
	case *btf.Pointer:
	default:
		return 0, fmt.Errorf("%s can't be written", Name(t))
	}
	name := Name(t)
	if w, err := btf.Sizeof(under); err == nil && n != 8*w {
		name = fmt.Sprintf("%d bits of %s", n, name)
	}
	if signedType {
		return signed(text, n, name)
	}
	return unsigned(text, n, name)
}

func boolean(t *btf.Int, text string) (uint64, bool) {
	switch {
	case t.Encoding != btf.Bool:
		return 0, false
	case text == "true":
		return 1, true
	default:
		return 0, text == "false"
	}
}

func valueNames(t *btf.Enum) []string {
	all := make([]string, len(t.Values))
	for i, v := range t.Values {
		all[i] = v.Name
	}
	return all
}

// numeric reports whether text is meant to be a number.
func numeric(text string) bool {
	text = strings.TrimPrefix(text, "-")
	return text != "" && text[0] >= '0' && text[0] <= '9'
}

// base splits the prefix off a number. A leading zero means nothing: an id that
// a person pads with zeros is not octal.
func base(text string) (string, int) {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for prefix, b := range map[string]int{"0x": 16, "0X": 16, "0b": 2} {
		if digits, ok := strings.CutPrefix(text, prefix); ok {
			return sign + digits, b
		}
	}
	return sign + text, 10
}

// unsigned reads a number of n bits; name says of what in errors.
func unsigned(text string, n int, name string) (uint64, error) {
	digits, b := base(text)
	v, err := strconv.ParseUint(digits, b, n)
	if err == nil {
		return v, nil
	}
	if errors.Is(err, strconv.ErrRange) || negative(digits, b) {
		return 0, fmt.Errorf("%s does not fit %s, which holds 0 to %d", clip(text), name, ^uint64(0)>>(64-n))
	}
	return 0, fmt.Errorf("%q is no %s", clip(text), name)
}

func signed(text string, n int, name string) (uint64, error) {
	digits, b := base(text)
	v, err := strconv.ParseInt(digits, b, n)
	if err == nil {
		return uint64(v), nil
	}
	if errors.Is(err, strconv.ErrRange) {
		most := int64(^uint64(0) >> (65 - n))
		return 0, fmt.Errorf("%s does not fit %s, which holds %d to %d", clip(text), name, -most-1, most)
	}
	return 0, fmt.Errorf("%q is no %s", clip(text), name)
}

func negative(digits string, b int) bool {
	_, err := strconv.ParseInt(digits, b, 64)
	return strings.HasPrefix(digits, "-") && (err == nil || errors.Is(err, strconv.ErrRange))
}

// encodeWide encodes a number of 128 bits.
func encodeWide(t btf.Type, text string, signed bool) ([]byte, error) {
	digits, b := base(text)
	v, ok := new(big.Int).SetString(digits, b)
	if !ok {
		return nil, fmt.Errorf("%q is no %s", clip(text), Name(t))
	}
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 128)
	if signed {
		high.Rsh(high, 1)
		low.Neg(high)
	}
	if v.Cmp(low) < 0 || v.Cmp(high) >= 0 {
		return nil, fmt.Errorf("%s does not fit %s, which holds %d to %d", clip(text), Name(t), low, high.Sub(high, big.NewInt(1)))
	}
	if v.Sign() < 0 {
		v.Add(v, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	out := v.FillBytes(make([]byte, 16))
	slices.Reverse(out)
	return out, nil
}

func encodeFloat(t btf.Type, text string, size int) ([]byte, error) {
	if size != 4 && size != 8 {
		return nil, fmt.Errorf("%s is given as hex: and %d bytes", Name(t), size)
	}
	f, err := strconv.ParseFloat(text, 8*size)
	if errors.Is(err, strconv.ErrRange) {
		return nil, fmt.Errorf("%s does not fit %s", clip(text), Name(t))
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no %s", clip(text), Name(t))
	}
	if size == 4 {
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(f))), nil
	}
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)), nil
}
