package mapexpr

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// number is a literal: an integer of 65 bits, or a float.
type number struct {
	negative bool
	size     uint64 // without the sign
	real     float64
	whole    bool
}

// units of sizes in bytes and of times in nanoseconds.
func unit(name string) (uint64, bool) {
	switch strings.ToLower(name) {
	case "", "b", "ns":
		return 1, true
	case "kb":
		return 1e3, true
	case "mb":
		return 1e6, true
	case "gb":
		return 1e9, true
	case "tb":
		return 1e12, true
	case "kib":
		return 1 << 10, true
	case "mib":
		return 1 << 20, true
	case "gib":
		return 1 << 30, true
	case "tib":
		return 1 << 40, true
	case "us", "µs":
		return 1e3, true
	case "ms":
		return 1e6, true
	case "s":
		return 1e9, true
	case "min":
		return 60e9, true
	case "h":
		return 3600e9, true
	default:
		return 0, false
	}
}

var errNumber = errors.New("is no number")

// parseNumber reads a number and its unit.
func parseNumber(text string) (number, error) {
	var n number
	rest, negative := strings.CutPrefix(text, "-")
	n.negative = negative
	if digits, ok := strings.CutPrefix(strings.ToLower(rest), "0x"); ok {
		v, err := strconv.ParseUint(digits, 16, 64)
		n.size, n.whole, n.real = v, true, float64(v)
		return n.signed(), err
	}
	i := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if i < 0 {
		i = len(rest)
	}
	times, ok := unit(rest[i:])
	if i == 0 || !ok {
		return n, errNumber
	}
	f, err := strconv.ParseFloat(rest[:i], 64)
	if err != nil {
		return n, errNumber
	}
	n.real = f * float64(times)
	v, err := strconv.ParseUint(rest[:i], 10, 64)
	switch {
	case err == nil && v <= math.MaxUint64/times:
		n.size, n.whole = v*times, true
	case errors.Is(err, strconv.ErrRange) || err == nil:
		return n, errors.New("is more than 64 bits hold")
	case n.real == math.Trunc(n.real) && n.real < 1<<63:
		n.size, n.whole = uint64(n.real), true
	}
	return n.signed(), nil
}

func (n number) signed() number {
	if n.negative {
		n.real = -n.real
	}
	return n
}

// compareUint compares an unsigned number with the literal.
func (n number) compareUint(v uint64) int {
	switch {
	case !n.whole:
		return order(float64(v), n.real)
	case n.negative && n.size > 0:
		return 1
	default:
		return order(v, n.size)
	}
}

// compareInt compares a signed number with the literal.
func (n number) compareInt(v int64) int {
	switch {
	case !n.whole:
		return order(float64(v), n.real)
	case n.negative && n.size > 1<<63:
		return 1
	case n.negative:
		return order(v, -int64(n.size-1)-1)
	case n.size > math.MaxInt64:
		return -1
	default:
		return order(v, int64(n.size))
	}
}

func order[T int | int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// network reads an address or a network.
func network(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// protocols are the numbers of IP protocols, for fields that have no enum.
func protocol(name string) (uint64, bool) {
	switch strings.ToUpper(name) {
	case "ICMP":
		return 1, true
	case "TCP":
		return 6, true
	case "UDP":
		return 17, true
	case "GRE":
		return 47, true
	case "ICMPV6":
		return 58, true
	case "SCTP":
		return 132, true
	default:
		return 0, false
	}
}
