package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// doctorScreen shows what this machine lacks.
type doctorScreen struct {
	checks []api.Check
	done   bool
	err    error
	at     scroll
	run    int
	feed   *feed[api.Check]
	ctx    context.Context
	cancel context.CancelFunc
}

type doctorMsg struct {
	run int
	batch[api.Check]
}

func (a *app) openDoctor() tea.Cmd {
	if a.opt.Doctor == nil {
		a.notice = "this ebpfdev has no doctor"
		return nil
	}
	if a.doctor.cancel != nil {
		a.doctor.cancel()
	}
	a.screen = screenDoctor
	ctx, cancel := context.WithCancel(a.ctx)
	a.doctor = doctorScreen{run: a.doctor.run + 1, feed: newFeed[api.Check](1000), ctx: ctx, cancel: cancel, at: scroll{start: true}}
	a.commands.end(a.commands.begin(a.now(), cli("doctor")), nil)
	f, doctor, req := a.doctor.feed, a.opt.Doctor, api.DoctorRequest{Folder: a.conn.folder, Target: a.opt.Target}
	run := func() tea.Msg {
		f.end(doctor.Diagnose(ctx, req, func(c api.Check) error { f.put(c); return nil }))
		return nil
	}
	return tea.Batch(run, a.nextChecks())
}

func (a *app) nextChecks() tea.Cmd {
	run := a.doctor.run
	return receive(a.doctor.ctx, a.doctor.feed, func(b batch[api.Check]) tea.Msg { return doctorMsg{run, b} })
}

func (a *app) updateDoctor(msg doctorMsg) tea.Cmd {
	if msg.run != a.doctor.run {
		return nil
	}
	a.doctor.checks = append(a.doctor.checks, msg.items...)
	if !msg.done {
		return a.nextChecks()
	}
	a.doctor.done, a.doctor.err = true, msg.err
	return nil
}

func (a *app) keyDoctor(msg tea.KeyPressMsg) tea.Cmd {
	do := a.keys.action(msg, placeDoctor, placeMove)
	switch do {
	case actRefresh:
		return a.openDoctor()
	case actBack:
		a.doctor.cancel()
		a.screen = screenWelcome
	default:
		a.doctor.at.move(do, len(a.doctor.lines(a.theme, a.w-2)), a.h-4)
	}
	return nil
}

func (d *doctorScreen) lines(t draw.Theme, w int) []string {
	var lines []string
	for _, c := range d.checks {
		mark := t.OK.Render(t.Glyphs.OK + " ok  ")
		switch c.State {
		case api.CheckWarn:
			mark = t.Warn.Render(t.Glyphs.Warn + " warn")
		case api.CheckFail:
			mark = t.Fail.Render(t.Glyphs.Fail + " fail")
		}
		lines = append(lines, " "+mark+" "+t.Bold.Render(draw.Clean(c.Title))+"  "+draw.Clean(c.Found))
		if c.State == api.CheckOK {
			continue
		}
		for _, l := range draw.Paragraph(c.Why, w-9) {
			lines = append(lines, "        "+t.Dim.Render(l))
		}
		for _, l := range draw.Paragraph(c.Fix, w-13) {
			lines = append(lines, "        fix "+t.Key.Render(l))
		}
	}
	return lines
}

func (a *app) viewDoctor(w, h int) []string {
	d, t := &a.doctor, a.theme
	lines := d.at.window(d.lines(t, w-2), h-2)
	note := "checking" + t.Glyphs.Ellipsis
	if d.done {
		note = plural(len(d.checks), "check")
	}
	if d.err != nil {
		lines = t.State(problem("The checks could not be made.", d.err, "r tries again"), w-2, h-2)
	}
	return t.Box(draw.Frame{Title: "doctor", Note: note, Focused: true}, lines, w, h)
}
