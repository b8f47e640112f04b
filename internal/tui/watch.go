package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// settle is how long a wish for another window has to stand before the watch is
// begun anew, so that a held key starts one watch and not thirty.
const settle = 30 * time.Millisecond

// followMap brings the watch in line with the selected map and the visible window.
func (a *app) followMap() tea.Cmd {
	m, ok := a.maps.selected()
	if !ok {
		if a.entries.m.ID != 0 && a.maps.known {
			a.entries.reset()
		}
		return nil
	}
	a.entries.show(m)
	e := &a.entries
	if !m.Readable {
		return nil
	}
	now := e.window()
	if now == e.wanted {
		return nil
	}
	e.wanted = now
	e.asked++
	wish := e.asked
	if e.running.id != e.wanted.id { // another map: at once
		return func() tea.Msg { return wantMsg{wish} }
	}
	return tea.Tick(settle, func(time.Time) tea.Msg { return wantMsg{wish} })
}

// watchNow begins the watch that a wish was for, if it is still the last one.
func (a *app) watchNow(msg wantMsg) tea.Cmd {
	e := &a.entries
	if msg.want != e.asked || a.service() == nil || e.wanted.id == 0 {
		return nil
	}
	if e.cancel != nil {
		e.cancel()
	}
	ctx, cancel := context.WithCancel(a.conn.ctx)
	e.cancel, e.ctx, e.running = cancel, ctx, e.wanted
	e.watch++
	e.feed = newFeed[api.Page](1)
	f, s, w := e.feed, a.conn.session, e.running
	req := api.WatchRequest{Interval: time.Second, Query: api.QueryRequest{
		Map: api.MapRef{ID: w.id}, Where: w.where, Order: w.order, Offset: w.offset, Limit: w.limit,
	}}
	run := func() tea.Msg {
		f.end(s.WatchMap(ctx, req, func(p api.Page) error { f.put(p); return nil }))
		return nil
	}
	return tea.Batch(run, a.nextPage())
}

func (a *app) nextPage() tea.Cmd {
	watch := a.entries.watch
	return receive(a.entries.ctx, a.entries.feed, func(b batch[api.Page]) tea.Msg { return watchMsg{watch, b} })
}

func (a *app) gotPage(msg watchMsg) tea.Cmd {
	e := &a.entries
	if msg.watch != e.watch {
		return nil
	}
	for _, page := range msg.items {
		e.take(page)
	}
	if !msg.done {
		return a.nextPage()
	}
	if msg.err == nil || errors.Is(msg.err, context.Canceled) {
		return nil
	}
	if cmd, gone := a.disconnected(msg.err); gone {
		return cmd
	}
	e.err = msg.err
	return nil
}
