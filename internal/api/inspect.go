package api

import "time"

// ListRequest selects objects of the kernel. Zero values select all.
type ListRequest struct {
	IDs     []uint32 `json:"ids,omitempty"`
	Name    string   `json:"name,omitempty"`    // exact name; of maps also bpftrace's own: "@execs" for AT_execs
	Project string   `json:"project,omitempty"` // only what Load made for this project
	// Owners asks for who holds maps and links open, too: a walk over all processes.
	Owners bool `json:"owners,omitempty"`
}

// Program is a loaded program. Ids are the kernel's.
type Program struct {
	ID       uint32    `json:"id"`
	Type     string    `json:"type"` // the kernel's word in lower case: "tracepoint", "xdp", "kprobe"
	Name     string    `json:"name"` // the full name from BTF when there is one, else the kernel's 15 bytes
	Tag      string    `json:"tag"`
	GPL      bool      `json:"gpl_compatible"`
	LoadedAt time.Time `json:"loaded_at,omitzero"`
	UID      uint32    `json:"uid"`
	// Sizes in bytes.
	BytesXlated uint32 `json:"bytes_xlated"`
	BytesJited  uint32 `json:"bytes_jited"`
	BytesMem    uint64 `json:"bytes_memlock"`
	// VerifiedInsns is what the verifier processed; 0 before Linux 5.16.
	VerifiedInsns uint32        `json:"verified_insns,omitempty"`
	MapIDs        []uint32      `json:"map_ids,omitempty"`
	BTFID         uint32        `json:"btf_id,omitempty"`
	RunTime       time.Duration `json:"run_time_ns,omitempty"` // counted only while statistics are on
	RunCount      uint64        `json:"run_cnt,omitempty"`
	Owners        []Owner       `json:"pids,omitempty"` // who holds it open, where /proc can be read
	Pinned        []string      `json:"pinned,omitempty"`
	Project       string        `json:"project,omitempty"` // set when Load made it, or a process that Load started
}

// Owner is a process that holds an object of the kernel open.
type Owner struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
	// Container is the id of the container that it runs in; empty for one on the
	// machine itself, or in the target's own container.
	Container string `json:"container_id,omitempty"`
}

// Map is a map of the kernel.
type Map struct {
	ID         uint32   `json:"id"`
	Type       string   `json:"type"` // the kernel's word in lower case: "hash", "lru_hash", "ringbuf"
	Name       string   `json:"name"`
	Flags      uint32   `json:"flags"`
	KeySize    uint32   `json:"bytes_key"`   // bytes
	ValueSize  uint32   `json:"bytes_value"` // bytes, of one CPU for per-CPU maps
	MaxEntries uint32   `json:"max_entries"`
	BytesMem   uint64   `json:"bytes_memlock"`
	Frozen     bool     `json:"frozen,omitempty"`
	BTFID      uint32   `json:"btf_id,omitempty"`
	KeyType    string   `json:"key_type,omitempty"`   // as C would write it: "struct flow", "__u32"
	ValueType  string   `json:"value_type,omitempty"` //
	PerCPU     bool     `json:"per_cpu,omitempty"`
	Readable   bool     `json:"readable"`       // its entries have keys, and can be paged through and watched
	Owners     []Owner  `json:"pids,omitempty"` // where they are asked for
	Pinned     []string `json:"pinned,omitempty"`
	Project    string   `json:"project,omitempty"`
}

// Link is an attachment that the kernel tracks.
type Link struct {
	ID        uint32   `json:"id"`
	Type      string   `json:"type"` // the kernel's word in lower case: "perf_event", "xdp", "tracing"
	ProgramID uint32   `json:"prog_id"`
	Program   string   `json:"prog_name,omitempty"`
	Target    string   `json:"target,omitempty"` // where it is attached, in words: "tracepoint sched/sched_process_exec", "xdp on veth0"
	Owners    []Owner  `json:"pids,omitempty"`   // where they are asked for
	Pinned    []string `json:"pinned,omitempty"`
	Project   string   `json:"project,omitempty"`
}

// PlaceKind is a kind of place where programs are attached.
type PlaceKind string

// The kinds of places.
const (
	PlaceCgroup  PlaceKind = "cgroup" // cgroups of version 2
	PlaceNetwork PlaceKind = "net"    // network interfaces and namespaces
)

// PlacesRequest asks what is attached at places.
type PlacesRequest struct {
	Kind PlaceKind `json:"kind"`
	// Root is the folder of a cgroup where the walk begins; empty for the top of the
	// hierarchy, in a dev container the machine's.
	Root string `json:"root,omitempty"`
	// All looks into the network namespaces of all processes that the target sees,
	// not only into its own.
	All bool `json:"all,omitempty"`
	// Inherited lists what counts in a cgroup, wherever it was attached.
	Inherited bool `json:"inherited,omitempty"`
}

// Place is a program at a place, one of those that run there in turn.
type Place struct {
	Where     string `json:"where"` // "/sys/fs/cgroup/system.slice", "eth0"; "-" for a network namespace itself
	Hook      string `json:"hook"`  // "cgroup_inet_ingress", "xdp native", "tcx egress", "tc ingress, preference 49152"
	ProgramID uint32 `json:"prog_id"`
	Program   string `json:"prog_name,omitempty"`
	Type      string `json:"prog_type,omitempty"`
	Project   string `json:"project,omitempty"`
	LinkID    uint32 `json:"link_id,omitempty"` // 0: attached without a link, or by one that the kernel does not name here
	// Namespace is the network namespace, "net:[4026531840]", and Process one that is
	// in it, "nginx (pid 17)"; empty for the target's own.
	Namespace string `json:"netns,omitempty"`
	Process   string `json:"netns_process,omitempty"`
}
