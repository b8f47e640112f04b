package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// taskPane is the task that runs, or the last one, and its log.
type taskPane struct {
	id      int
	job     job
	state   taskState
	err     error
	began   time.Time
	took    time.Duration
	figure  string // how far it is: "3/8 layers"
	step    string // the step that runs
	log     ring
	at      scroll
	cancel  context.CancelFunc
	command int // its number in the command log

	failures []failure // of the last verify or load, for looking again
	feed     *feed[note]
	ctx      context.Context
}

type taskState int

const (
	taskNone taskState = iota
	taskRunning
	taskDone
	taskFailed
	taskCancelled
)

// job is something that takes a while. It runs outside of Update.
type job struct {
	title   string
	command string // the command line that does the same
	// run does the work and says how it goes on.
	run func(ctx context.Context, say func(note)) (outcome, error)
}

// note is what a running job has to say.
type note struct {
	mark   draw.Mood // of a step that ended badly
	step   string    // a step began or ended
	done   bool      // it ended
	line   string    // a line of output
	figure string
	end    *finishedMsg // the job has returned
}

// outcome is what a job found out, besides its error.
type outcome struct {
	failures []failure  // programs that the verifier refused
	opened   bool       // there is a container to connect to
	removed  bool       // the container is gone
	loaded   bool       // what the kernel holds has changed
	folder   string     // a new project to go to
	watch    bool       // its events are what to look at now
	conflict bool       // the project is already loaded
	object   api.Object // what was built; its BTF names the types of events
	// unattached counts programs that need to be told where.
	unattached int
	summary    string
}

// taskMsg is news about a task.
type taskMsg interface{ task() }

type (
	notesMsg struct {
		id int
		batch[note]
	}
	finishedMsg struct {
		outcome
		err error
	}
	secondMsg struct{ id int }
)

func (notesMsg) task()  {}
func (secondMsg) task() {}

func (p *taskPane) running() bool { return p.state == taskRunning }

func (p *taskPane) stop() {
	if p.cancel != nil {
		p.cancel()
	}
}

// begin starts a job, unless one runs.
func (a *app) begin(j job) tea.Cmd {
	if a.task.running() {
		a.notice = a.task.job.title + " is still running; ctrl+c cancels it"
		return nil
	}
	ctx, cancel := context.WithCancel(a.ctx)
	a.task = taskPane{
		id: a.task.id + 1, job: j, state: taskRunning, began: a.now(), cancel: cancel, ctx: ctx,
		log: ring{limit: a.task.log.limit}, feed: newFeed[note](2000),
	}
	a.task.command = a.commands.begin(a.now(), j.command)
	a.bottom = paneTask
	if a.focus > paneTask {
		a.focus = paneTask
	}
	f := a.task.feed
	run := func() tea.Msg {
		defer cancel()
		out, err := j.run(ctx, f.put)
		f.put(note{end: &finishedMsg{out, err}}) // after all that it said
		return nil
	}
	return tea.Batch(run, a.nextNotes(), a.nextSecond())
}

// nextNotes waits on the app's context: what a cancelled job still says counts.
func (a *app) nextNotes() tea.Cmd {
	id := a.task.id
	return receive(a.ctx, a.task.feed, func(b batch[note]) tea.Msg { return notesMsg{id, b} })
}

// nextSecond lets the clock in the header go on. It only ticks while a task runs.
func (a *app) nextSecond() tea.Cmd {
	id := a.task.id
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return secondMsg{id} })
}

func (a *app) updateTask(msg taskMsg) tea.Cmd {
	switch msg := msg.(type) {
	case notesMsg:
		if msg.id != a.task.id {
			return nil
		}
		if end := a.task.take(a.theme, msg.batch); end != nil {
			return a.finished(*end)
		}
		return a.nextNotes()
	case secondMsg:
		if msg.id == a.task.id && a.task.running() {
			return a.nextSecond()
		}
	}
	return nil
}

// take adds what a job said to the log. It returns how the job ended, if it did.
func (p *taskPane) take(t draw.Theme, b batch[note]) (end *finishedMsg) {
	if b.lost > 0 {
		p.log.add(t.Warn.Render(fmt.Sprintf("%d lines came too fast to be shown", b.lost)))
	}
	for _, n := range b.items {
		if n.end != nil {
			end = n.end
		}
		if n.figure != "" {
			p.figure = n.figure
		}
		if n.step != "" {
			p.addStep(t, n)
		}
		for _, l := range draw.CleanLines(n.line) {
			p.log.add("  " + l)
		}
	}
	return end
}

