package api

// ProbeRequest asks what a kernel is.
type ProbeRequest struct{}

// Kernel is what a target's kernel is and can do.
type Kernel struct {
	Release      string        `json:"release"` // uname -r
	Version      string        `json:"version"` // uname -v
	Machine      string        `json:"machine"` // uname -m
	CPUs         int           `json:"cpus"`    // possible CPUs: the number of values of a per-CPU map
	BTF          bool          `json:"btf"`     // /sys/kernel/btf/vmlinux can be read
	BTFBytes     int64         `json:"btf_bytes,omitempty"`
	BPFFS        Mount         `json:"bpffs"`
	TraceFS      Mount         `json:"tracefs"`
	Cgroup2      Mount         `json:"cgroup2"`
	JIT          string        `json:"jit"`               // "on", "off", "always on"
	Lockdown     string        `json:"lockdown"`          // "none", "integrity", "confidentiality"
	Unprivileged string        `json:"unprivileged_bpf"`  // "allowed", "disabled", "disabled for good"
	Memlock      string        `json:"memlock"`           // the soft limit: "unlimited" or bytes; matters before Linux 5.11
	Caps         []string      `json:"caps"`              // effective capabilities that bpf(2) asks for: CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN …
	Headers      string        `json:"headers,omitempty"` // where the running kernel's headers are, or empty
	Container    bool          `json:"container"`         // the target runs inside a container
	HostPID      bool          `json:"host_pid"`          // it sees the processes of the whole machine
	Features     []Feature     `json:"features,omitempty"`
	Unknown      []UnknownFact `json:"unknown,omitempty"`
}

// Mount is a kernel file system that we need.
type Mount struct {
	Path    string `json:"path"`              // where it is, or should be
	Mounted bool   `json:"mounted"`           // by statfs: it is what it claims
	Problem string `json:"problem,omitempty"` // what is there instead
}

// Feature is something that the kernel may or may not have.
type Feature struct {
	Name      string `json:"name"` // "kprobe", "fentry", "ringbuf", "lsm", "batch map operations"
	Available bool   `json:"available"`
	Reason    string `json:"reason,omitempty"` // why not
}

// UnknownFact is something that could not be found out, and why.
type UnknownFact struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}
