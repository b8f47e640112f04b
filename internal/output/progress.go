package output

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// ProgressMode is how a long operation is shown while it runs.
type ProgressMode string

// The modes.
const (
	ProgressAuto  ProgressMode = "auto"  // tty at a terminal, else plain
	ProgressTTY   ProgressMode = "tty"   // lines that change in place
	ProgressPlain ProgressMode = "plain" // lines that only grow in number
	ProgressJSON  ProgressMode = "json"  // one api.Progress a line
)

// ProgressModes lists the modes for help texts and completion.
func ProgressModes() []string { return []string{"auto", "tty", "plain", "json"} }

// Progress shows a long operation while it runs. Its methods are called from
// one goroutine.
type Progress interface {
	// Update takes one report. It fits the callbacks of package api.
	Update(api.Progress) error
	// Close leaves the screen as it should stay. No Update may follow.
	Close()
}

// NewPlainProgress writes one line for each thing that happens.
func NewPlainProgress(w io.Writer, p Palette) Progress {
	return &plainProgress{w: w, palette: p, began: map[string]time.Time{}}
}

type plainProgress struct {
	w       io.Writer
	palette Palette
	began   map[string]time.Time
	last    map[string]string
}

func (pp *plainProgress) Update(r api.Progress) error {
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	began, known := pp.began[r.Step]
	if !known {
		began = r.Time
		pp.began[r.Step] = began
		if r.State == api.StepStarted || r.State == api.StepRunning {
			if err := pp.line(Bold, r.Title, ""); err != nil {
				return err
			}
		}
	}
	switch r.State {
	case api.StepRunning:
		return pp.running(r)
	case api.StepDone, api.StepFailed, api.StepSkipped:
		delete(pp.began, r.Step)
		mark, style := endMark(r.State)
		return pp.line(style, mark+" "+r.Title+elapsed(r.Time.Sub(began)), endReason(r))
	case api.StepWarning:
		return pp.line(Yellow, "warning: "+r.Title, r.Line)
	default:
		return nil
	}
}

// running writes a line of output once; figures alone are no news in a log.
func (pp *plainProgress) running(r api.Progress) error {
	if r.Line == "" || pp.last[r.Step] == r.Line {
		return nil
	}
	if pp.last == nil {
		pp.last = map[string]string{}
	}
	pp.last[r.Step] = r.Line
	_, err := fmt.Fprintf(pp.w, "  %s\n", toolLine(r.Line))
	return err
}

func (pp *plainProgress) line(s Style, text, reason string) error {
	text = pp.palette.Paint(s, safe.Line(text).String())
	if reason != "" {
		text += ": " + safe.Line(reason).String()
	}
	_, err := io.WriteString(pp.w, text+"\n")
	return err
}

func (pp *plainProgress) Close() {}

// endMark returns the sign of a step that ended, never colour alone.
func endMark(s api.StepState) (string, Style) {
	switch s {
	case api.StepDone:
		return "✓", Green
	case api.StepFailed:
		return "✗", Red
	default:
		return "-", Dim
	}
}

// endReason returns what is worth saying about a step that ended. The last line
// of output says nothing once the step is done, and why one failed is told by
// the error that follows.
func endReason(r api.Progress) string {
	if r.State == api.StepSkipped {
		return r.Line
	}
	return ""
}

// elapsed returns " (1.2 s)", or nothing for what took no time worth telling.
func elapsed(d time.Duration) string {
	if d < 100*time.Millisecond {
		return ""
	}
	return " (" + Seconds(d) + ")"
}

// Seconds writes a duration for people: "0.2 s", "12 s", "3 min 05 s".
func Seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	default:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
}

// Bytes writes a size for people: "512 B", "1.5 MiB".
func Bytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	i := -1
	for f >= 1024 && i < 4 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}

// NewJSONProgress writes each report as a line of JSON.
func NewJSONProgress(w io.Writer) Progress { return jsonProgress{w} }

type jsonProgress struct{ w io.Writer }

func (j jsonProgress) Update(r api.Progress) error {
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	return JSONLine(j.w, r)
}

func (j jsonProgress) Close() {}

// amount writes "3/7 layers" or "1.0 MiB/4.0 MiB", nothing without figures.
func amount(r api.Progress) string {
	if r.Done == 0 && r.Total == 0 {
		return ""
	}
	figure := func(n int64) string {
		if r.Unit == "bytes" {
			return Bytes(n)
		}
		return fmt.Sprint(n)
	}
	s := figure(r.Done)
	if r.Total > 0 {
		s += "/" + figure(r.Total)
	}
	if r.Unit != "" && r.Unit != "bytes" {
		s += " " + r.Unit
	}
	return strings.TrimSpace(s)
}
