package api

import (
	"context"
	"io"
	"strings"
	"time"
)

// Workspace is the life of one project's dev container. A workspace is a folder
// with a devcontainer.json; every request names the folder.
type Workspace interface {
	// Up makes sure that the container runs: builds the image, creates, starts,
	// runs the hooks that are due, puts the agent in. Twice is one container.
	// After an error nothing labelled as ours is left that was not there before.
	// Errors: ErrUsage (devcontainer.json, with line and column), ErrNotExist
	// (no devcontainer.json), ErrEnvironment (no engine), ErrUntrusted
	// (initializeCommand without Trust), ErrUnreachable, *ToolError (a hook or
	// the image build failed).
	Up(ctx context.Context, req UpRequest, fn func(Progress) error) (UpResult, error)

	// Down removes the container, its volumes and what the host keeps for it.
	// With nothing there it does nothing.
	Down(ctx context.Context, req DownRequest) (DownResult, error)

	// Status tells what is there, without changing it.
	Status(ctx context.Context, req StatusRequest) (Status, error)

	// Exec runs a command in the container as its remote user and returns its
	// exit code, 128+n when a signal ended it. One that could not be started is
	// an error with the code 127 when it is not there, else 126.
	Exec(ctx context.Context, req ExecRequest) (int, error)

	// Logs streams what the container's main process printed.
	Logs(ctx context.Context, req LogsRequest, fn func(LogLine) error) error

	// Open connects to a target: the kernel as seen from there, and the builder
	// that works there.
	Open(ctx context.Context, req OpenRequest) (Session, error)
}

// Session is an open connection to a target. Closing it ends what lives only as
// long as the session.
type Session interface {
	Target
	Builder
	// Info tells where this is.
	Info() SessionInfo
}

// SessionInfo tells where a session's work happens.
type SessionInfo struct {
	Target    string `json:"target"`              // "local", "container" or "kernel:RELEASE"
	Container string `json:"container,omitempty"` // the container's name
	Project   string `json:"project"`             // the name that loads use
	Dir       string `json:"dir"`                 // the project's folder on that side
	Version   string `json:"version"`             // of the agent
}

// TargetName chooses a target.
type TargetName string

// The targets.
const (
	TargetAuto      TargetName = ""          // container when the workspace has one and we are outside it, else local
	TargetLocal     TargetName = "local"     // this kernel, this process
	TargetContainer TargetName = "container" // the agent in the workspace's container
)

// kernelPrefix begins the name of a target that is a guest kernel: "kernel:6.12".
const kernelPrefix = "kernel:"

// TargetKernel is a guest with a kernel of its own, booted for the session and gone
// with it. The version is what Kernels has; its agent builds nothing, so the
// session builds where it would without a guest.
func TargetKernel(version string) TargetName { return TargetName(kernelPrefix + version) }

// Kernel returns the version of a target that is a guest kernel; ok is false for
// others.
func (n TargetName) Kernel() (version string, ok bool) {
	return strings.CutPrefix(string(n), kernelPrefix)
}

// OpenRequest asks for a session.
type OpenRequest struct {
	Folder string     `json:"folder"` // the workspace folder on this side; may be empty for TargetLocal
	Target TargetName `json:"target,omitempty"`
}

// UpRequest asks for a running container.
type UpRequest struct {
	Folder  string `json:"folder"`
	Rebuild bool   `json:"rebuild,omitempty"` // remove the container and build the image without cache
	Trust   bool   `json:"trust,omitempty"`   // allow initializeCommand, which runs on the host
	Pull    bool   `json:"pull,omitempty"`    // ask the registry for newer base images
}

// UpResult tells what runs.
type UpResult struct {
	ContainerID   string `json:"container_id"`
	ContainerName string `json:"container_name"`
	RemoteUser    string `json:"remote_user"`
	RemoteFolder  string `json:"remote_workspace_folder"`
	Created       bool   `json:"created"` // false: it was there
	Started       bool   `json:"started"` // false: it was running
	// Missing names capabilities that the configuration asks for and the
	// engine cannot grant.
	Missing []string `json:"missing_capabilities,omitempty"`
	// Lost names what a stop and start took: pins that are gone.
	Warnings []string `json:"warnings,omitempty"`
}

// DownRequest asks for everything of a workspace to be removed.
type DownRequest struct {
	Folder string `json:"folder"`
	All    bool   `json:"all,omitempty"` // also the image
}

// DownResult tells what was removed.
type DownResult struct {
	Removed []string `json:"removed,omitempty"` // "container NAME", "volume NAME", "image NAME"
}

// StatusRequest asks how a workspace is.
type StatusRequest struct {
	Folder string `json:"folder"`
}

// Status is how a workspace is.
type Status struct {
	Folder       string    `json:"folder"`
	Config       string    `json:"config"` // devcontainer.json
	Project      string    `json:"project"`
	Framework    string    `json:"framework,omitempty"`
	State        string    `json:"state"` // "none", "created", "running", "paused", "exited", "dead"
	ContainerID  string    `json:"container_id,omitempty"`
	Container    string    `json:"container_name,omitempty"`
	Image        string    `json:"image,omitempty"`
	StartedAt    time.Time `json:"started_at,omitzero"`
	RemoteUser   string    `json:"remote_user,omitempty"`
	RemoteFolder string    `json:"remote_workspace_folder,omitempty"`
	OOMKilled    bool      `json:"oom_killed,omitempty"`
	ExitCode     int       `json:"exit_code,omitempty"`
	Engine       string    `json:"engine,omitempty"`  // "Docker Engine 26.1.5"
	Changed      bool      `json:"changed,omitempty"` // devcontainer.json or Dockerfile is newer than the container
	Volumes      []string  `json:"volumes,omitempty"`
}

// ExecRequest runs a command in the container.
type ExecRequest struct {
	Folder  string
	Args    []string // argv; empty for a login shell
	User    string   // empty for the remote user
	Dir     string   // empty for the workspace folder
	Env     []string // KEY=VALUE, added
	Streams Streams
}

// Streams are a command's input and outputs. With TTY the command gets a
// terminal and everything it prints goes to Out.
type Streams struct {
	In     io.Reader // nil: no input
	Out    io.Writer
	Err    io.Writer
	TTY    bool
	Resize <-chan Size // the terminal's size, first the present one; nil without TTY
}

// Size is a terminal's size in cells.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// LogsRequest asks for a container's output.
type LogsRequest struct {
	Folder string `json:"folder"`
	Follow bool   `json:"follow,omitempty"`
	Tail   int    `json:"tail,omitempty"` // lines; 0 for all
}

// LogLine is one line of a container's output.
type LogLine struct {
	Time   time.Time `json:"time"`
	Stderr bool      `json:"stderr,omitempty"`
	Text   string    `json:"text"`
}
