package maps

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/bits"

	"golang.org/x/sys/unix"
)

// An LPM trie answers a lookup with the longest network that has the address in it.
// Whether one network itself is there is found by walking.

// network returns the value of exactly this network, nil when it is not there.
func (v *view) network(ctx context.Context, key []byte) ([]byte, error) {
	switch err := lookup(v.fd, key, make([]byte, v.full())); {
	case errors.Is(err, unix.ENOENT):
		return nil, nil // nor is a wider one
	case err != nil:
		return nil, v.fail(err)
	}
	found, value, err := v.nearest(ctx, key)
	if err != nil || found == nil || prefixLength(found) != prefixLength(key) {
		return nil, err
	}
	return value, nil
}

// nearest returns the longest network that holds another, and its value.
func (v *view) nearest(ctx context.Context, key []byte) (network, value []byte, err error) {
	_, err = v.walk(ctx, func(k, val []byte) error {
		n := prefixLength(k)
		if n > prefixLength(key) || network != nil && n <= prefixLength(network) || common(k[4:], key[4:]) < n {
			return nil
		}
		network, value = bytes.Clone(k), bytes.Clone(val)
		if n == prefixLength(key) {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return network, value, err
}

func prefixLength(key []byte) int { return int(binary.LittleEndian.Uint32(key)) }

// common returns how many bits are the same from the beginning.
func common(a, b []byte) int {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return 8*i + bits.LeadingZeros8(x)
		}
	}
	return 8 * len(a)
}
