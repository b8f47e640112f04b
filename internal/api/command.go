package api

import "context"

// Commander runs commands beside a kernel that has no other way in, a guest's.
type Commander interface {
	// RunCommand runs a command as root until it has ended, and sends its output to
	// fn as it comes. When the context ends, the command and its children are killed.
	// Errors: ErrNotExist (there is no such program), ErrUsage (no command), fn's.
	RunCommand(ctx context.Context, req CommandRequest, fn func(CommandOutput) error) (CommandResult, error)
}

// Guest is a target that is a kernel booted for it: Close turns it off.
type Guest interface {
	Target
	Commander
	// Image is the kernel that runs.
	Image() KernelImage
	// Console is what the kernel printed: the beginning and the end of much.
	Console() string
}

// CommandRequest is a command and the files that it needs.
type CommandRequest struct {
	Args  []string      `json:"args"`            // argv
	Env   []string      `json:"env,omitempty"`   // KEY=VALUE, added
	Dir   string        `json:"dir,omitempty"`   // empty for /root
	Files []CommandFile `json:"files,omitempty"` // are written before it starts, and stay
}

// CommandFile is a file to be there.
type CommandFile struct {
	Path string `json:"path"` // absolute
	Mode uint32 `json:"mode"` // permission bits
	Data []byte `json:"-"`    // travels as a bulk frame
}

// CommandOutput is a piece of what a command prints, as it prints it.
type CommandOutput struct {
	Data   []byte `json:"data"`
	Stderr bool   `json:"stderr,omitempty"`
}

// CommandResult is how a command ended.
type CommandResult struct {
	ExitCode int `json:"exit_code"` // 128+n when signal n ended it
}
