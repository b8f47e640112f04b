package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// connState is how we stand with the target.
type connState int

const (
	unconnected connState = iota // nothing to connect to: no container runs
	connecting
	connected
	lost   // it went away; what is shown is old
	failed // it cannot be opened, and trying again would not help
)

// Reconnecting waits from firstRetry, doubled each time, up to lastRetry.
const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second
	pollEvery  = 2 * time.Second
)

// connection is the session and what is known about where it leads.
type connection struct {
	state   connState
	session api.Session
	info    api.SessionInfo
	kernel  api.Kernel
	status  api.Status
	err     error // why the state is lost or failed, or why the status is unknown
	latency time.Duration
	retry   time.Duration // the wait before the next try
	since   time.Time     // when it was lost
	polls   int
	gen     int // of the session; answers of older ones are dropped
	target  api.TargetName
	folder  string

	cancel context.CancelFunc // ends all streams of the session
	ctx    context.Context
}

// guest is the version of the kernel that is booted for the session; ok is false
// without one.
func (c *connection) guest() (version string, ok bool) { return c.target.Kernel() }

// apart reports whether the target is a kernel without a container.
func (c *connection) apart() bool {
	_, guest := c.guest()
	return guest || c.target == api.TargetLocal
}

// connMsg is news about the connection.
type connMsg interface{ conn() }

type (
	statusMsg struct {
		status api.Status
		err    error
	}
	openMsg struct {
		gen     int
		session api.Session
		err     error
	}
	probeMsg struct {
		gen    int
		kernel api.Kernel
		err    error
	}
	retryMsg struct{ gen int }
)

func (statusMsg) conn() {}
func (openMsg) conn()   {}
func (probeMsg) conn()  {}
func (retryMsg) conn()  {}

// start looks at the workspace, or goes straight to the local kernel.
func (a *app) start() tea.Cmd {
	a.conn.folder, a.conn.target = a.opt.Folder, a.opt.Target
	if a.conn.apart() {
		a.screen = screenMain
		return a.open()
	}
	return a.askStatus()
}

func (a *app) askStatus() tea.Cmd {
	ctx, ws, req := a.ctx, a.opt.Workspace, api.StatusRequest{Folder: a.conn.folder}
	return func() tea.Msg {
		st, err := ws.Status(ctx, req)
		return statusMsg{st, err}
	}
}

// open connects to the target. The message that comes back carries the
// generation, so that a session that nobody waits for any more is closed.
func (a *app) open() tea.Cmd {
	a.conn.gen++
	a.conn.state = max(a.conn.state, connecting)
	if a.conn.state != lost {
		a.conn.state = connecting
	}
	ctx, ws, gen := a.ctx, a.opt.Workspace, a.conn.gen
	req := api.OpenRequest{Folder: a.conn.folder, Target: a.conn.target}
	return func() tea.Msg {
		s, err := ws.Open(ctx, req)
		return openMsg{gen, s, err}
	}
}

func (a *app) updateConn(msg connMsg) tea.Cmd {
	switch msg := msg.(type) {
	case statusMsg:
		return a.gotStatus(msg)
	case openMsg:
		return a.gotSession(msg)
	case probeMsg:
		if msg.gen == a.conn.gen && msg.err == nil {
			a.conn.kernel = msg.kernel
		}
	case retryMsg:
		if msg.gen == a.conn.gen && a.conn.state == lost {
			return a.open()
		}
	}
	return nil
}

func (a *app) gotStatus(msg statusMsg) tea.Cmd {
	if msg.err == nil {
		a.conn.status = msg.status
	}
	first := a.screen == screenStart
	switch {
	case a.conn.state == connected && !first:
		return a.stopped(msg)
	case errors.Is(msg.err, api.ErrNotExist) && first:
		a.screen = screenWelcome
		return nil
	case msg.err != nil && errors.Is(msg.err, api.ErrUsage): // devcontainer.json is broken
		a.screen, a.conn.state, a.conn.err = screenMain, failed, msg.err
		return nil
	case msg.err != nil && first: // no engine: perhaps we are inside the container
		a.screen, a.conn.err = screenMain, msg.err
		return a.open()
	case msg.err != nil:
		a.conn.state, a.conn.err = failed, msg.err
		return nil
	}
	a.screen = screenMain
	if msg.status.State == "running" {
		return a.open()
	}
	cmd := a.leave()
	a.conn.state = unconnected
	return cmd
}

