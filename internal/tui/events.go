package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/tui/draw"
)

// eventPane is the stream of the project's records and log lines.
type eventPane struct {
	log    ring
	at     scroll
	seen   int
	lost   uint64
	ready  bool
	err    error
	object api.Object // names the records' types
	serial int        // goes up when the stream has to begin again
	source string     // what the running stream reads; "" when there is none
	stream int
	feed   *feed[api.Event]
	ctx    context.Context
	cancel context.CancelFunc
}

// eventPace is slower than a frame: a busy stream would otherwise draw the
// screen all the time, for lines that nobody can read that fast.
const eventPace = 150 * time.Millisecond

func (p *eventPane) restart() { p.serial++ }

// sources names what a stream would read: the project's buffers and programs.
func (a *app) sources() string {
	project := a.conn.info.Project
	if project == "" {
		return ""
	}
	var ids []string
	for _, p := range a.programs.all {
		if p.Project == project {
			ids = append(ids, fmt.Sprint("program ", p.ID))
		}
	}
	for _, m := range a.maps.all {
		if m.Project == project && (m.Type == "ringbuf" || m.Type == "perf_event_array") {
			ids = append(ids, fmt.Sprint("map ", m.ID))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return fmt.Sprint(a.events.serial, " ", strings.Join(ids, " "))
}

// followEvents begins the stream anew when the project's buffers have changed.
func (a *app) followEvents() tea.Cmd {
	p := &a.events
	source := a.sources()
	if source == p.source || !a.maps.known {
		return nil
	}
	p.source = source
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
	p.ready, p.err = false, nil
	if source == "" {
		return nil
	}
	p.stream++
	p.ctx, p.cancel = context.WithCancel(a.conn.ctx)
	p.feed = newFeed[api.Event](p.log.limit)
	p.feed.pace = eventPace
	f, s, ctx := p.feed, a.conn.session, p.ctx
	req := api.EventsRequest{Project: a.conn.info.Project, Object: p.object, Logs: true}
	run := func() tea.Msg {
		f.end(s.StreamEvents(ctx, req, func(e api.Event) error { f.put(e); return nil }))
		return nil
	}
	return tea.Batch(run, a.nextEvents())
}

func (a *app) nextEvents() tea.Cmd {
	stream := a.events.stream
	return receive(a.events.ctx, a.events.feed, func(b batch[api.Event]) tea.Msg { return eventMsg{stream, b} })
}

func (a *app) gotEvents(msg eventMsg) tea.Cmd {
	p := &a.events
	if msg.stream != p.stream {
		return nil
	}
	p.lost += uint64(msg.lost)
	for _, e := range msg.items {
		p.take(a.theme, e)
	}
	if !msg.done {
		return a.nextEvents()
	}
	if msg.err == nil || isCancel(msg.err) {
		return nil
	}
	if cmd, gone := a.disconnected(msg.err); gone {
		return cmd
	}
	p.err = msg.err
	return nil
}

func (p *eventPane) take(t draw.Theme, e api.Event) {
	switch e.Kind {
	case api.EventReady:
		p.ready = true
	case api.EventLost:
		p.lost += e.Lost
		what := "lines of output"
		if e.Map != "" {
			what = "records of " + draw.Clean(e.Map)
		}
		p.log.add(t.Warn.Render(fmt.Sprintf("%s %d %s were lost", t.Glyphs.Warn, e.Lost, what)))
	case api.EventOutput:
		p.seen++
		p.log.add(t.Dim.Render(clock(e.Time)) + " " + draw.Clean(e.Text))
	case api.EventLog:
		p.seen++
		p.log.add(t.Dim.Render(clock(e.Time)) + " " + t.Warn.Render("printk") + " " +
			draw.Clean(fmt.Sprintf("%s-%d: %s", e.Comm, e.PID, e.Text)))
	default:
		p.seen++
		p.log.add(t.Dim.Render(clock(e.Time)) + " " + t.Accent.Render(draw.Clean(e.Map)) + " " + draw.Clean(e.Data.Text))
	}
}

func clock(at time.Time) string { return at.Format("15:04:05.000") }

// note is what stands beside the pane's title.
func (p *eventPane) note() string {
	s := fmt.Sprint(p.seen, " seen")
	if p.lost > 0 {
		s += fmt.Sprint(", ", p.lost, " lost")
	}
	if p.at.pinned {
		s += ", G follows"
	}
	return s
}

// view draws the last events: a line for each, and whole in the focused pane.
func (p *eventPane) view(t draw.Theme, w, h int, focused bool) []string {
	switch {
	case p.err != nil && len(p.log.lines) == 0:
		return t.State(problem("The events cannot be read.", p.err, "ctrl+r tries again"), w, h)
	case len(p.log.lines) > 0 && !focused:
		return p.at.window(p.log.lines, h)
	case len(p.log.lines) > 0:
		return p.at.wrapped(p.log.lines, w, h)
	case p.source == "":
		return t.State(draw.State{Title: "Nothing is loaded.", Text: "Records and bpf_printk lines of this project show up here.", Hint: "l loads"}, w, h)
	case p.ready:
		return t.State(draw.State{Title: "No events yet.", Text: "The buffers are open; what programs send shows up here."}, w, h)
	default:
		return t.State(draw.State{Mood: draw.Loading, Title: "Opening the buffers"}, w, h)
	}
}
