package maps

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// Edit applies edits one by one and stops at the first that fails; the result
// tells what was done before it. In a per-CPU map a value is set for all CPUs,
// or as a list with one for each. Values of maps that hold programs or maps are
// their ids.
//
// An edit's Expect is compared with the entry right before it is changed; it is
// the first CPU's value or those of all CPUs one after the other, and no bytes
// for an entry that is not there. Between the comparison and the change another
// writer can still come: the kernel has no operation that does both.
//
// Errors: ErrInvalid (key or value), ErrNotExist (delete), ErrConflict (Expect),
// ErrPermission (frozen or read-only), ErrNotSupported, ErrUsage (the operation).
func Edit(ctx context.Context, src Source, req api.EditRequest) (api.EditResult, error) {
	res := api.EditResult{Changes: []api.Change{}}
	if err := ctx.Err(); err != nil {
		return res, err
	}
	v, err := editable(src)
	if err != nil {
		return res, err
	}
	if err := v.writable(src.Map); err != nil {
		return res, err
	}
	for _, edit := range req.Edits {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		change, err := v.edit(ctx, edit, req.DryRun)
		if err != nil {
			return res, err
		}
		res.Applied++
		res.Changes = append(res.Changes, change)
	}
	return res, nil
}

// writable refuses maps that user space may not change.
func (v *view) writable(m *ebpf.Map) error {
	info, err := m.Info()
	if err != nil {
		return v.fail(err)
	}
	switch {
	case info.Frozen():
		return v.errorf(api.ErrPermission, "the map is frozen: user space can't change it any more")
	case m.Flags()&unix.BPF_F_RDONLY != 0:
		return v.errorf(api.ErrPermission, "the map was created so that user space may only read it (BPF_F_RDONLY)")
	default:
		return nil
	}
}

// editable looks at a map that is to be changed. Errors: ErrNotSupported.
func editable(src Source) (*view, error) {
	v, err := anyView("edit map", src)
	if err != nil {
		return nil, err
	}
	v.method, _ = way(v.typ)
	switch v.typ {
	case ebpf.RingBuf, ebpf.UserRingbuf, ebpf.PerfEventArray, ebpf.Arena, ebpf.XSKMap, ebpf.CGroupArray:
		return nil, v.errorf(api.ErrNotSupported, "a "+v.info.Type+" map's entries can't be set by their values")
	}
	if src.Map.Flags()&unix.BPF_F_WRONLY != 0 {
		return nil, v.errorf(api.ErrPermission, "the map was created so that user space may only write it (BPF_F_WRONLY)")
	}
	return v, nil
}

// edit does one edit.
func (v *view) edit(ctx context.Context, edit api.Edit, dry bool) (api.Change, error) {
	switch edit.Op {
	case api.EditPush:
		return v.push(edit, dry)
	case api.EditPop:
		return v.pop(dry)
	case api.EditSet, api.EditDelete:
	default:
		return api.Change{}, v.errorf(api.ErrUsage, "operation "+strconv.Quote(string(edit.Op))+" is none of set, delete, push, pop")
	}
	if keyless(v.typ) {
		return api.Change{}, v.errorf(api.ErrNotSupported, "entries of a "+v.info.Type+" map have no keys: push and pop").
			WithHint("ebpfdev map push " + v.info.Name + " VALUE")
	}
	h, err := v.handle(edit.Key)
	if err != nil {
		return api.Change{}, err
	}
	defer h.close()
	change := api.Change{Key: h.shown}
	before, err := v.lookup(ctx, h.key)
	if err != nil {
		return api.Change{}, err
	}
	if before != nil {
		d := btfview.Decode(v.value, v.cpu(before, 0))
		change.Before = &d
	}
	if edit.Expect != nil && !v.same(before, *edit.Expect) {
		return api.Change{}, v.conflict(change.Key)
	}
	if edit.Op == api.EditDelete {
		return v.remove(h.key, before, change, edit, dry)
	}
	value, err := v.written(edit, before)
	if err != nil {
		return api.Change{}, err
	}
	d := btfview.Decode(v.value, v.cpu(value, 0))
	change.After = &d
	if !dry {
		err = v.set(h.key, value, edit.Expect)
	}
	return change, v.outcome(err, change.Key, edit)
}

// remove deletes an entry.
func (v *view) remove(key, before []byte, change api.Change, edit api.Edit, dry bool) (api.Change, error) {
	if err := v.deletable(); err != nil {
		return api.Change{}, err
	}
	var err error
	if before == nil {
		err = unix.ENOENT
	} else if !dry {
		err = remove(v.fd, key)
	}
	return change, v.outcome(err, change.Key, edit)
}

// written is the value that an edit writes: all of it, or some fields of what was
// there before.
func (v *view) written(edit api.Edit, before []byte) ([]byte, error) {
	if len(edit.Fields) == 0 {
		return v.encode(edit.Value)
	}
	if edit.Value != "" {
		return nil, v.errorf(api.ErrUsage, "either a value or fields of it")
	}
	value := make([]byte, v.full())
	copy(value, before)
	for i := range v.cpus {
		for _, field := range edit.Fields {
			if err := btfview.Assign(v.value, v.cpu(value, i), field); err != nil {
				return nil, v.invalid("value", err)
			}
		}
	}
	return value, nil
}

