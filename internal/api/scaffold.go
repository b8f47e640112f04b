package api

import "context"

// Scaffolder writes new projects.
type Scaffolder interface {
	// Templates returns what Scaffold can write, the usual one first, then by id.
	Templates(ctx context.Context) ([]Template, error)
	// Preview returns what Scaffold would write, without writing. The same
	// errors as Scaffold but for the folder.
	Preview(ctx context.Context, req ScaffoldRequest) (Preview, error)
	// Scaffold writes a project into a new or empty folder: staged beside it,
	// then renamed, so that it is there whole or not at all.
	// Errors: ErrUsage (name, template, kind or option), ErrConflict (the folder
	// is not empty; the cause lists at most ten names), ErrPermission.
	Scaffold(ctx context.Context, req ScaffoldRequest) (ScaffoldResult, error)
	// Init gives a folder that holds a project already what it lacks: a dev
	// container, or, where there is one, ebpfdev's settings in it. Nothing else
	// in the folder is touched, and what is all there is no error.
	// Errors: ErrNotExist (no such folder), ErrUsage (no project is recognised,
	// an unknown template, a broken devcontainer.json), ErrConflict (a file is in
	// the way), ErrPermission.
	Init(ctx context.Context, req InitRequest) (InitResult, error)
}

// Template is a framework to write eBPF with, and the kinds of program it has
// an example for.
type Template struct {
	ID          string         `json:"id"` // "ebpf-go"
	Name        string         `json:"name"`
	Description string         `json:"description"`
	ImageSize   string         `json:"image_size,omitempty"` // of its dev container, on disk: "1.15 GB"
	Kinds       []TemplateKind `json:"kinds"`
}

// TemplateKind is one kind of program.
type TemplateKind struct {
	ID          string `json:"id"` // "tracepoint"
	Name        string `json:"name"`
	Description string `json:"description"` // what the example shows
	MinKernel   string `json:"min_kernel,omitempty"`
	// Options are what else a person may choose.
	Options []TemplateOption `json:"options,omitempty"`
	Check   TemplateCheck    `json:"check"`
}

// TemplateOption is a value that goes into a project's files.
type TemplateOption struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Default     string `json:"default"`
}

// TemplateCheck says what a working project shows after `make stimulus`.
type TemplateCheck struct {
	Map    string `json:"map"`    // the map in which it is seen
	Entry  string `json:"entry"`  // a regular expression for one of its entries, as "key value" in JSON
	Output string `json:"output"` // a regular expression for a line that `make run` prints
}

// ScaffoldRequest asks for a project.
type ScaffoldRequest struct {
	Name     string           `json:"name"`   // letters, digits, '-', '_'; begins with a letter; at most 64
	Folder   string           `json:"folder"` // where; the folder itself, not its parent
	Template string           `json:"template"`
	Kind     string           `json:"kind"`
	Options  ContainerOptions `json:"options"`
	// Values choose what the kind's Options offer, by name; the rest are defaults.
	Values map[string]string `json:"values,omitempty"`
}

// ContainerOptions choose how the generated dev container runs.
type ContainerOptions struct {
	LeastPrivilege bool `json:"least_privilege,omitempty"` // capabilities instead of privileged
	PrivatePID     bool `json:"private_pid,omitempty"`     // its own pid namespace
	HostNetwork    bool `json:"host_network,omitempty"`    // the host's network namespace
}

// InitRequest asks for the dev container of a project that is there.
type InitRequest struct {
	Folder   string           `json:"folder"`
	Template string           `json:"template,omitempty"` // the framework; empty for what the folder holds
	Options  ContainerOptions `json:"options"`            // of a dev container that is written
}

// InitResult tells what was recognised and written.
type InitResult struct {
	Folder   string   `json:"folder"` // absolute
	Template string   `json:"template"`
	Written  []string `json:"written,omitempty"` // new files, relative, sorted
	Changed  string   `json:"changed,omitempty"` // the devcontainer.json that got the settings
	// Lacks says what a dev container that was there cannot do, and why.
	Lacks []string `json:"lacks,omitempty"`
	// Told are the settings that the project's own files told, as devcontainer.json
	// has them now.
	Told []string `json:"told,omitempty"`
	// Open are settings that the project needs and its files do not tell.
	Open []OpenSetting `json:"open,omitempty"`
}

// OpenSetting is a setting in customizations.ebpfdev that a person has to fill in.
type OpenSetting struct {
	Name    string `json:"name"`    // "run", "attach"
	Reason  string `json:"reason"`  // why: "calls.bt takes 2 arguments"
	Example string `json:"example"` // as devcontainer.json would have it
}

// ScaffoldResult tells what was written.
type ScaffoldResult struct {
	Folder string   `json:"folder"` // absolute
	Files  []string `json:"files"`  // relative, sorted
}

// Preview is what would be written.
type Preview struct {
	Files        []string `json:"files"`
	Devcontainer string   `json:"devcontainer"` // the text of devcontainer.json
	Command      string   `json:"command"`      // the command that does the same
}
