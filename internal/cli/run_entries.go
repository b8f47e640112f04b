package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebpfdev/ebpfdev/internal/api"
	"github.com/ebpfdev/ebpfdev/internal/output"
	"github.com/ebpfdev/ebpfdev/internal/safe"
)

// How often a run looks at a map, and at how many of its entries.
const (
	entriesEvery = time.Second
	entriesMost  = 10
)

// toldByEntries returns the maps that show what a load's programs see when none
// of them sends events: those that hold entries and are the project's own.
func toldByEntries(loaded []api.Map) []api.Map {
	var told []api.Map
	for _, m := range loaded {
		switch {
		case strings.HasPrefix(m.Name, "AYA_LOG"): // log lines, not what is seen
		case m.Type == "ringbuf" || m.Type == "perf_event_array":
			return nil
		case m.Readable && !strings.Contains(m.Name, "."): // .rodata and its kin
			told = append(told, m)
		}
	}
	return told
}

// showEntries prints the greatest entries of a map as they change, until the
// context ends.
func (o *runOptions) showEntries(ctx context.Context, s api.Session, m api.Map) error {
	shown := map[string]string{}
	req := api.WatchRequest{
		Query:    api.QueryRequest{Map: api.MapRef{ID: m.ID}, Order: "-value", Limit: entriesMost},
		Interval: entriesEvery,
	}
	return s.WatchMap(ctx, req, func(page api.Page) error {
		for _, e := range slices.Backward(page.Entries) { // the greatest last, nearest to the prompt
			if shown[e.Key.Text] == e.Value.Text {
				continue
			}
			shown[e.Key.Text] = e.Value.Text
			if err := o.writeEntry(m, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *runOptions) writeEntry(m api.Map, e api.Entry) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	p := o.out()
	_, err := fmt.Fprintf(o.io.Out, "%s  %s  %s  %s\n", p.Paint(output.Dim, time.Now().Format("15:04:05.000")),
		p.Paint(output.Cyan, safe.Line(m.Name).String()), safe.Line(e.Key.Text), safe.Line(e.Value.Text))
	return err
}