// lookup returns an entry's value, nil when there is none.
func (v *view) lookup(ctx context.Context, key []byte) ([]byte, error) {
	if v.typ == ebpf.LPMTrie {
		return v.network(ctx, key)
	}
	value := make([]byte, v.full())
	switch err := lookup(v.fd, key, value); {
	case err == nil:
		return value, nil
	case errors.Is(err, unix.ENOENT):
		return nil, nil
	default:
		return nil, v.fail(err)
	}
}

// same reports whether an entry is what an edit expects.
func (v *view) same(before []byte, expect api.Hex) bool {
	if before == nil || len(expect) == 0 {
		return before == nil && len(expect) == 0
	}
	if len(expect) == v.valueSize {
		return bytes.Equal(expect, v.cpu(before, 0))
	}
	var all []byte
	for i := range v.cpus {
		all = append(all, v.cpu(before, i)...)
	}
	return bytes.Equal(expect, all)
}

// encode turns text into a value for all CPUs.
func (v *view) encode(text string) ([]byte, error) {
	one, err := btfview.Encode(v.value, v.valueSize, text)
	each := make([][]byte, v.cpus)
	for i := range each {
		each[i] = one
	}
	if err != nil {
		items, ok := btfview.Elements(text)
		if !ok || !perCPU(v.typ) {
			return nil, v.invalid("value", err)
		}
		if len(items) != v.cpus {
			return nil, v.errorf(api.ErrInvalid, fmt.Sprintf("value: %d values are given for %d CPUs", len(items), v.cpus))
		}
		for i, item := range items {
			if each[i], err = btfview.Encode(v.value, v.valueSize, item); err != nil {
				return nil, v.invalid("value of CPU "+strconv.Itoa(i), err)
			}
		}
	}
	out := make([]byte, v.full())
	for i, b := range each {
		copy(v.cpu(out, i), b)
	}
	return out, nil
}

// set writes a value. With an expectation it only creates or only overwrites.
func (v *view) set(key, value []byte, expect *api.Hex) error {
	var flags uint64 = unix.BPF_ANY
	switch {
	case expect == nil || indexed(v.typ):
	case len(*expect) == 0:
		flags = unix.BPF_NOEXIST
	default:
		flags = unix.BPF_EXIST
	}
	switch v.typ {
	case ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		return v.setID(key, binary.LittleEndian.Uint32(value), flags)
	case ebpf.StackTrace, ebpf.SockMap, ebpf.SockHash, ebpf.ReusePortSockArray, ebpf.StructOpsMap:
		return errNotSupp
	default:
		return update(v.fd, key, value, flags)
	}
}

// setID puts the program or the map with an id into a map. The kernel wants its
// file descriptor.
func (v *view) setID(key []byte, id uint32, flags uint64) error {
	var (
		held interface {
			FD() int
			Close() error
		}
		err error
	)
	if v.typ == ebpf.ProgramArray {
		held, err = ebpf.NewProgramFromID(ebpf.ProgramID(id))
	} else {
		held, err = ebpf.NewMapFromID(ebpf.MapID(id))
	}
	if err != nil {
		return v.errorf(api.ErrInvalid, fmt.Sprintf("value: nothing with the id %d can be opened", id))
	}
	defer held.Close()
	fd := binary.LittleEndian.AppendUint32(nil, uint32(held.FD()))
	return update(v.fd, key, fd, flags)
}

// deletable refuses types whose entries always exist.
func (v *view) deletable() error {
	if indexed(v.typ) {
		return v.errorf(api.ErrNotSupported, "entries of "+v.info.Type+" maps always exist; set one to 0 instead")
	}
	return nil
}

// outcome says what an error of the kernel means for an edit.
func (v *view) outcome(err error, key api.Datum, edit api.Edit) error {
	var ours *api.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ours):
		return err
	case edit.Expect != nil && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EEXIST)):
		return v.conflict(key)
	case errors.Is(err, unix.ENOENT):
		if v.method == byPeek {
			return v.errorf(api.ErrNotExist, "the "+v.info.Type+" is empty")
		}
		return v.errorf(api.ErrNotExist, "no entry has the key "+key.Text)
	case errors.Is(err, unix.E2BIG):
		return v.errorf(api.ErrFailed, fmt.Sprintf("the map is full: max_entries is %d", v.maxEntries))
	case errors.Is(err, unix.EINVAL):
		return v.errorf(api.ErrInvalid, "the kernel refuses this for the key "+key.Text+" of a "+v.info.Type+" map")
	default:
		return v.fail(err)
	}
}

func (v *view) conflict(key api.Datum) error {
	return v.errorf(api.ErrConflict, "the entry "+key.Text+" is no longer what it was")
}

// invalid says which part of an edit can't be encoded.
func (v *view) invalid(part string, err error) error {
	var e *api.Error
	if errors.As(err, &e) {
		return v.errorf(api.ErrInvalid, part+": "+e.Cause)
	}
	return api.E(v.op, v.info.Name, api.ErrInvalid, err)
}
