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
	// Open opens another map by its id, the caller closes it; nil where the maps
	// in a map need not be looked into.
	Open func(id uint32) (Source, error)
}

// Ways to read a map, as in api.Page.
const (
	byBatch  = "batch"
	byKey    = "next-key"
	byIndex  = "index"
	byMemory = "mmap"    // an array whose memory user space may map
	byPeek   = "peek"    // the entry that would be taken next
	byRecord = "records" // what waits in a ring buffer; nothing is consumed
	byObject = "objects" // the kernel objects that storage may belong to
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
		return byPeek, ""
	case ebpf.RingBuf, ebpf.UserRingbuf:
		return byRecord, ""
	case ebpf.SkStorage, ebpf.TaskStorage, ebpf.CgroupStorage, ebpf.InodeStorage:
		return byObject, ""
	default:
		return "", unreadable(t)
	}
}

// unreadable says why no entries of a type can be listed.
func unreadable(t ebpf.MapType) string {
	switch t {
	case ebpf.PerfEventArray:
		return "it holds perf events, and the kernel does not tell which; what they carry is streamed"
	case ebpf.XSKMap:
		return "it holds AF_XDP sockets, and the kernel does not tell which"
	case ebpf.CGroupArray:
		return "it holds cgroups, and the kernel does not tell which"
	case ebpf.BloomFilter:
		return "it only answers whether a value may be in it"
	case ebpf.Arena:
		return "it is memory without entries, and looking at a page of it would allocate the page"
	default:
		return "the kernel does not let user space read its entries"
	}
}

// Readable reports whether maps of a type have entries with keys, which Query can
// page through and Watch can ask for again at little cost.
func Readable(t ebpf.MapType) bool {
	switch method, _ := way(t); method {
	case byBatch, byKey, byIndex:
		return true
	default:
		return false
	}
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
	batch      int               // entries to ask for at once, to begin with
	total      *btfview.Total    // what adds up the CPUs' values; nil when they are no counts
	names      map[string]string // what a key stands for, by its bytes
	open       func(id uint32) (Source, error)
	outer      *view // whose maps' entries these are
}

// newView looks at a map. Errors: ErrNotSupported, ErrPermission.
func newView(op string, src Source) (*view, error) {
	v, err := anyView(op, src)
	if err != nil {
		return nil, err
	}
	var reason string
	if v.method, reason = way(v.typ); reason != "" {
		return nil, v.errorf(api.ErrNotSupported, "a "+v.info.Type+" map's entries can't be read: "+reason)
	}
	if src.Map.Flags()&unix.BPF_F_WRONLY != 0 {
		return nil, v.errorf(api.ErrPermission, "the map was created so that user space may only write it (BPF_F_WRONLY)")
	}
	if v.typ == ebpf.Array && src.Map.Flags()&unix.BPF_F_MMAPABLE != 0 {
		v.method = byMemory
	}
	return v, nil
}

// anyView looks at a map of any type, also one that has no entries to read.
func anyView(op string, src Source) (*view, error) {
	m := src.Map
	v := &view{
		op: op, info: src.Info, fd: m.FD(), typ: m.Type(), key: src.Key, value: src.Value,
		keySize: int(m.KeySize()), valueSize: int(m.ValueSize()), cpus: 1, maxEntries: int(m.MaxEntries()), batch: firstBatch, open: src.Open,
	}
	if v.info.Name == "" {
		v.info.Name = m.String()
	}
	v.stride = v.valueSize
	if perCPU(v.typ) {
		cpus, err := ebpf.PossibleCPU()
		if err != nil {
			return nil, api.E(op, v.info.Name, api.ErrEnvironment, err)
		}
		v.cpus, v.stride = cpus, (v.valueSize+7)&^7
		v.total, _ = btfview.NewTotal(v.value, v.valueSize)
	}
	v.setTypes()
	return v, nil
}

// setTypes gives keys and values a type where the kind of map tells what they are.
func (v *view) setTypes() {
	switch v.typ {
	case ebpf.LPMTrie:
		v.key = btfview.Prefix(v.key, v.keySize)
	case ebpf.TaskStorage:
		v.key = number() // a process or thread
	case ebpf.SkStorage, ebpf.CgroupStorage, ebpf.InodeStorage, ebpf.RingBuf, ebpf.UserRingbuf:
		// An inode's number; a position in the buffer.
		v.key, v.keySize = &btf.Int{Name: "__u64", Size: 8}, 8
	}
	if v.key == nil && numbered(v.typ) && v.keySize == 4 {
		v.key = number()
	}
	switch {
	case holdsIDs(v.typ):
		v.value = number()
	case v.value != nil:
	case v.typ == ebpf.DevMap || v.typ == ebpf.DevMapHash:
		v.value = pairOf("bpf_devmap_val", "ifindex", v.valueSize)
	case v.typ == ebpf.CPUMap:
		v.value = pairOf("bpf_cpumap_val", "qsize", v.valueSize)
	case (v.typ == ebpf.SockMap || v.typ == ebpf.SockHash || v.typ == ebpf.ReusePortSockArray) && v.valueSize == 8:
		v.value = &btf.Int{Name: "__u64", Size: 8} // the socket's cookie
	}
}

// pairOf is the value of a map of devices or CPUs: a number, and from Linux 5.8
// the id of the program that runs there.
func pairOf(name, first string, size int) btf.Type {
	if size != 8 {
		return number()
	}
	return &btf.Struct{Name: name, Size: 8, Members: []btf.Member{
		{Name: first, Type: number()}, {Name: "prog_id", Type: number(), Offset: 32},
	}}
}

// number is the type of indexes and ids in maps that have none of their own.
func number() btf.Type { return &btf.Int{Name: "__u32", Size: 4} }

// full returns the bytes of a value as the kernel gives it, for all CPUs.
func (v *view) full() int { return v.stride * v.cpus }

// cpu returns one CPU's part of a value. Records have lengths of their own.
func (v *view) cpu(value []byte, i int) []byte {
	if v.method == byRecord {
		return value
	}
	return value[i*v.stride : i*v.stride+v.valueSize : i*v.stride+v.valueSize]
}

// each returns what the CPUs hold.
func (v *view) each(value []byte) [][]byte {
	all := make([][]byte, v.cpus)
	for i := range all {
		all[i] = v.cpu(value, i)
	}
	return all
}

// entry decodes an entry; it keeps its bytes.
func (v *view) entry(key, value []byte) api.Entry {
	e := api.Entry{Key: v.keyDatum(key)}
	if !perCPU(v.typ) {
		e.Value = btfview.Decode(v.value, value)
		return e
	}
	all := v.each(value)
	e.PerCPU = make([]api.Datum, v.cpus)
	for i := range e.PerCPU {
		e.PerCPU[i] = btfview.Decode(v.value, all[i])
	}
	e.Value = e.PerCPU[0]
	if v.total != nil {
		sum := btfview.Decode(v.total.Type(), v.total.Of(all))
		e.Sum = &sum
	}
	return e
}

// keyDatum decodes a key, or names the object that it stands for.
func (v *view) keyDatum(key []byte) api.Datum {
	if len(key) == 0 {
		return api.Datum{Raw: api.Hex{}}
	}
	d := btfview.Decode(v.key, key)
	if name, ok := v.names[string(key)]; ok {
		d.Text = name
	}
	return d
}

func (v *view) errorf(kind api.Kind, cause string) *api.Error {
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
