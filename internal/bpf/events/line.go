package events

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

// A line of trace_pipe, whose columns depend on the kernel's version and options:
//
//	    bash-1234    [001] d..21  5678.901234: bpf_trace_printk: hello
//	my - name-1234 (   1200) [001] 5678.901234: bpf_trace_printk: hello
var (
	printLine = regexp.MustCompile(`^\s*(.*)-(\d+)\s+(?:\(\s*[-\d]+\)\s+)?\[(\d+)\]\s+(?:\S+\s+)?\d+(?:\.\d+)?:\s(?:bpf_trace_printk|0x[0-9a-f]+):\s?(.*)$`)
	lostLine  = regexp.MustCompile(`^CPU:(\d+) \[LOST (\d+|) ?EVENTS\]$`)
)

// lines turns what trace_pipe gives into events.
type lines struct {
	rest string    // the beginning of a line
	last api.Event // whom lines without a head belong to
}

// add takes more output and returns the events of all lines that are whole.
func (l *lines) add(chunk string) []api.Event {
	var events []api.Event
	text := l.rest + chunk
	for {
		line, rest, ok := strings.Cut(text, "\n")
		if !ok {
			l.rest = text
			return events
		}
		text = rest
		if e, ok := l.event(line); ok {
			events = append(events, e)
		}
	}
}

// event parses one line. A message may hold line feeds: its later lines have no
// head, and an empty one means nothing.
func (l *lines) event(line string) (api.Event, bool) {
	if m := printLine.FindStringSubmatch(line); m != nil {
		l.last = api.Event{Kind: api.EventLog, Comm: comm(m[1]), PID: atoi(m[2]), CPU: atoi(m[3]), Text: m[4]}
		return l.last, true
	}
	if m := lostLine.FindStringSubmatch(line); m != nil {
		n, err := strconv.ParseUint(m[2], 10, 64)
		if err != nil {
			n = 1 // the kernel does not always know how many
		}
		return api.Event{Kind: api.EventLost, CPU: atoi(m[1]), Lost: n}, true
	}
	if line == "" {
		return api.Event{}, false
	}
	e := l.last
	e.Kind, e.Text = api.EventLog, line
	return e, true
}

// comm is empty for "<...>", by which the kernel says that it has forgotten.
func comm(s string) string {
	if s == "<...>" {
		return ""
	}
	return s
}

// atoi is for text that is all digits.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
