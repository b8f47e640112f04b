package output

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

const (
	redrawEvery = 100 * time.Millisecond
	frames      = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
)

// NewTTYProgress shows each running step in a line that changes in place, and
// leaves one line for each step that ended. Output lines of the steps stay on
// the screen when verbose is set, otherwise only the latest is shown. width is
// asked before each drawing.
func NewTTYProgress(w io.Writer, p Palette, width func() int, verbose bool) Progress {
	t := &ttyProgress{w: w, palette: p, width: width, verbose: verbose, now: time.Now, stop: make(chan struct{})}
	t.ticker.Add(1)
	go t.tick()
	return t
}

type ttyProgress struct {
	w       io.Writer
	palette Palette
	width   func() int
	verbose bool
	now     func() time.Time

	mu      sync.Mutex
	running []liveStep
	drawn   int // lines of the live part on the screen
	frame   int

	ticker sync.WaitGroup
	stop   chan struct{}
}

type liveStep struct {
	api.Progress
	began time.Time
}

func (t *ttyProgress) tick() {
	defer t.ticker.Done()
	clock := time.NewTicker(redrawEvery)
	defer clock.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-clock.C:
			t.mu.Lock()
			t.frame++
			_ = t.draw("")
			t.mu.Unlock()
		}
	}
}

func (t *ttyProgress) Update(r api.Progress) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.find(r.Step)
	switch r.State {
	case api.StepDone, api.StepFailed, api.StepSkipped:
		took := time.Duration(0)
		if i >= 0 {
			took = t.now().Sub(t.running[i].began)
			t.running = append(t.running[:i], t.running[i+1:]...)
		}
		return t.draw(t.ended(r, took))
	case api.StepWarning:
		return t.draw(t.permanent(Yellow, "! "+r.Title, r.Line))
	}
	if i < 0 {
		t.running = append(t.running, liveStep{Progress: r, began: t.now()})
		return t.draw("")
	}
	news := r.Line != "" && r.Line != t.running[i].Line
	if r.Line == "" {
		r.Line = t.running[i].Line
	}
	t.running[i].Progress = r
	if t.verbose && news {
		return t.draw("  " + toolLine(r.Line) + "\n")
	}
	return nil // the next tick shows it
}

func (t *ttyProgress) find(step string) int {
	for i := range t.running {
		if t.running[i].Step == step {
			return i
		}
	}
	return -1
}

func (t *ttyProgress) ended(r api.Progress, took time.Duration) string {
	mark, style := endMark(r.State)
	text := t.palette.Paint(style, mark) + " " + safe.Line(r.Title).String() + t.palette.Paint(Dim, elapsed(took))
	if reason := endReason(r); reason != "" {
		text += ": " + safe.Line(reason).String()
	}
	return text + "\n"
}

func (t *ttyProgress) permanent(s Style, text, reason string) string {
	text = t.palette.Paint(s, safe.Line(text).String())
	if reason != "" {
		text += ": " + safe.Line(reason).String()
	}
	return text + "\n"
}

// draw replaces the live part by the permanent text and the live part anew, in
// one write, so that nothing flickers.
func (t *ttyProgress) draw(permanent string) error {
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", t.drawn)
	}
	b.WriteString(permanent)
	width := max(t.width(), 20)
	for _, s := range t.running {
		b.WriteString(t.live(s, width-1) + "\n")
	}
	t.drawn = len(t.running)
	if b.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// live is one line: what runs, how far it is, for how long, its last output.
func (t *ttyProgress) live(s liveStep, width int) string {
	spinner := []rune(frames)
	text := string(spinner[t.frame%len(spinner)]) + " " + safe.Line(s.Title).String()
	if a := amount(s.Progress); a != "" {
		text += " " + a
	}
	text += elapsed(t.now().Sub(s.began))
	if left := width - ansi.StringWidth(text) - 2; s.Line != "" && left > 10 {
		return text + "  " + t.palette.Paint(Dim, ansi.Truncate(toolLine(s.Line), left, "…"))
	}
	return ansi.Truncate(text, width, "…")
}

func (t *ttyProgress) Close() {
	close(t.stop)
	t.ticker.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = nil
	_ = t.draw("")
}
