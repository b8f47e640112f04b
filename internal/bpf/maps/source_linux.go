package maps

import (
	"errors"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/btfview"
)

// Source is a map to work on and what is known about it.
type Source struct {
	Map  *ebpf.Map // stays open and the caller's
	Info api.Map   // goes into pages as it is
	// Key and Value are the C types; nil shows numbers and bytes.
	Key, Value btf.Type
}

// Ways to read a map, as in api.Page.
const (
	byBatch = "batch"
	byKey   = "next-key"
	byIndex = "index"
)

// way returns how the entries of a type are read, and why they can't be.
func way(t ebpf.MapType) (method, reason string) {
	switch t {
	case ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.LPMTrie, ebpf.HashOfMaps,
		ebpf.Array, ebpf.PerCPUArray, ebpf.ArrayOfMaps:
		return byBatch, ""
	case ebpf.ProgramArray, ebpf.DevMap, ebpf.CPUMap, ebpf.SockMap, ebpf.ReusePortSockArray, ebpf.StructOpsMap:
		return byIndex, ""
	case ebpf.StackTrace, ebpf.DevMapHash, ebpf.SockHash, ebpf.CGroupStorage, ebpf.PerCPUCGroupStorage:
		return byKey, ""
	case ebpf.Queue, ebpf.Stack:
		return "", "its entries have no keys, and reading one takes it out"
	case ebpf.RingBuf, ebpf.PerfEventArray:
		return "", "it carries events, which are streamed"
	case ebpf.UserRingbuf:
		return "", "it carries events from user space to programs"
	case ebpf.BloomFilter:
		return "", "it only answers whether a value may be in it"
	case ebpf.SkStorage, ebpf.InodeStorage, ebpf.TaskStorage, ebpf.CgroupStorage:
		return "", "its entries belong to kernel objects and can't be walked"
	case ebpf.Arena:
		return "", "it is memory without entries"
	default:
		return "", "the kernel does not let user space read its entries"
	}
}

// Readable reports whether Query can read the entries of maps of a type.
func Readable(t ebpf.MapType) bool {
	method, _ := way(t)
	return method != ""
}

// indexed reports whether a type's keys are the numbers below max_entries and
// all of them exist for ever.
func indexed(t ebpf.MapType) bool { return t == ebpf.Array || t == ebpf.PerCPUArray }

// numbered reports whether a type's keys are numbers below max_entries.
func numbered(t ebpf.MapType) bool {
	switch t {
	case ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.DevMap, ebpf.CPUMap, ebpf.SockMap, ebpf.ReusePortSockArray, ebpf.StructOpsMap:
		return true
	default:
		return indexed(t)
	}
}

// holdsIDs reports whether reading a type's values gives ids of programs or maps.
func holdsIDs(t ebpf.MapType) bool {
	return t == ebpf.ProgramArray || t == ebpf.ArrayOfMaps || t == ebpf.HashOfMaps
}

func perCPU(t ebpf.MapType) bool {
	switch t {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage:
		return true
	default:
		return false
	}
}

// view is a map with all that is needed to read and show its entries.
type view struct {
	op         string // for errors
	info       api.Map
	fd         int
	typ        ebpf.MapType
	method     string // the one to begin with
	key, value btf.Type
	keySize    int
	valueSize  int // of one CPU
	stride     int // from one CPU's value to the next
	cpus       int // values in an entry
	maxEntries int
}

// newView looks at a map. Errors: ErrNotSupported, ErrPermission.
func newView(op string, src Source) (*view, error) {
	m := src.Map
	v := &view{
		op: op, info: src.Info, fd: m.FD(), typ: m.Type(), key: src.Key, value: src.Value,
		keySize: int(m.KeySize()), valueSize: int(m.ValueSize()), cpus: 1, maxEntries: int(m.MaxEntries()),
	}
	if v.info.Name == "" {
		v.info.Name = m.String()
	}
	var reason string
	if v.method, reason = way(v.typ); reason != "" {
		return nil, v.errorf(api.ErrNotSupported, "a "+v.info.Type+" map's entries can't be read: "+reason)
	}
	if m.Flags()&unix.BPF_F_WRONLY != 0 {
		return nil, v.errorf(api.ErrPermission, "the map was created so that user space may only write it (BPF_F_WRONLY)")
	}
	v.stride = v.valueSize
	if perCPU(v.typ) {
		cpus, err := ebpf.PossibleCPU()
		if err != nil {
			return nil, api.E(op, v.info.Name, api.ErrEnvironment, err)
		}
		v.cpus, v.stride = cpus, (v.valueSize+7)&^7
	}
	if v.key == nil && numbered(v.typ) && v.keySize == 4 {
		v.key = number()
	}
	if holdsIDs(v.typ) {
		v.value = number()
	}
	return v, nil
}

// number is the type of indexes and ids in maps that have none of their own.
func number() btf.Type { return &btf.Int{Name: "__u32", Size: 4} }

// full returns the bytes of a value as the kernel gives it, for all CPUs.
func (v *view) full() int { return v.stride * v.cpus }

// cpu returns one CPU's part of a value.
func (v *view) cpu(value []byte, i int) []byte {
	return value[i*v.stride : i*v.stride+v.valueSize : i*v.stride+v.valueSize]
}

// entry decodes an entry; it keeps its bytes.
func (v *view) entry(key, value []byte) api.Entry {
	e := api.Entry{Key: btfview.Decode(v.key, key)}
	if !perCPU(v.typ) {
		e.Value = btfview.Decode(v.value, value)
		return e
	}
	e.PerCPU = make([]api.Datum, v.cpus)
	for i := range e.PerCPU {
		e.PerCPU[i] = btfview.Decode(v.value, v.cpu(value, i))
	}
	e.Value = e.PerCPU[0]
	return e
}

func (v *view) errorf(kind api.Kind, cause string) error {
	return api.Errorf(v.op, v.info.Name, kind, cause)
}

// fail turns an error of the kernel into one of ours.
func (v *view) fail(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return api.E(v.op, v.info.Name, api.ErrPermission, err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, errNotSupp):
		return v.errorf(api.ErrNotSupported, "the kernel does not offer this for "+v.info.Type+" maps")
	default:
		return api.E(v.op, v.info.Name, "", err)
	}
}
