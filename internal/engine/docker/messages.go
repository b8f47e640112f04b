package docker

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/types/jsonstream"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// messages reads the JSON objects that a build, pull or import streams.
type messages struct{ dec *json.Decoder }

func newMessages(r io.Reader) *messages { return &messages{json.NewDecoder(r)} }

// next returns the next message; io.EOF after the last.
func (m *messages) next() (jsonstream.Message, error) {
	var msg jsonstream.Message
	err := m.dec.Decode(&msg)
	return msg, err
}

// layers adds up the progress of an image's layers, which arrive side by side.
type layers struct {
	order []string
	bytes map[string]jsonstream.Progress
	ready map[string]bool
}

func newLayers() *layers {
	return &layers{bytes: map[string]jsonstream.Progress{}, ready: map[string]bool{}}
}

// update takes a message in and returns what to report of it.
func (l *layers) update(m jsonstream.Message) (api.Progress, bool) {
	if m.Status == "" {
		return api.Progress{}, false
	}
	line := m.Status
	if m.ID != "" {
		line = m.ID + ": " + m.Status
	}
	switch m.Status {
	case "Pulling fs layer", "Waiting", "Already exists":
		l.add(m.ID)
	case "Downloading":
		l.add(m.ID)
		if m.Progress != nil {
			l.bytes[m.ID] = *m.Progress
		}
	case "Download complete":
		p := l.bytes[m.ID]
		p.Current = p.Total
		l.bytes[m.ID] = p
	}
	if m.Status == "Pull complete" || m.Status == "Already exists" {
		l.ready[m.ID] = true
	}
	done, total := l.sum()
	return api.Progress{Line: line, Done: done, Total: total, Unit: "bytes"}, true
}

func (l *layers) add(id string) {
	if _, ok := l.bytes[id]; !ok {
		l.order = append(l.order, id)
		l.bytes[id] = jsonstream.Progress{}
	}
}

func (l *layers) sum() (done, total int64) {
	for _, p := range l.bytes {
		done += p.Current
		total += p.Total
	}
	return done, total
}

// summary says how much there was.
func (l *layers) summary() string {
	_, total := l.sum()
	return fmt.Sprintf("%s, %d bytes", layerCount(len(l.order)), total)
}

// now is the time of a report.
func now() time.Time { return time.Now() }
