package maps

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// errFound ends a walk that has found what it looked for.
var errFound = errors.New("found")

// descended returns the view of all entries of the maps in a map: their keys are
// those of the outer map followed by those of the inner. Inner maps all have the
// sizes of the first, the kernel sees to that.
func (v *view) descended(ctx context.Context) (*view, error) {
	if v.typ != ebpf.ArrayOfMaps && v.typ != ebpf.HashOfMaps {
		return nil, v.errorf(api.ErrUsage, "a "+v.info.Type+" map has no maps in it to descend into")
	}
	if v.open == nil {
		return nil, v.errorf(api.ErrNotSupported, "maps in maps can't be opened from here")
	}
	var inner *view
	_, err := v.walk(ctx, func(_, value []byte) error {
		src, err := v.open(binary.LittleEndian.Uint32(value))
		if errors.Is(err, api.ErrNotExist) {
			return nil // it was replaced meanwhile
		}
		if err != nil {
			return err
		}
		defer src.Map.Close()
		if inner, err = newView(v.op, src); err != nil {
			return err
		}
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	if inner == nil {
		empty := *v
		empty.outer = v
		return &empty, nil
	}
	both := *inner
	both.fd, both.outer = -1, v
	both.info.Name = v.info.Name
	both.key, both.keySize = joined(v, inner), v.keySize+inner.keySize
	return &both, nil
}

// joined is the type of keys in a descent.
func joined(outer, inner *view) btf.Type {
	return &btf.Struct{Name: "path", Size: uint32(outer.keySize + inner.keySize), Members: []btf.Member{
		{Name: "outer", Type: typeOr(outer.key, outer.keySize)},
		{Name: "key", Type: typeOr(inner.key, inner.keySize), Offset: btf.Bits(8 * outer.keySize)},
	}}
}

// typeOr returns a type, or bytes where there is none.
func typeOr(t btf.Type, size int) btf.Type {
	if t != nil {
		return t
	}
	switch size {
	case 1, 2, 4, 8:
		return &btf.Int{Name: fmt.Sprintf("__u%d", 8*size), Size: uint32(size)}
	default:
		return &btf.Array{Type: &btf.Int{Name: "__u8", Size: 1}, Nelems: uint32(size)}
	}
}

// inners visits the entries of each map in the outer one.
func (w *walk) inners(ctx context.Context) error {
	key := make([]byte, w.keySize)
	_, err := w.outer.walk(ctx, func(at, value []byte) error {
		src, err := w.outer.open(binary.LittleEndian.Uint32(value))
		if errors.Is(err, api.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer src.Map.Close()
		inner, err := newView(w.op, src)
		if err != nil {
			return err
		}
		if len(at)+inner.keySize != w.keySize || inner.full() != w.full() {
			return w.errorf(api.ErrFailed, fmt.Sprintf("the map %d in it has other sizes than the first", binary.LittleEndian.Uint32(value)))
		}
		copy(key, at)
		got, err := inner.walk(ctx, func(k, v []byte) error {
			copy(key[len(at):], k)
			return w.see(ctx, key, v)
		})
		w.incomplete = w.incomplete || got != nil && got.incomplete
		return err
	})
	return err
}
