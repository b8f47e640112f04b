package tui

import (
	"context"
	"errors"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// dataMsg is something that the target holds.
type dataMsg interface{ data() }

type (
	listsMsg struct {
		gen      int
		programs []api.Program
		maps     []api.Map
		links    []api.Link
		latency  time.Duration
		err      error
	}
	pollMsg  struct{ gen int }
	watchMsg struct {
		watch int
		batch[api.Page]
	}
	wantMsg  struct{ want int }
	eventMsg struct {
		stream int
		batch[api.Event]
	}
)

func (listsMsg) data() {}
func (pollMsg) data()  {}
func (watchMsg) data() {}
func (wantMsg) data()  {}
func (eventMsg) data() {}

// silence is how long a target may take for its lists before it counts as gone:
// the connection of a container that was killed is not always closed.
const silence = 8 * time.Second

// statusEvery is how many times the lists are read for each look at the container.
const statusEvery = 3

// noID is an id that no object has: the kernel counts up from 1.
const noID = 1<<32 - 1

// poll reads the lists once. The next poll is asked for when they have come.
func (a *app) poll() tea.Cmd {
	parent, s, gen := a.conn.ctx, a.conn.session, a.conn.gen
	req := api.ListRequest{}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(parent, silence)
		defer cancel()
		msg := listsMsg{gen: gen}
		began := time.Now()
		_, msg.err = s.ListLinks(ctx, api.ListRequest{IDs: []uint32{noID}}) // next to no work: the way there and back
		msg.latency = time.Since(began)
		if msg.err == nil {
			msg.links, msg.err = s.ListLinks(ctx, req)
		}
		if msg.err == nil {
			msg.programs, msg.err = s.ListPrograms(ctx, req)
		}
		if msg.err == nil {
			msg.maps, msg.err = s.ListMaps(ctx, req)
		}
		if errors.Is(msg.err, context.DeadlineExceeded) {
			msg.err = api.Errorf("list", "", api.ErrUnreachable, "the target does not answer")
		}
		return msg
	}
}

func (a *app) updateData(msg dataMsg) tea.Cmd {
	switch msg := msg.(type) {
	case listsMsg:
		return a.gotLists(msg)
	case pollMsg:
		if msg.gen == a.conn.gen && a.conn.state == connected {
			return a.poll()
		}
	case watchMsg:
		return a.gotPage(msg)
	case wantMsg:
		return a.watchNow(msg)
	case eventMsg:
		return a.gotEvents(msg)
	}
	return nil
}

func (a *app) gotLists(msg listsMsg) tea.Cmd {
	if msg.gen != a.conn.gen || a.conn.state != connected {
		return nil
	}
	again := tea.Tick(pollEvery, func(time.Time) tea.Msg { return pollMsg{msg.gen} })
	if cmd, gone := a.disconnected(msg.err); gone {
		return cmd
	}
	if msg.err != nil {
		a.programs.err, a.maps.err = msg.err, msg.err
		return again
	}
	a.conn.latency = msg.latency
	a.conn.polls++
	if a.conn.polls%statusEvery == 0 {
		again = tea.Batch(again, a.askStatusAgain())
	}
	if !a.maps.known && a.conn.apart() { // someone else's programs are what a kernel shows
		own := slices.ContainsFunc(msg.programs, func(p api.Program) bool { return p.Project == a.project() })
		a.programs.project, a.maps.project = own, own
	}
	a.programs.set(msg.programs, msg.links, a.project())
	a.maps.set(msg.maps, a.project())
	return again
}

// follow brings the streams in line with what is shown: the watch with the
// selected map and the visible window, the events with what is loaded. It is
// called after everything that may have changed either.
func (a *app) follow() tea.Cmd {
	if a.service() == nil || a.screen != screenMain {
		return nil
	}
	return tea.Batch(a.followMap(), a.followEvents())
}