// stopped reacts to a container that ended while a session to it is open.
func (a *app) stopped(msg statusMsg) tea.Cmd {
	if msg.err != nil || msg.status.State == "running" || a.conn.info.Target != "container" {
		return nil
	}
	return a.leave()
}

func (a *app) gotSession(msg openMsg) tea.Cmd {
	if msg.gen != a.conn.gen {
		return closing(msg.session)
	}
	if msg.err != nil {
		if a.conn.state == lost {
			return a.retryLater()
		}
		if a.conn.err == nil || a.conn.apart() { // else the status's error says more
			a.conn.err = msg.err
		}
		a.conn.state = failed
		return nil
	}
	old := a.conn.session
	a.conn.session, a.conn.info, a.conn.state, a.conn.err = msg.session, msg.session.Info(), connected, nil
	a.conn.retry = 0
	a.conn.ctx, a.conn.cancel = context.WithCancel(a.ctx)
	if a.conn.info.Project == "" {
		a.programs.project, a.maps.project = false, false
	}
	a.entries.restart()
	a.events.restart()
	return tea.Batch(closing(old), a.askKernel(), a.poll(), a.askStatusAgain())
}

// askStatusAgain refreshes what the header says about the container.
func (a *app) askStatusAgain() tea.Cmd {
	if a.conn.apart() {
		return nil
	}
	return a.askStatus()
}

func (a *app) askKernel() tea.Cmd {
	ctx, s, gen := a.conn.ctx, a.conn.session, a.conn.gen
	return func() tea.Msg {
		k, err := s.Probe(ctx, api.ProbeRequest{})
		return probeMsg{gen, k, err}
	}
}

// closing returns the command that closes a session.
func closing(s api.Session) tea.Cmd {
	if s == nil {
		return nil
	}
	return func() tea.Msg {
		_ = s.Close() // it is gone either way
		return nil
	}
}

// disconnected is called with the error of any call: when the target went away
// it keeps what is shown and begins to reconnect. It reports whether that is
// what the error says.
func (a *app) disconnected(err error) (tea.Cmd, bool) {
	switch {
	case !errors.Is(err, api.ErrUnreachable):
		return nil, false
	case a.conn.state != connected:
		return nil, true
	}
	a.drop()
	a.conn.state, a.conn.err, a.conn.since = lost, err, a.now()
	return tea.Batch(a.retryLater(), a.askStatusAgain()), true
}

// drop ends the session's streams.
func (a *app) drop() {
	if a.conn.cancel != nil {
		a.conn.cancel()
		a.conn.cancel = nil
	}
}

func (a *app) retryLater() tea.Cmd {
	a.conn.retry = min(max(a.conn.retry*2, firstRetry), lastRetry)
	gen := a.conn.gen
	return tea.Tick(a.conn.retry, func(time.Time) tea.Msg { return retryMsg{gen} })
}

// leave ends the session for good: the container is removed, or another folder
// is opened.
func (a *app) leave() tea.Cmd {
	a.drop()
	old := a.conn.session
	a.conn = connection{folder: a.conn.folder, target: a.conn.target, gen: a.conn.gen + 1, status: a.conn.status}
	a.programs.items, a.maps.items, a.programs.links = nil, nil, nil
	a.programs.known, a.maps.known = false, false
	a.entries.reset()
	return closing(old)
}

// project is the project's name, as far as it is known.
func (a *app) project() string {
	if a.conn.info.Project != "" {
		return a.conn.info.Project
	}
	return a.conn.status.Project
}
