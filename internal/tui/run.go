// Package tui is ebpfdev's full-screen frontend.
//
// It is one Bubble Tea model, app, whose parts are plain structs: lists, the
// entries of a map, an inspector, the running task, events, dialogs. Update and
// View never call a service. What takes time happens in commands; what keeps
// talking (a watched map, events, the log of a task) goes through a feed, which
// bounds it and slows it down to what a person can see.
//
// Everything that is drawn goes through package draw, so that every line has
// exactly the terminal's width and no text from outside reaches the terminal
// unescaped.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/wizard"
)

// Options are what the TUI works on. Workspace must be set; without a
// Scaffolder or a Doctor their screens say so.
type Options struct {
	In         io.Reader
	Out        io.Writer
	Workspace  api.Workspace
	Scaffolder api.Scaffolder
	Doctor     api.Doctor
	Folder     string         // the workspace folder; new projects are made beside what is in it
	Target     api.TargetName // where to work; usually TargetAuto
	Version    string
	Env        []string // KEY=VALUE
}

// Run shows the TUI until the person leaves it or the context ends; then it
// gives the context's error. However it ends, the terminal is as it was.
func Run(ctx context.Context, opt Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := newApp(ctx, opt)
	_, err := runProgram(ctx, opt, a)
	cancel() // streams end before the session does
	if a.conn.session != nil {
		err = errors.Join(err, ignoreGone(a.conn.session.Close()))
	}
	return err
}

func ignoreGone(err error) error {
	if errors.Is(err, api.ErrUnreachable) {
		return nil
	}
	return err
}

// runProgram runs a model on the terminal.
func runProgram(ctx context.Context, opt Options, m tea.Model) (tea.Model, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGTERM)
	defer stop()
	options := []tea.ProgramOption{
		tea.WithInput(opt.In), tea.WithOutput(opt.Out), tea.WithEnvironment(opt.Env),
		tea.WithoutSignalHandler(), tea.WithFPS(30),
	}
	if env(opt.Env, "NO_COLOR") != "" { // any value counts, not only those that read as true
		options = append(options, tea.WithColorProfile(colorprofile.Ascii))
	}
	p := tea.NewProgram(m, options...)
	// Not tea.WithContext: a killed program does not wait for the goroutine that
	// reads the terminal, a program that quits does.
	defer context.AfterFunc(ctx, p.Quit)()
	last, err := p.Run()
	switch {
	case ctx.Err() != nil:
		return last, ctx.Err()
	case errors.Is(err, tea.ErrInterrupted):
		return last, context.Canceled
	case err != nil:
		return last, fmt.Errorf("terminal: %w", err)
	}
	return last, nil
}

// Wizard asks for a new project. It writes nothing: the request and whether the
// container shall be started come back. A wizard that was left gives
// context.Canceled.
func Wizard(ctx context.Context, opt Options) (req api.ScaffoldRequest, up bool, err error) {
	q := &questions{app: newApp(ctx, opt)}
	q.app.wizard = wizard.New(ctx, opt.Scaffolder, opt.Folder, "")
	q.app.screen = screenWizard
	if _, err := runProgram(ctx, opt, q); err != nil {
		return api.ScaffoldRequest{}, false, err
	}
	if q.done == nil {
		return api.ScaffoldRequest{}, false, context.Canceled
	}
	return q.done.Request, q.done.Up, nil
}

// questions is the wizard by itself.
type questions struct {
	app  *app
	done *wizard.Finished
}

// Init implements tea.Model.
func (q *questions) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, q.app.wizard.Init())
}

// Update implements tea.Model.
func (q *questions) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case wizard.Finished:
		q.done = &msg
		return q, tea.Quit
	case wizard.Cancelled:
		return q, tea.Quit
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			return q, tea.Quit
		}
	}
	_, cmd := q.app.Update(msg)
	return q, cmd
}

// View implements tea.Model.
func (q *questions) View() tea.View { return q.app.View() }
