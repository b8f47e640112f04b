package api

import "time"

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

// LoadRequest asks for one object to be loaded, or for a process to be started
// that loads programs itself: exactly one of Object and Process is set.
type LoadRequest struct {
	Project  string         `json:"project"` // names the pin folder; letters, digits, '-', '_' and '.', at most 64 bytes, no leading '.'
	Object   Object         `json:"object,omitzero"`
	Process  *Process       `json:"process,omitempty"`
	Lifetime Lifetime       `json:"lifetime,omitempty"`  // default LifetimePinned
	Attach   []AttachOption `json:"attach,omitempty"`    // not with a Process, which attaches itself
	Set      []Global       `json:"set,omitempty"`       // not with a Process
	Maps     []MapOption    `json:"maps,omitempty"`      // not with a Process
	NoAttach bool           `json:"no_attach,omitempty"` // load only; not with a Process
	Replace  bool           `json:"replace,omitempty"`   // take the place of what the project has loaded
	// ReuseMaps takes over the maps of what is replaced, with their entries, by
	// name; not those of variables. Needs Replace.
	ReuseMaps bool `json:"reuse_maps,omitempty"`
}

// Process is a program that loads and attaches BPF programs itself and holds
// them while it runs: bpftrace, a Python program with BCC, a project's own. It
// runs as the target's own user, which is root where programs can be loaded,
// with no input.
type Process struct {
	Args []string `json:"args"`          // argv; found on the PATH that it gets
	Dir  string   `json:"dir"`           // absolute, on the target's side
	Env  []string `json:"env,omitempty"` // KEY=VALUE, added to the target's own
}

// RunningProcess is a process that was started for a load.
type RunningProcess struct {
	Project   string    `json:"project"`
	PID       int       `json:"pid"` // in the target's pid namespace
	Args      []string  `json:"args"`
	Dir       string    `json:"dir"`
	Lifetime  Lifetime  `json:"lifetime"`
	StartedAt time.Time `json:"started_at"`
	Log       string    `json:"log,omitempty"` // the file on the target's side that holds the last of what it printed
	// Attached are attachments without a link of their own: perf events that it
	// holds, as bpftrace and BCC attach.
	Attached []Attachment `json:"attached,omitempty"`
	// Ended is set when it ended by itself: nothing of it is in the kernel any
	// more, and Unload removes what tells of it.
	Ended *ProcessEnd `json:"ended,omitempty"`
}

// Attachment is a place where a program is attached.
type Attachment struct {
	ProgramID uint32 `json:"prog_id"`
	Target    string `json:"target"` // in words, as Link has it
}

// ProcessEnd tells how a process ended.
type ProcessEnd struct {
	At       time.Time    `json:"at,omitzero"`
	ExitCode int          `json:"exit_code"`        // 128+n when a signal ended it; -1 when nobody saw it end
	Signal   int          `json:"signal,omitempty"` // that ended it
	Output   []OutputLine `json:"output,omitempty"` // the last lines that it printed
}

// OutputLine is a line that a process printed.
type OutputLine struct {
	Time   time.Time `json:"time"`
	Stderr bool      `json:"stderr,omitempty"`
	Text   string    `json:"text"`
}

// AttachOption says where one program is attached, for programs whose section
// name does not say it all (an interface, a cgroup) or to overrule it.
type AttachOption struct {
	Program string `json:"program"` // the program's name; "*" for every program that needs a target
	// Target: an interface's name for xdp and tc, a cgroup's path for cgroup
	// programs, "category/name" for tracepoints, a symbol for kprobes,
	// "path:symbol" for uprobes. docs/attach.md has the table.
	Target string `json:"target"`
	Mode   string `json:"mode,omitempty"` // words with commas between: "generic" for xdp, "pid=12" for uprobes
}

// Global is a global variable of an object and the value that it gets before the
// object is loaded, written as an entry of a map is: a number, true, an
// enumerator's name, a string, JSON for arrays and structs.
type Global struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// MapOption overrules how an object defines one of its maps.
type MapOption struct {
	Name       string `json:"name"`
	MaxEntries uint32 `json:"max_entries,omitempty"` // 0 leaves what the object says
	// Pin is a path in a BPF file system where the map is pinned besides. A map that
	// is pinned there already is used instead of a new one, and stays after Unload.
	Pin string `json:"pin,omitempty"`
}

// LoadResult tells what a load made.
type LoadResult struct {
	Project  string    `json:"project"`
	Programs []Program `json:"programs"`
	Maps     []Map     `json:"maps"`
	Links    []Link    `json:"links"`
	Pins     []string  `json:"pins,omitempty"`
	// Attached are attachments without a link of their own: filters of clsact, packet
	// sockets, what kernels before 5.15 have for perf events.
	Attached []Attachment `json:"attached,omitempty"`
	// Unattached names the programs that were loaded but need an AttachOption,
	// each with the reason.
	Unattached []Unattached `json:"unattached,omitempty"`
	// Replaced tells how programs took the place of those that the project had
	// loaded, by name.
	Replaced []Replacement `json:"replaced,omitempty"`
	// Process is what was started, when the request asked for one. Programs,
	// Maps and Links are then those that it and its children hold.
	Process *RunningProcess `json:"process,omitempty"`
}

// Replacement tells how the program of one name took another's place.
type Replacement struct {
	Program string         `json:"program"`
	How     ReplacementWay `json:"how"`
}

// ReplacementWay is how a program took another's place.
type ReplacementWay string

// The ways.
const (
	ReplacedInPlace  ReplacementWay = "in place"     // its link runs the new program: no packet met none, or both
	ReplacedOverlap  ReplacementWay = "side by side" // the new one was attached before the old was removed: for a moment both ran
	ReplacedAfterGap ReplacementWay = "after a gap"  // there can be only one, and the kernel does not exchange it
	ReplacedByNone   ReplacementWay = "removed"      // the new object has no program of that name, or did not attach it
)

// Unattached is a program that was loaded and not attached.
type Unattached struct {
	Program string `json:"program"`
	Reason  string `json:"reason"`
	Hint    string `json:"hint,omitempty"` // the flag that attaches it
}

// UnloadRequest asks for a project to be taken back.
type UnloadRequest struct {
	Project string `json:"project"`
	// Names are programs and maps of the project, or paths of pins of any project;
	// with a program goes what attaches it. Empty for all of the project.
	Names []string `json:"names,omitempty"`
}

// UnloadResult tells what was taken back.
type UnloadResult struct {
	Removed []string `json:"removed,omitempty"` // pins or names, in the order of removal
	Kept    []string `json:"kept,omitempty"`    // pins that did not match and stayed, each "path: why"
	// Output is what a process printed when it was asked to end, at most its last
	// 1000 lines: bpftrace prints its maps then.
	Output []OutputLine `json:"output,omitempty"`
}

// DetachRequest names a link.
type DetachRequest struct {
	LinkID uint32 `json:"link_id"`
}
