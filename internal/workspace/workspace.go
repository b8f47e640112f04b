// Package workspace is the life of a project's dev container: up, down, status,
// exec, logs, and the session that connects a frontend to a kernel.
//
// It follows the reference Dev Container CLI wherever a container may be shared
// with it: labels, lookup order, mounts, user, environment and the markers of
// lifecycle commands are the same, so that a container that one tool made is
// reused by the other. What is ours alone is the volume at /opt/ebpfdev with
// the agent, one lock per workspace, and a file in the runtime folder that saves
// round trips; that file may be deleted at any time.
package workspace

import (
	"context"
	"errors"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/engine"
)

// labelWorkspace is on what only ebpfdev makes for a workspace: volumes and the
// short-lived container that fills one. Its value is the ${devcontainerId}.
const labelWorkspace = "dev.ebpfdev.workspace"

// Options of a Workspace.
type Options struct {
	// Engine connects to the container engine.
	Engine func(context.Context) (engine.Engine, error)
	// Executable is the path of the static Linux binary that goes into
	// containers as the agent.
	Executable string
	// Version of this program; an agent must have the same.
	Version string
	// Local opens the kernel of this machine.
	Local func(context.Context, api.OpenRequest) (api.Session, error)
	// Kernel boots a kernel by its version.
	Kernel func(ctx context.Context, version string) (api.Guest, error)
	// Env looks up the environment.
	Env func(string) (string, bool)
}

// Workspace implements api.Workspace.
type Workspace struct {
	opts Options

	mu     sync.Mutex
	engine engine.Engine // connected at the first use
	agent  *agentBinary  // read at the first use
}

var _ api.Workspace = (*Workspace)(nil)

// New returns a Workspace; nothing is opened yet.
func New(opts Options) *Workspace {
	if opts.Env == nil {
		opts.Env = func(string) (string, bool) { return "", false }
	}
	return &Workspace{opts: opts}
}

// Close ends the connection to the engine, if there is one.
func (w *Workspace) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.engine == nil {
		return nil
	}
	err := w.engine.Close()
	w.engine = nil
	return err
}

// connect returns the engine, connecting to it when that was not done yet.
func (w *Workspace) connect(ctx context.Context) (engine.Engine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.engine != nil {
		return w.engine, nil
	}
	if w.opts.Engine == nil {
		return nil, api.Errorf("connect", "engine", api.ErrEnvironment, "none is configured").WithHint("ebpfdev doctor")
	}
	e, err := w.opts.Engine(ctx)
	if err != nil && w.inside() {
		return nil, api.Errorf("open engine", "", api.ErrEnvironment, "this is inside a dev container; its engine is outside").
			WithHint("leave the container and repeat it there")
	}
	if err != nil {
		return nil, err
	}
	w.engine = e
	return e, nil
}

// notExist reports whether an object of the engine is not there.
func notExist(err error) bool { return errors.Is(err, api.ErrNotExist) }

// errNoContainer is the answer when a workspace's container is not there.
func errNoContainer(op, folder string) error {
	return api.Errorf(op, folder, api.ErrEnvironment, "the workspace has no container").WithHint("ebpfdev up")
}
