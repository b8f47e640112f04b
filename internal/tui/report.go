package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// failure is a program that was refused.
type failure struct {
	object string
	kernel string
	api.ProgramReport
}

// report shows what the verifier refused, one program at a time.
type report struct {
	failures []failure
	i        int
	at       scroll // rests at the end of the log, where the reason is
	log      []string
}

func newReport(failures []failure) *report {
	r := &report{failures: failures}
	r.log = draw.CleanLines(failures[0].Log)
	return r
}

func (r *report) place() place { return placeFailure }

func (r *report) paste(string) {}

func (r *report) key(a *app, msg tea.KeyPressMsg) (dialog, tea.Cmd) {
	do := a.keys.action(msg, placeFailure, placeMove)
	switch do {
	case actCancel:
		return nil, nil
	case actNext, actPrev:
		step := 1
		if do == actPrev {
			step = len(r.failures) - 1
		}
		r.i = (r.i + step) % len(r.failures)
		r.at, r.log = scroll{}, draw.CleanLines(r.failures[r.i].Log)
	case actBuild, actVerify:
		return nil, a.act(do)
	case actCopy:
		a.notice = "sent to the terminal's clipboard"
		return r, tea.SetClipboard(r.text())
	default:
		r.at.move(do, len(r.log), a.reportRows(r))
	}
	return r, nil
}

func (r *report) text() string {
	f := r.failures[r.i]
	return fmt.Sprintf("%s: %s\n%s:%d: %s\nwhy: %s\nfix: %s\n\n%s\n", f.Program, f.Reason, f.File, f.Line, f.Source, f.Why, f.Fix, f.Log)
}

// head is all but the log.
func (r *report) head(a *app, w int) []string {
	t, f := a.theme, r.failures[r.i]
	var lines []string
	para := func(label, text string) {
		for i, l := range draw.Paragraph(text, w-8) {
			if i > 0 {
				label = ""
			}
			lines = append(lines, " "+t.Dim.Render(t.Fit(label, 6))+l)
		}
	}
	for _, l := range draw.Paragraph(f.Reason, w-4) {
		lines = append(lines, " "+t.Fail.Render(l))
	}
	if f.File != "" {
		lines = append(lines, " "+t.Fit(t.Dim.Render(t.Fit("at", 6))+t.Accent.Render(draw.Clean(fmt.Sprintf("%s:%d", f.File, f.Line))), w-2))
	}
	if f.Source != "" {
		lines = append(lines, " "+t.Dim.Render(t.Fit("", 6))+t.Bold.Render(draw.Clean(strings.TrimSpace(f.Source))))
	}
	para("why", f.Why)
	para("fix", f.Fix)
	return lines
}

// reportRows is how many lines of the log can be seen.
func (a *app) reportRows(r *report) int {
	return max(a.h-2-len(r.head(a, a.w-2))-3, 1)
}

func (r *report) view(a *app, w, h int) []string {
	t, f := a.theme, r.failures[r.i]
	head := r.head(a, w-2)
	if most := max(h-6, 1); len(head) > most {
		head = head[:most]
	}
	rows := max(h-len(head)-3, 1)
	rule := " verifier log"
	if n := len(r.log); n > 0 {
		first := r.at.first(n, rows)
		rule += fmt.Sprintf(", lines %d to %d of %d", first+1, min(first+rows, n), n)
	} else {
		rule += ": none"
	}
	if f.LogTruncated {
		rule += ", its middle left out"
	}
	lines := append(head, t.Dim.Render(rule))
	for _, l := range r.at.wrapped(r.log, w-4, rows) {
		lines = append(lines, " "+l)
	}
	note := f.object
	if f.kernel != "" {
		note += " on " + f.kernel
	}
	if len(r.failures) > 1 {
		note = fmt.Sprintf("%d of %d  ", r.i+1, len(r.failures)) + note
	}
	title := fmt.Sprintf("%s %s %s", t.Glyphs.Fail, draw.Clean(f.Program), f.Verdict)
	return t.Box(draw.Frame{Title: title, Note: draw.Clean(note), Foot: a.footKeys(placeFailure), Focused: true}, lines, w, h)
}
