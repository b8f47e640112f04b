package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// header is the first line: project, container, target, kernel, latency, task.
func (a *app) header() string {
	t := a.theme
	parts := []string{t.Bold.Render("ebpfdev") + " " + t.Accent.Render(draw.Clean(a.project()))}
	if a.screen == screenMain {
		parts = append(parts, a.targetChip())
		if k := a.conn.kernel; k.Release != "" {
			btf := "BTF " + t.OK.Render(t.Glyphs.OK)
			if !k.BTF {
				btf = "BTF " + t.Fail.Render(t.Glyphs.Fail)
			}
			parts = append(parts, draw.Clean(k.Release+" "+k.Machine), btf)
		}
		if a.conn.state == connected && a.conn.latency > 0 {
			parts = append(parts, t.Dim.Render(round(a.conn.latency)))
		}
	}
	right := a.task.chip(t, a.now()) + " "
	return t.Ends(" "+whole(parts, a.w-draw.Width(right)-2), right, a.w)
}

// whole joins as many parts as fit into w cells: half a figure says nothing.
func whole(parts []string, w int) string {
	n := len(parts)
	for n > 1 && draw.Width(strings.Join(parts[:n], "  ")) > w {
		n--
	}
	return strings.Join(parts[:n], "  ")
}

// targetChip is where we are and how that is.
func (a *app) targetChip() string {
	t, c := a.theme, &a.conn
	name := "container"
	if c.target == api.TargetLocal || c.info.Target == "local" {
		name = "local kernel"
	}
	if version, ok := c.guest(); ok {
		name = "kernel " + version
	}
	if c.info.Container != "" && a.w >= 120 {
		name += " " + strings.TrimRight(t.Fit(draw.Clean(c.info.Container), min(a.w/3, 40)), " ")
	}
	switch c.state {
	case connected:
		chip := t.OK.Render(t.Glyphs.Running) + " " + name
		if c.status.Changed {
			chip += t.Warn.Render(" (config changed)")
		}
		return chip
	case connecting:
		return t.Accent.Render(t.Glyphs.Ellipsis) + " " + name
	case lost:
		return t.Fail.Render(t.Glyphs.Fail + " lost " + name + " at " + c.since.Format(time.TimeOnly) + ", reconnecting")
	case failed:
		return t.Fail.Render(t.Glyphs.Fail + " " + name)
	default:
		state := c.status.State
		if state == "" || state == "none" {
			state = "not made"
		}
		return t.Dim.Render(t.Glyphs.None + " " + name + " " + draw.Clean(state))
	}
}

// round writes a latency; the micro sign is not in every terminal's characters.
func round(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
}

// footer is the last line: a notice, or the keys that matter here.
func (a *app) footer() string {
	t := a.theme
	if a.notice != "" {
		return t.Fit(" "+t.Warn.Render(draw.Clean(a.notice)), a.w)
	}
	return t.Fit(" "+t.Hints(a.hintPairs(), a.w-2), a.w)
}

// hintPairs are the keys that the footer names, most useful first.
func (a *app) hintPairs() [][2]string {
	if a.dialog != nil {
		return pairs(a.theme, a.keys.hints(a.dialog.place(), footActions(a.dialog.place())...))
	}
	switch a.screen {
	case screenWelcome:
		return pairs(a.theme, a.keys.hints(placeWelcome, actNew, actDoctor, actAttach, actHelp, actBack))
	case screenDoctor:
		return pairs(a.theme, a.keys.hints(placeDoctor, actRefresh, actBack))
	case screenWizard:
		return a.wizard.Hints()
	}
	return a.mainHints()
}

func (a *app) mainHints() [][2]string {
	if a.entries.typing {
		return pairs(a.theme, a.keys.hints(placeFilter, actAccept, actCancel))
	}
	main := [][2]string{{"b", "build"}, {"v", "verify"}, {"l", "load"}, {"r", "run"}, {"u", "unload"}, {"tab", "pane"}}
	var here [][2]string
	switch {
	case a.conn.state == unconnected:
		here = [][2]string{{"U", "up"}}
		main = [][2]string{{"ctrl+r", "look again"}, {"tab", "pane"}}
	case a.conn.state == failed:
		here = [][2]string{{"ctrl+r", "try again"}}
		main = [][2]string{{"tab", "pane"}}
	case a.focus == paneEntries:
		here = [][2]string{{"e", "edit"}, {"a", "add"}, {"d", "delete"}, {"/", "filter"}, {"s", "order"}}
	case a.focus == paneTask && a.task.failures != nil:
		here = [][2]string{{"enter", "report"}}
	case a.focus == paneMaps:
		here = [][2]string{{"enter", "entries"}}
	}
	if a.task.running() {
		here = append([][2]string{{"ctrl+c", "cancel"}}, here...)
	}
	last := [][2]string{{"+", "zoom"}, {"@", "commands"}}
	back := [2]string{"q", "back"}
	if a.atRoot() {
		back[1] = "quit"
	}
	return append([][2]string{{"?", "help"}, back}, append(append(here, main...), last...)...)
}

func footActions(p place) []action {
	switch p {
	case placeForm:
		return []action{actAccept, actField, actCancel}
	case placeReview:
		return []action{actAccept, actForce, actCancel}
	case placeConfirm, placeAttach:
		return []action{actAccept, actCancel}
	case placeHelp:
		return []action{moveUp, moveDown, actCancel}
	case placeFailure:
		return []action{actNext, actVerify, actCopy, actCancel}
	default:
		return []action{actCancel}
	}
}

// footKeys are a dialog's keys, for its frame.
func (a *app) footKeys(p place) string {
	var out []string
	for _, b := range a.keys.hints(p, footActions(p)...) {
		out = append(out, shown(b.Help().Key, a.theme)+" "+b.short())
	}
	return strings.Join(out, "  ")
}

func pairs(t draw.Theme, binds []bind) [][2]string {
	var out [][2]string
	for _, b := range binds {
		out = append(out, [2]string{shown(b.Help().Key, t), b.short()})
	}
	return out
}
