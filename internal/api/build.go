package api

// BuildRequest asks for a project to be built.
type BuildRequest struct {
	// Dir is the project's folder on the builder's side: the workspace folder
	// inside the container.
	Dir     string   `json:"dir"`
	Command []string `json:"command,omitempty"` // argv; empty for what the project's framework uses
	Clean   bool     `json:"clean,omitempty"`
	// Framework and Objects overrule what the builder finds in Dir: the
	// framework's name and patterns of the objects, "**" for any folders.
	Framework string   `json:"framework,omitempty"`
	Objects   []string `json:"objects,omitempty"`

	// A session compares the attach points that the sources name with what its
	// kernel has before it builds, unless NoCheck is set. Attach are the options
	// that a load will have: they overrule the sources.
	NoCheck bool           `json:"no_check,omitempty"`
	Attach  []AttachOption `json:"attach,omitempty"`
	// Run is the argv that loads the project's programs, where they are loaded by
	// a process of its own; empty for what the builder finds.
	Run []string `json:"run,omitempty"`
	// For says what follows, which a framework that compiles when it runs has to
	// know: steps that only check what a load will (bpftrace's dry run) are left
	// out then, and what makes no sense is ErrUsage.
	For BuildPurpose `json:"for,omitempty"`
}

// BuildPurpose is what a build is made for.
type BuildPurpose string

// The purposes of a build, beside itself.
const (
	BuildForLoad   BuildPurpose = "load"
	BuildForVerify BuildPurpose = "verify"
	// BuildForTypes runs nothing: the objects that are there tell what types they
	// declare, and there may be none.
	BuildForTypes BuildPurpose = "types"
)

// BuildEvent is something that a build has to say while it runs.
type BuildEvent struct {
	Step   string `json:"step,omitempty"`   // a new step began: "go generate ./..."
	Line   string `json:"line,omitempty"`   // a line of a tool
	Stderr bool   `json:"stderr,omitempty"` // the line came from standard error
}

// BuildResult is what a build made.
type BuildResult struct {
	Framework string   `json:"framework"`
	Objects   []Object `json:"objects"` // sorted by path
	// Loader is the argv that loads the project's programs, run in Dir. It is set
	// for frameworks whose programs are compiled when they run, which have no
	// Objects, and for projects that say so.
	Loader []string `json:"loader,omitempty"`
}
