package maps

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// keyless reports whether a type's entries have no keys.
func keyless(t ebpf.MapType) bool {
	return t == ebpf.Queue || t == ebpf.Stack || t == ebpf.BloomFilter
}

// handle is a key as the kernel takes it, and as it is shown: storage is found by a
// file descriptor of the object that it belongs to.
type handle struct {
	key   []byte
	shown api.Datum
	close func()
}

// handle reads a key. Errors: ErrInvalid, ErrNotExist (no such object).
func (v *view) handle(text string) (handle, error) {
	if v.method == byObject {
		return v.object(text)
	}
	key, err := btfview.Encode(v.key, v.keySize, text)
	if err != nil {
		return handle{}, v.invalid("key", err)
	}
	if numbered(v.typ) && int(binary.LittleEndian.Uint32(key)) >= v.maxEntries {
		return handle{}, v.errorf(api.ErrInvalid, fmt.Sprintf("index %s is not below %d", text, v.maxEntries))
	}
	return handle{key, btfview.Decode(v.key, key), func() {}}, nil
}

// object opens the object that storage belongs to.
func (v *view) object(text string) (handle, error) {
	fd, id, err := v.openObject(text)
	if err != nil {
		var ours *api.Error
		if errors.As(err, &ours) {
			return handle{}, err
		}
		return handle{}, v.errorf(api.ErrNotExist, fmt.Sprintf("open %s: %v", text, err))
	}
	shown := api.Datum{Raw: binary.LittleEndian.AppendUint64(nil, id)[:v.keySize], Text: text}
	return handle{binary.LittleEndian.AppendUint32(nil, uint32(fd)), shown, func() { _ = unix.Close(fd) }}, nil
}

// openObject returns a file descriptor of an object and its number.
func (v *view) openObject(text string) (fd int, id uint64, err error) {
	switch v.typ {
	case ebpf.TaskStorage:
		pid, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return 0, 0, v.errorf(api.ErrInvalid, fmt.Sprintf("key: %q is no number of a process", text))
		}
		if fd, err = unix.PidfdOpen(int(pid), 0); errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			fd, err = unix.PidfdOpen(int(pid), pidfdThread)
		}
		return fd, pid, err
	case ebpf.SkStorage:
		return v.openSocket(text)
	}
	path := text
	if v.typ == ebpf.CgroupStorage {
		root, err := cgroupRoot()
		if err != nil {
			return 0, 0, err
		}
		if !strings.HasPrefix(path, root+"/") {
			path = filepath.Join(root, path)
		}
	}
	if fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
		return 0, 0, err
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return fd, st.Ino, err
}

// openSocket takes a copy of another process's file descriptor (Linux 5.6).
func (v *view) openSocket(text string) (int, uint64, error) {
	first, second, _ := strings.Cut(text, "/")
	pid, err1 := strconv.Atoi(first)
	n, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil {
		return 0, 0, v.errorf(api.ErrInvalid, fmt.Sprintf("key: %q is no socket of a process such as 4711/5, PID/FD", text))
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, 0, err
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, n, 0)
	if err != nil {
		return 0, 0, err
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return fd, st.Ino, err
}

// push adds a value to a map without keys.
func (v *view) push(edit api.Edit, dry bool) (api.Change, error) {
	if !keyless(v.typ) {
		return api.Change{}, v.errorf(api.ErrNotSupported, "only queues, stacks and bloom filters are pushed to; entries of a "+v.info.Type+" map are set")
	}
	value, err := btfview.Encode(v.value, v.valueSize, edit.Value)
	if err != nil {
		return api.Change{}, v.invalid("value", err)
	}
	d := btfview.Decode(v.value, value)
	if !dry {
		err = update(v.fd, nil, value, unix.BPF_ANY)
	}
	return api.Change{Key: v.keyDatum(nil), After: &d}, v.outcome(err, api.Datum{}, edit)
}

// pop takes the next value out.
func (v *view) pop(dry bool) (api.Change, error) {
	if v.typ != ebpf.Queue && v.typ != ebpf.Stack {
		return api.Change{}, v.errorf(api.ErrNotSupported, "only queues and stacks are popped")
	}
	value := make([]byte, v.valueSize)
	var err error
	if dry {
		err = lookup(v.fd, nil, value)
	} else {
		err = elem(unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, v.fd, nil, value, 0)
	}
	if err != nil {
		return api.Change{}, v.outcome(err, api.Datum{}, api.Edit{Op: api.EditPop})
	}
	d := btfview.Decode(v.value, value)
	return api.Change{Key: v.keyDatum(nil), Before: &d}, nil
}

// Lookup returns the entries of some keys. Errors: ErrInvalid (a key), ErrNotExist,
// ErrNotSupported, ErrUsage (a key where there are none, none where there are).
func Lookup(ctx context.Context, src Source, req api.LookupRequest) ([]api.Entry, error) {
	v, err := anyView("look up in map", src)
	if err != nil {
		return nil, err
	}
	var reason string
	if v.method, reason = way(v.typ); reason != "" && v.typ != ebpf.BloomFilter {
		return nil, v.errorf(api.ErrNotSupported, "a "+v.info.Type+" map's entries can't be read: "+reason)
	}
	switch {
	case v.method == byRecord:
		return nil, v.errorf(api.ErrNotSupported, "records have no keys; dump shows those that wait").
			WithHint("ebpfdev map dump " + v.info.Name)
	case v.method == byPeek && len(req.Keys) > 0:
		return nil, v.errorf(api.ErrUsage, "entries of a "+v.info.Type+" have no keys").WithHint("ebpfdev map peek " + v.info.Name)
	case v.method != byPeek && len(req.Keys) == 0:
		return nil, v.errorf(api.ErrUsage, "which key?")
	case v.method == byPeek:
		req.Keys = []string{""}
	}
	entries := make([]api.Entry, 0, len(req.Keys))
	for _, key := range req.Keys {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := v.single(ctx, key)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// single returns one entry.
func (v *view) single(ctx context.Context, text string) (api.Entry, error) {
	switch {
	case v.typ == ebpf.BloomFilter:
		value, err := btfview.Encode(v.value, v.valueSize, text)
		if err != nil {
			return api.Entry{}, v.invalid("value", err)
		}
		d := btfview.Decode(v.value, value)
		if err := lookup(v.fd, nil, value); errors.Is(err, unix.ENOENT) {
			return api.Entry{}, v.errorf(api.ErrNotExist, d.Text+" is not in it")
		} else if err != nil {
			return api.Entry{}, v.fail(err)
		}
		return api.Entry{Key: v.keyDatum(nil), Value: d}, nil
	case v.method == byPeek:
		value, err := v.lookup(ctx, nil)
		if err == nil && value == nil {
			err = v.outcome(unix.ENOENT, api.Datum{}, api.Edit{})
		}
		if err != nil {
			return api.Entry{}, err
		}
		return v.entry(nil, value), nil
	}
	h, err := v.handle(text)
	if err != nil {
		return api.Entry{}, err
	}
	defer h.close()
	var value []byte
	if v.typ == ebpf.LPMTrie { // as the kernel looks it up: the network that an address is in
		var network []byte
		if network, value, err = v.nearest(ctx, h.key); network != nil {
			h.shown = v.keyDatum(network)
		}
	} else {
		value, err = v.lookup(ctx, h.key)
	}
	if err == nil && value == nil {
		err = v.outcome(unix.ENOENT, h.shown, api.Edit{})
	}
	if err != nil {
		return api.Entry{}, err
	}
	e := v.entry(h.shown.Raw, value)
	e.Key = h.shown
	return e, nil
}
