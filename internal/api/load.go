package api

// Object is a BPF object file, as bytes.
type Object struct {
	Name string `json:"name"`           // file name without directories: "exec_x86_bpfel.o"
	Path string `json:"path,omitempty"` // where the builder found it, relative to the project; for people
	Data []byte `json:"-"`              // the ELF file; travels as a bulk frame
}

// Lifetime says what keeps a loaded object alive.
type Lifetime string

// The lifetimes.
const (
	LifetimePinned  Lifetime = "pinned"  // pinned in bpffs until Unload
	LifetimeSession Lifetime = "session" // held by the target until Unload or Close
)

// LoadRequest asks for one object to be loaded.
type LoadRequest struct {
	Project  string         `json:"project"` // names the pin folder; letters, digits, '-', '_' and '.', at most 64 bytes, no leading '.'
	Object   Object         `json:"object"`
	Lifetime Lifetime       `json:"lifetime,omitempty"` // default LifetimePinned
	Attach   []AttachOption `json:"attach,omitempty"`
	NoAttach bool           `json:"no_attach,omitempty"` // load only
	Replace  bool           `json:"replace,omitempty"`   // unload what the project has loaded first
}

// AttachOption says where one program is attached, for programs whose section
// name does not say it all (an interface, a cgroup) or to overrule it.
type AttachOption struct {
	Program string `json:"program"` // the program's name; "*" for every program that needs a target
	// Target: an interface's name for xdp and tc, a cgroup's path for cgroup
	// programs, "category/name" for tracepoints, a symbol for kprobes,
	// "path:symbol" for uprobes.
	Target string `json:"target"`
	Mode   string `json:"mode,omitempty"` // xdp: "native", "generic" or "offload"; empty lets the kernel choose
}

// LoadResult tells what a load made.
type LoadResult struct {
	Project  string    `json:"project"`
	Programs []Program `json:"programs"`
	Maps     []Map     `json:"maps"`
	Links    []Link    `json:"links"`
	Pins     []string  `json:"pins,omitempty"`
	// Unattached names the programs that were loaded but need an AttachOption,
	// each with the reason.
	Unattached []Unattached `json:"unattached,omitempty"`
}

// Unattached is a program that was loaded and not attached.
type Unattached struct {
	Program string `json:"program"`
	Reason  string `json:"reason"`
	Hint    string `json:"hint,omitempty"` // the flag that attaches it
}

// UnloadRequest asks for a project to be taken back.
type UnloadRequest struct {
	Project string `json:"project"`
}

// UnloadResult tells what was taken back.
type UnloadResult struct {
	Removed []string `json:"removed,omitempty"` // pins or names, in the order of removal
	Kept    []string `json:"kept,omitempty"`    // pins that did not match and stayed, each "path: why"
}
