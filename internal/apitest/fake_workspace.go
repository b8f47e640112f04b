package apitest

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// FakeWorkspace is an api.Workspace whose container is a word in memory and
// whose session is a Fake. Set its fields before it is used; the mutex guards
// what its methods change.
type FakeWorkspace struct {
	// Session is what Open returns.
	Session *Fake
	// Steps are what Up reports; Err, by method name, is what it fails with.
	Steps []api.Progress
	Err   map[string]error
	// ExecCode is the exit code of Exec, Output what it prints.
	ExecCode int
	Output   string

	mu     sync.Mutex
	status api.Status
	calls  map[string]int
	opened []api.OpenRequest
}

var _ api.Workspace = (*FakeWorkspace)(nil)

// NewFakeWorkspace returns a workspace whose container runs, over session.
func NewFakeWorkspace(session *Fake) *FakeWorkspace {
	return &FakeWorkspace{
		Session: session,
		Err:     map[string]error{},
		calls:   map[string]int{},
		status: api.Status{
			Folder: "/src/probe", Config: "/src/probe/.devcontainer/devcontainer.json", Project: "probe",
			Framework: "ebpf-go", State: "running", ContainerID: "c0ffee", Container: "ebpfdev-probe",
			RemoteUser: "root", RemoteFolder: "/workspaces/probe", Engine: "Docker Engine 26.1.5",
		},
		Steps: []api.Progress{
			{Step: "image", Title: "Build the image", State: api.StepStarted},
			{Step: "image", Title: "Build the image", State: api.StepDone},
			{Step: "start", Title: "Start the container", State: api.StepDone},
		},
	}
}

// SetStatus replaces what Status returns.
func (w *FakeWorkspace) SetStatus(s api.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = s
}

// SetErr lets a method fail with err from now on; nil ends that.
func (w *FakeWorkspace) SetErr(method string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Err[method] = err
}

// Calls returns how often a method was called, all of them for "".
func (w *FakeWorkspace) Calls(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if method != "" {
		return w.calls[method]
	}
	n := 0
	for _, c := range w.calls {
		n += c
	}
	return n
}

// Opened returns the requests that Open got.
func (w *FakeWorkspace) Opened() []api.OpenRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.opened)
}

// enter counts a call. It returns with w.mu held when the error is nil.
func (w *FakeWorkspace) enter(ctx context.Context, method string) error {
	w.mu.Lock()
	w.calls[method]++
	err := w.Err[method]
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		w.mu.Unlock()
	}
	return err
}

// Up implements api.Workspace.
func (w *FakeWorkspace) Up(ctx context.Context, _ api.UpRequest, fn func(api.Progress) error) (api.UpResult, error) {
	for _, p := range w.Steps {
		if err := fn(p); err != nil {
			return api.UpResult{}, err
		}
	}
	if err := w.enter(ctx, "Up"); err != nil {
		return api.UpResult{}, err
	}
	defer w.mu.Unlock()
	was := w.status.State
	w.status.State = "running"
	return api.UpResult{
		ContainerID: w.status.ContainerID, ContainerName: w.status.Container, RemoteUser: w.status.RemoteUser,
		RemoteFolder: w.status.RemoteFolder, Created: was == "none", Started: was != "running",
	}, nil
}

// Down implements api.Workspace.
func (w *FakeWorkspace) Down(ctx context.Context, _ api.DownRequest) (api.DownResult, error) {
	if err := w.enter(ctx, "Down"); err != nil {
		return api.DownResult{}, err
	}
	defer w.mu.Unlock()
	var res api.DownResult
	if w.status.State != "none" {
		res.Removed = []string{"container " + w.status.Container}
	}
	w.status.State = "none"
	return res, nil
}

// Status implements api.Workspace.
func (w *FakeWorkspace) Status(ctx context.Context, _ api.StatusRequest) (api.Status, error) {
	if err := w.enter(ctx, "Status"); err != nil {
		return api.Status{}, err
	}
	defer w.mu.Unlock()
	return w.status, nil
}

// Exec implements api.Workspace.
func (w *FakeWorkspace) Exec(ctx context.Context, req api.ExecRequest) (int, error) {
	if err := w.enter(ctx, "Exec"); err != nil {
		return 0, err
	}
	defer w.mu.Unlock()
	if req.Streams.Out != nil {
		if _, err := io.WriteString(req.Streams.Out, w.Output); err != nil {
			return 0, err
		}
	}
	return w.ExecCode, nil
}

// Logs implements api.Workspace.
func (w *FakeWorkspace) Logs(ctx context.Context, _ api.LogsRequest, fn func(api.LogLine) error) error {
	if err := w.enter(ctx, "Logs"); err != nil {
		return err
	}
	w.mu.Unlock()
	return fn(api.LogLine{Text: "ready"})
}

// Open implements api.Workspace.
func (w *FakeWorkspace) Open(ctx context.Context, req api.OpenRequest) (api.Session, error) {
	if err := w.enter(ctx, "Open"); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	w.opened = append(w.opened, req)
	_, guest := req.Target.Kernel()
	if !guest && req.Target != api.TargetLocal && w.status.State != "running" {
		return nil, api.Errorf("open", w.status.Project, api.ErrNotExist, "the container does not run").WithHint("ebpfdev up")
	}
	return &connected{w.Session}, nil
}

// connected is one connection to a session: closing it leaves the session for
// the next one.
type connected struct{ *Fake }

// Close implements api.Target.
func (c *connected) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls["Close"]++
	return nil
}
