package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
	"github.com/ebpfdev/ebpfdev/internal/tui/wizard"
)

// welcome is the screen for a folder without a project.
type welcome struct{ at cursor }

func (a *app) keyWelcome(msg tea.KeyPressMsg) tea.Cmd {
	choices := a.keys.hints(placeWelcome, actNew, actDoctor, actAttach)
	do := a.keys.action(msg, placeWelcome, placeMove)
	if a.welcome.at.move(do, len(choices), len(choices)) {
		return nil
	}
	if do == moveIn {
		do = choices[a.welcome.at.at].do
	}
	switch do {
	case actNew:
		return a.openWizard()
	case actDoctor:
		return a.openDoctor()
	case actAttach:
		a.conn.target, a.screen = api.TargetLocal, screenMain
		a.commands.end(a.commands.begin(a.now(), cli("--target", "local")), nil)
		return a.open()
	case actHelp:
		a.dialog = newHelp()
	case actBack:
		return tea.Quit
	}
	return nil
}

func (a *app) viewWelcome(w, h int) []string {
	t := a.theme
	lines := []string{
		"", "  " + t.TitleFocused.Render("No eBPF project here"),
		"  " + t.Dim.Render(t.FitLeft(draw.Clean(a.conn.folder), max(w-6, 1))), "",
	}
	for i, b := range a.keys.hints(placeWelcome, actNew, actDoctor, actAttach) {
		row := t.Key.Render(t.Fit(b.Help().Key, 3)) + b.Help().Desc
		lines = append(lines, t.Cursor(row, w-2, i == a.welcome.at.at, true))
	}
	lines = append(lines, "",
		"  "+t.Dim.Render("n makes a project, its dev container, and starts it;"),
		"  "+t.Dim.Render("the next key after that loads a program."))
	return t.Box(draw.Frame{Title: "welcome", Note: "ebpfdev " + draw.Clean(a.opt.Version), Focused: true}, lines, w, h)
}

// openWizard begins a new project.
func (a *app) openWizard() tea.Cmd {
	if a.opt.Scaffolder == nil {
		a.notice = "this ebpfdev has no templates"
		return nil
	}
	a.wizard = wizard.New(a.ctx, a.opt.Scaffolder, a.opt.Folder, a.project())
	a.screen = screenWizard
	return a.wizard.Init()
}

func (a *app) updateWizard(msg wizard.Msg) tea.Cmd {
	if a.wizard == nil {
		return nil
	}
	switch msg := msg.(type) {
	case wizard.Cancelled:
		return a.closeWizard()
	case wizard.Finished:
		a.screen = screenMain
		a.wizard = nil
		a.conn.state = unconnected
		return a.scaffold(msg)
	default:
		return a.wizard.Update(msg)
	}
}

func (a *app) closeWizard() tea.Cmd {
	a.wizard = nil
	a.screen = screenWelcome
	return nil
}
