package api

import "time"

// EventsRequest asks for a stream of records.
type EventsRequest struct {
	// Project selects the ring buffers and perf event arrays that Load made for
	// it, and consumes what they hold. Where a process loaded the project's programs, it
	// selects what that printed, as far back as it is kept: records belong to
	// the process, and reading them here would take them from it.
	Project string `json:"project,omitempty"`
	// Maps selects any others. What comes into a ring buffer from now on is read and
	// left to its reader; a tap that is too slow misses bytes and says how many.
	// With Consume it is taken from its reader, which a perf event array can only be.
	Maps    []MapRef `json:"maps,omitempty"`
	Consume bool     `json:"consume,omitempty"`
	// Type names the C type of the records of Maps, "struct event" or "event", in the
	// BTF of the programs that use them, or of Object. Empty: what their names tell.
	Type string `json:"type,omitempty"`
	// Object, when given, holds the BTF that names the records' types, for
	// maps that were not loaded by this target.
	Object Object `json:"object,omitzero"`
	Logs   bool   `json:"logs,omitempty"` // also what programs print with bpf_printk
	// Programs selects programs by their ids, whose own streams of text are read: what
	// they print with bpf_stream_printk, and what the kernel says of those that it
	// had to end (Linux 6.17). What is read is gone.
	Programs []uint32 `json:"programs,omitempty"`
}

// EventKind tells the events of a stream apart.
type EventKind string

// The kinds of events.
const (
	EventReady   EventKind = "ready"   // everything asked for is open; what happens from now on is seen
	EventRecord  EventKind = "record"  // one record of a map
	EventLog     EventKind = "log"     // one line of bpf_printk
	EventLost    EventKind = "lost"    // Lost records or Bytes bytes of Map did not reach us; without Map, Lost lines of output
	EventWarning EventKind = "warning" // Text says what the person who watches should know
	EventOutput  EventKind = "output"  // one line that the project's loader process printed, or Program to a stream of its own
)

// Event is one record, log line or count of lost records.
type Event struct {
	Kind EventKind `json:"kind"`
	Time time.Time `json:"time"`           // when it was read; of output, when it was printed
	Map  string    `json:"map,omitempty"`  // the map's name
	CPU  int       `json:"cpu,omitempty"`  // perf event arrays and log lines
	Data Datum     `json:"data,omitzero"`  // records; Type in Data.JSON's place says the C type
	Type string    `json:"type,omitempty"` // the record's C type: "struct event"
	Text string    `json:"text,omitempty"` // log lines: the message; Comm and PID are whose context it ran in. Output: the line
	Comm string    `json:"comm,omitempty"` // log lines: empty where the kernel has forgotten the process's name
	PID  int       `json:"pid,omitempty"`
	// Program is whose stream a line of output came from; empty for a process's.
	Program string `json:"prog_name,omitempty"`
	// Stderr: a line of output came from standard error.
	Stderr bool   `json:"stderr,omitempty"`
	Lost   uint64 `json:"lost,omitempty"`
	Bytes  uint64 `json:"lost_bytes,omitempty"`
}
