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
}

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
}
