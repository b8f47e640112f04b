// Package cli is ebpfdev's commands: what is typed becomes requests to package
// api, what comes back is handed to package output.
//
// One file holds one command: its options, a constructor newCmdX that declares
// flags and help, and runX that does the work. Commands are given everything by
// a factory; nothing is built before a command asks for it, so that
// `ebpfdev version` starts no engine and no screen.
package cli

import (
	"context"
	"io"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// Deps makes the parts that stand behind the commands. Each is called when a
// command needs it, at most once.
type Deps struct {
	Version string // "0.1.0"

	Workspace  func() (api.Workspace, error)
	Scaffolder func() (api.Scaffolder, error)
	Doctor     func() (api.Doctor, error)
	Kernels    func() (api.Kernels, error)

	// Boot boots a kernel by its version; whoever asks for it closes the guest.
	Boot func(ctx context.Context, version string) (api.Guest, error)

	// TUI runs the full-screen interface until the person leaves it.
	TUI func(ctx context.Context, req TUIRequest) error
	// Agent serves this machine's kernel over a byte stream until it ends.
	Agent func(ctx context.Context, r io.Reader, w io.Writer) error
	// CheckObject parses an object and says what is wrong with it.
	CheckObject func(r io.Reader) error
	// HeadersScript returns the shell script that finds kernel headers.
	HeadersScript func() ([]byte, error)
	// Run runs a command on this machine and returns its exit code.
	Run func(ctx context.Context, args []string, streams api.Streams) (int, error)
	// Keep starts the process that a line of r names and ends with it: it is the
	// parent of a process that loads programs itself.
	Keep func(ctx context.Context, r io.Reader) error
	// Init is the first process of a guest kernel; Guest is its child, which serves
	// that kernel to the guest's host.
	Init  func(console io.Writer) error
	Guest func(ctx context.Context) error
	// Sweep removes what killed agents left in this machine's kernel.
	Sweep func() error
}

// TUIRequest is what the full-screen interface is given.
type TUIRequest struct {
	In         io.Reader
	Out        io.Writer
	Workspace  api.Workspace
	Scaffolder api.Scaffolder
	Doctor     api.Doctor
	Folder     string // the workspace folder, or where a new project would go
	Target     api.TargetName
}
