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
	v, err := newView("edit map", src)
	if err != nil {
		return res, err
	}
	switch v.method {
	case byPeek, byRecord, byObject:
		return res, v.errorf(api.ErrNotSupported, "entries of a "+v.info.Type+" map are not set by a key")
	}
	if err := v.writable(src.Map); err != nil {
		return res, err
	}
	for _, edit := range req.Edits {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		change, err := v.edit(edit, req.DryRun)
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

// edit does one edit.
func (v *view) edit(edit api.Edit, dry bool) (api.Change, error) {
	key, err := btfview.Encode(v.key, v.keySize, edit.Key)
	if err != nil {
		return api.Change{}, v.invalid("key", err)
	}
	if numbered(v.typ) && int(binary.LittleEndian.Uint32(key)) >= v.maxEntries {
		return api.Change{}, v.errorf(api.ErrInvalid, fmt.Sprintf("index %s is not below %d", edit.Key, v.maxEntries))
	}
	change := api.Change{Key: btfview.Decode(v.key, key)}
	before, err := v.lookup(key)
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
	switch edit.Op {
	case api.EditSet:
		value, err := v.encode(edit.Value)
		if err != nil {
			return api.Change{}, err
		}
		d := btfview.Decode(v.value, v.cpu(value, 0))
		change.After = &d
		if !dry {
			err = v.set(key, value, edit.Expect)
		}
		return change, v.outcome(err, change.Key, edit)
	case api.EditDelete:
		if err := v.deletable(); err != nil {
			return api.Change{}, err
		}
		if before == nil {
			err = unix.ENOENT
		} else if !dry {
			err = remove(v.fd, key)
		}
		return change, v.outcome(err, change.Key, edit)
	default:
		return api.Change{}, v.errorf(api.ErrUsage, "operation "+strconv.Quote(string(edit.Op))+" is neither set nor delete")
	}
}

// lookup returns an entry's value, nil when there is none.
func (v *view) lookup(key []byte) ([]byte, error) {
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
