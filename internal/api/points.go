package api

// PointKind says what sort of place a program asks to be attached to.
type PointKind string

// The kinds of attach points. A Target is written as in AttachOption.
const (
	PointTracepoint    PointKind = "tracepoint"     // "category/name"
	PointRawTracepoint PointKind = "raw_tracepoint" // "name" or "category/name"; tp_btf too
	PointKprobe        PointKind = "kprobe"         // a kernel function, also "function+0x10"
	PointFentry        PointKind = "fentry"         // a kernel function that BTF knows; fexit and fmod_ret too
	PointSyscall       PointKind = "ksyscall"       // a system call without prefix: "execve"
	PointUprobe        PointKind = "uprobe"         // "path:symbol"; the path may be a program's or a library's name
)

// AttachPoint names a place that a program can be attached to.
type AttachPoint struct {
	Kind   PointKind `json:"kind"`
	Target string    `json:"target"`
}

// ResolveRequest asks which attach points are there: 1024 at most.
type ResolveRequest struct {
	Points []AttachPoint `json:"points"`
}

// PointState says whether an attach point is there.
type PointState string

// The states. What cannot be told is never missing: a file that may not be read,
// a module's function, a name that only a loader could make sense of.
const (
	PointThere   PointState = "there"
	PointMissing PointState = "missing"
	PointUnknown PointState = "unknown"
)

// Resolution is what is known of one attach point.
type Resolution struct {
	State PointState `json:"state"`
	// Reason says why it is missing ("this kernel has no tracepoint a/b"), why
	// that is unknown, or why nothing can be attached although it is there
	// ("this kernel was built without kprobes").
	Reason string   `json:"reason,omitempty"`
	Near   []string `json:"near,omitempty"` // for a missing one: names that may be meant, at most 3, the nearest first
}

// ResolveResult has a resolution for each point, in the request's order.
type ResolveResult struct {
	Points []Resolution `json:"points"`
}
