package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
	"github.com/ebpfdev/ebpfdev/internal/tui/wizard"
)

// screen is what fills the terminal.
type screen int

const (
	screenStart   screen = iota // the workspace is being looked at
	screenMain                  // a project or a kernel
	screenWelcome               // no project in the folder
	screenDoctor
	screenWizard
)

// pane is a part of the main screen that can have the focus.
type pane int

const (
	panePrograms pane = iota + 1
	paneMaps
	paneEntries
	paneInspector
	paneTask
	paneEvents
	paneCommands
)

// app is the one model. Its parts are plain structs with methods; only app
// speaks to Bubble Tea. Nothing here calls a service from Update or View: that
// happens in commands and in the goroutines of feeds.
type app struct {
	ctx    context.Context
	opt    Options
	now    func() time.Time
	keys   keyMap
	scheme draw.Scheme
	glyphs draw.Glyphs
	theme  draw.Theme
	w, h   int
	rects  rects

	screen screen
	focus  pane
	about  pane // what the inspector shows: the last focused of programs, maps and entries
	bottom pane // which of task, events and commands is shown
	zoom   bool

	conn      connection
	programs  programList
	maps      mapList
	entries   entryPane
	inspector inspector
	task      taskPane
	events    eventPane
	commands  commandLog
	attach    attachment
	welcome   welcome
	doctor    doctorScreen
	wizard    *wizard.Model

	dialog  dialog
	notice  string // one line in the footer until the next key
	leaving bool   // ctrl+c was pressed once
}

// dialog is what lies over the screen and takes all keys.
type dialog interface {
	// key handles a key; nil closes the dialog.
	key(a *app, msg tea.KeyPressMsg) (dialog, tea.Cmd)
	// paste handles pasted text.
	paste(text string)
	// view draws it for a screen of w by h cells, frame included.
	view(a *app, w, h int) []string
	// place names its keys.
	place() place
}

func newApp(ctx context.Context, opt Options) *app {
	a := &app{
		ctx: ctx, opt: opt, now: time.Now, keys: newKeyMap(),
		scheme: draw.Dark, glyphs: draw.Unicode(),
		focus: paneMaps, about: paneMaps, bottom: paneTask,
	}
	if env(opt.Env, "NO_COLOR") != "" {
		a.scheme = draw.Mono
	}
	if !isUTF8(opt.Env) || env(opt.Env, "EBPFDEV_ASCII") == "1" {
		a.glyphs = draw.ASCII()
	}
	a.programs.project, a.maps.project = true, true
	a.task.log.limit, a.events.log.limit = 5000, 2000
	a.restyle()
	return a
}

func (a *app) restyle() { a.theme = draw.NewTheme(a.scheme, a.glyphs) }

// Init implements tea.Model.
func (a *app) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, a.start())
}

// Update implements tea.Model.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := a.handle(msg)
	a.arrange()
	return a, tea.Batch(cmd, a.follow())
}

func (a *app) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		a.background(msg.IsDark())
	case tea.KeyPressMsg:
		return a.key(msg)
	case tea.PasteMsg:
		return a.paste(msg.Content)
	case connMsg:
		return a.updateConn(msg)
	case dataMsg:
		return a.updateData(msg)
	case taskMsg:
		return a.updateTask(msg)
	case dialogMsg:
		return a.updateDialog(msg)
	case wizard.Msg:
		return a.updateWizard(msg)
	case doctorMsg:
		return a.updateDoctor(msg)
	}
	return nil
}

func (a *app) background(dark bool) {
	switch {
	case a.scheme == draw.Mono:
		return
	case dark:
		a.scheme = draw.Dark
	default:
		a.scheme = draw.Light
	}
	a.restyle()
}

// key routes a key to whoever has it: ctrl+c, a dialog, a text being typed, the
// screen.
func (a *app) key(msg tea.KeyPressMsg) tea.Cmd {
	a.notice = ""
	switch a.keys.action(msg, placeMain) {
	case actStop:
		return a.stop()
	case actSuspend: // from everywhere, as in any other program
		return tea.Suspend
	}
	a.leaving = false
	if a.dialog != nil {
		d, cmd := a.dialog.key(a, msg)
		a.dialog = d
		return cmd
	}
	switch a.screen {
	case screenWelcome:
		return a.keyWelcome(msg)
	case screenDoctor:
		return a.keyDoctor(msg)
	case screenWizard:
		return a.wizard.Key(msg)
	default:
		return a.keyMain(msg)
	}
}

func (a *app) paste(text string) tea.Cmd {
	switch {
	case a.dialog != nil:
		a.dialog.paste(text)
	case a.screen == screenWizard:
		return a.wizard.Paste(text)
	case a.screen == screenMain && a.entries.typing:
		a.entries.paste(text)
	}
	return nil
}

// stop cancels what runs; when nothing does, or on the second press, it quits.
func (a *app) stop() tea.Cmd {
	if a.screen == screenWizard {
		return a.closeWizard()
	}
	if a.leaving {
		return tea.Quit
	}
	a.leaving = true
	if a.task.running() {
		a.task.stop()
		a.notice = "cancelling; ctrl+c again quits"
		return nil
	}
	a.dialog = nil
	a.notice = "ctrl+c again or q quits"
	return nil
}

// service returns the session, or nil when there is none that works.
func (a *app) service() api.Session {
	if a.conn.state != connected {
		return nil
	}
	return a.conn.session
}

// View implements tea.Model.
func (a *app) View() tea.View {
	v := tea.NewView(a.render())
	v.AltScreen = true
	v.WindowTitle = "ebpfdev"
	if p := a.project(); p != "" {
		v.WindowTitle += " " + draw.Clean(p)
	}
	return v
}
