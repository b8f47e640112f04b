package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// keyMain handles a key of the main screen.
func (a *app) keyMain(msg tea.KeyPressMsg) tea.Cmd {
	if a.entries.typing {
		a.entries.typed(a.keys.action(msg, placeFilter), msg)
		return nil
	}
	do := a.keys.action(msg, placeMain)
	if do == "" && a.focus == paneEntries {
		do = a.keys.action(msg, placeEntries)
	}
	if do == "" {
		do = a.keys.action(msg, placeMove)
	}
	switch do {
	case actPane:
		a.setFocus(pane(msg.String()[0] - '0'))
	case actNextPane, actPrevPane:
		a.nextPane(do == actNextPane)
	case actEdit, actAdd, actDelete:
		return a.editEntry(do)
	case "":
		a.unknownKey(msg)
	default:
		if a.movePane(do) {
			return nil
		}
		return a.act(do)
	}
	return nil
}

// unknownKey says where a key would have worked, if anywhere.
func (a *app) unknownKey(msg tea.KeyPressMsg) {
	switch {
	case a.keys.action(msg, placeEntries) != "":
		a.notice = msg.String() + " works in the entries: 3 goes there"
	case msg.Text != "":
		a.notice = "no key " + msg.String() + " here; ? shows them all"
	}
}

// act does what a key of the main screen asks for.
func (a *app) act(do action) tea.Cmd {
	switch do {
	case actBuild:
		return a.pipeline("build", steps{}, "build")
	case actVerify:
		return a.pipeline("verify", steps{verify: true}, "verify")
	case actLoad:
		return a.pipeline("load", steps{load: true, lifetime: a.lifetime()}, "load")
	case actRun:
		if a.service() != nil && !a.task.running() {
			return a.askRun()
		}
		return a.pipeline("run", steps{}, "run")
	case actUnload:
		a.askUnload()
	case actWhere:
		a.dialog = newAttachDialog(a.attach.text)
	case actUp:
		if a.conn.apart() {
			a.notice = "this is " + a.targetName() + ": there is no container to start"
			return nil
		}
		return a.up()
	case actDown:
		a.askDown()
	case actZoom:
		a.zoom = !a.zoom
	case actScope:
		a.programs.project, a.maps.project = !a.programs.project, !a.maps.project
		a.programs.choose()
		a.maps.choose()
	case actCommands:
		a.setFocus(paneCommands)
	case actHelp:
		a.dialog = newHelp()
	case actRefresh:
		return a.refresh()
	case actCopy:
		return a.copy()
	case actBack:
		return a.back()
	}
	return nil
}

// atRoot reports whether back would leave the program.
func (a *app) atRoot() bool {
	return !a.zoom && a.focus < paneEntries && !a.task.running()
}

// back leaves the innermost thing that can be left; last the program.
func (a *app) back() tea.Cmd {
	switch {
	case a.zoom:
		a.zoom = false
	case a.focus == paneEntries && a.entries.where != "":
		a.entries.filter("")
	case a.focus >= paneInspector:
		a.setFocus(a.about)
	case a.focus == paneEntries:
		a.setFocus(paneMaps)
	case a.task.running():
		a.notice = a.task.job.title + " is still running; ctrl+c cancels it"
	default:
		return tea.Quit
	}
	return nil
}

func (a *app) refresh() tea.Cmd {
	switch a.conn.state {
	case connected:
		a.entries.err, a.events.err = nil, nil
		a.entries.restart()
		a.events.restart()
		a.conn.gen++ // the poll that is under way is not waited for
		return tea.Batch(a.poll(), a.askKernel(), a.askStatusAgain())
	case lost, connecting:
		return nil
	default:
		a.conn.err = nil
		if a.conn.apart() {
			return a.open()
		}
		a.screen = screenStart
		return a.askStatus()
	}
}

func (a *app) copy() tea.Cmd {
	text := ""
	switch a.focus {
	case paneCommands:
		text = a.commands.selected()
	case paneEntries:
		if e, ok := a.entries.selected(); ok {
			text = e.Key.Text + "\t" + e.Value.Text
		}
	case paneTask:
		text = plainLines(a.task.log.lines)
	case paneEvents:
		text = plainLines(a.events.log.lines)
	default:
		_, lines := a.inspect(80)
		text = plainLines(lines)
	}
	if strings.TrimSpace(text) == "" {
		a.notice = "there is nothing to copy"
		return nil
	}
	a.notice = "sent to the terminal's clipboard"
	return tea.SetClipboard(text)
}

// setFocus goes to a pane.
func (a *app) setFocus(p pane) {
	a.focus = p
	if p <= paneEntries {
		a.about = p
	}
	if p >= paneTask {
		a.bottom = p
	}
	a.inspector.look(a.inspected())
}

// nextPane goes round the panes that can be seen.
func (a *app) nextPane(forward bool) {
	seen := []pane{panePrograms, paneMaps, paneEntries, paneInspector, a.bottom}
	at := 0
	for i, p := range seen {
		if p == a.focus {
			at = i
		}
	}
	if forward {
		at++
	} else {
		at += len(seen) - 1
	}
	a.setFocus(seen[at%len(seen)])
}

// movePane moves in the focused pane. It reports whether the action was for it.
func (a *app) movePane(do action) bool {
	if do == moveIn {
		a.enter()
		return true
	}
	moved := false
	switch a.focus {
	case panePrograms:
		moved = a.programs.at.move(do, len(a.programs.items), a.programs.rows)
	case paneMaps:
		moved = a.maps.at.move(do, len(a.maps.items), a.maps.rows)
	case paneEntries:
		moved = a.entries.key(do)
	case paneInspector:
		_, lines := a.inspect(a.rects.inspector.w - 2)
		moved = a.inspector.at.move(do, len(lines), a.rects.inspector.h-2)
	case paneTask:
		moved = a.task.at.move(do, len(a.task.log.lines), a.rects.bottom.h-2)
	case paneEvents:
		moved = a.events.at.move(do, len(a.events.log.lines), a.rects.bottom.h-2)
	case paneCommands:
		moved = a.commands.at.move(do, len(a.commands.items), a.rects.bottom.h-2)
	}
	a.inspector.look(a.inspected())
	return moved
}

// enter goes one level deeper.
func (a *app) enter() {
	switch a.focus {
	case panePrograms, paneEntries:
		a.setFocus(paneInspector)
	case paneMaps:
		a.setFocus(paneEntries)
	case paneTask:
		if a.task.failures != nil {
			a.dialog = newReport(a.task.failures)
		}
	}
}