func (p *taskPane) addStep(t draw.Theme, n note) {
	step := draw.Clean(n.step)
	switch {
	case !n.done:
		p.step, p.figure = step, n.figure
		p.log.add(t.Accent.Render(t.Glyphs.Right) + " " + step)
	case n.mark == draw.Failed:
		p.log.add(t.Fail.Render(t.Glyphs.Fail) + " " + step)
	case n.mark == draw.Locked:
		p.log.add(t.Warn.Render(t.Glyphs.Warn) + " " + step)
	default:
		p.log.add(t.OK.Render(t.Glyphs.OK) + " " + step)
	}
}

// finished ends a task and does what follows from it.
func (a *app) finished(msg finishedMsg) tea.Cmd {
	p := &a.task
	p.took, p.figure, p.err, p.failures = a.now().Sub(p.began), "", msg.err, msg.failures
	switch {
	case msg.err == nil:
		p.state = taskDone
	case isCancel(msg.err):
		p.state = taskCancelled
	default:
		p.state = taskFailed
	}
	p.log.add(p.verdict(a.theme, msg)...)
	a.commands.end(p.command, msg.err)
	lostCmd, _ := a.disconnected(msg.err)
	cmds := []tea.Cmd{lostCmd}
	switch {
	case msg.conflict:
		a.dialog = a.askReplace()
	case len(msg.failures) > 0:
		a.dialog = newReport(msg.failures)
	}
	if p.state == taskFailed && a.dialog == nil && !a.entries.typing && a.focus <= paneInspector && a.screen == screenMain {
		a.setFocus(paneTask) // what a tool said needs the room
	}
	if msg.watch && a.bottom == paneTask {
		a.bottom = paneEvents
		if a.focus == paneTask {
			a.focus = paneEvents
		}
	}
	if msg.unattached > 0 {
		a.notice = plural(msg.unattached, "program") + " not attached: A says where, then l again"
	}
	if msg.object.Name != "" {
		if a.events.object.Name == "" { // what came so far had no names
			a.events.restart()
		}
		a.events.object = msg.object
	}
	if msg.loaded && a.service() != nil {
		a.events.restart()
		a.programs.project, a.maps.project = true, true
		cmds = append(cmds, a.poll())
	}
	if msg.removed {
		cmds = append(cmds, a.leave(), a.askStatus())
	}
	if msg.folder != "" {
		a.conn.folder, a.screen = msg.folder, screenMain
	}
	switch {
	case msg.opened:
		cmds = append(cmds, a.leave(), a.open())
	case msg.folder != "":
		cmds = append(cmds, a.leave(), a.askStatus())
	}
	return tea.Batch(cmds...)
}

// verdict is the last thing in a task's log.
func (p *taskPane) verdict(t draw.Theme, msg finishedMsg) []string {
	took := p.took.Round(100 * time.Millisecond).String()
	switch p.state {
	case taskDone:
		text := p.job.title + " done in " + took
		if msg.summary != "" {
			text += ": " + draw.Clean(msg.summary)
		}
		return []string{t.OK.Render(t.Glyphs.OK) + " " + text}
	case taskCancelled:
		return []string{t.Warn.Render(t.Glyphs.Warn) + " " + p.job.title + " cancelled after " + took}
	}
	var lines []string
	for i, line := range draw.CleanLines(msg.err.Error()) {
		if i == 0 {
			line = t.Glyphs.Fail + " " + line
		}
		lines = append(lines, t.Fail.Render(line))
	}
	if hint := api.HintOf(msg.err); hint != "" {
		lines = append(lines, "  hint: "+t.Key.Render(draw.Clean(hint)))
	}
	return lines
}

// chip is the task in the header.
func (p *taskPane) chip(t draw.Theme, now time.Time) string {
	switch p.state {
	case taskRunning:
		s := p.job.title + " " + now.Sub(p.began).Truncate(time.Second).String()
		if p.figure != "" {
			s += " " + draw.Clean(p.figure)
		}
		return t.Accent.Render(t.Glyphs.Running + " " + s)
	case taskDone:
		return t.OK.Render(t.Glyphs.OK) + " " + p.job.title
	case taskFailed:
		return t.Fail.Render(t.Glyphs.Fail + " " + p.job.title)
	case taskCancelled:
		return t.Warn.Render(t.Glyphs.Warn) + " " + p.job.title + " cancelled"
	default:
		return t.Dim.Render("idle")
	}
}

func (p *taskPane) view(t draw.Theme, w, h int) []string {
	if p.state == taskNone {
		return t.State(draw.State{
			Title: "No task has run.", Text: "Build, verify, load and their logs show up here.", Hint: "b builds, l builds and loads, r runs",
		}, w, h)
	}
	return p.at.wrapped(p.log.lines, w, h)
}
