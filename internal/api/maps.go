package api

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Hex is raw bytes that read as "0a 1b 2c" in JSON.
type Hex []byte

// String returns the bytes as pairs of hexadecimal digits, separated by spaces.
func (h Hex) String() string {
	s := hex.EncodeToString(h)
	var b strings.Builder
	for i := 0; i < len(s); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i : i+2])
	}
	return b.String()
}

// MarshalText implements encoding.TextMarshaler.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(strings.ReplaceAll(string(text), " ", ""))
	if err != nil {
		return fmt.Errorf("hex bytes %q: %w", text, err)
	}
	*h = b
	return nil
}

// MapRef names one map: by id, or by name within a project.
type MapRef struct {
	ID      uint32 `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`    // used when ID is 0; as in ListRequest; must be unique among what it selects, else ErrUsage
	Project string `json:"project,omitempty"` // narrows Name
}

// QueryRequest asks for one page of a map.
type QueryRequest struct {
	Map MapRef `json:"map"`
	// Where selects entries: an expression such as "bytes > 1MB && proto == TCP", or
	// text to look for in keys and values in any case (docs/maps.md); empty for all.
	Where string `json:"where,omitempty"`
	// Order is "" for the kernel's order, or fields parted by commas, each with a
	// minus when the greatest comes first: "key", "-value", "-bytes,src".
	Order  string `json:"order,omitempty"`
	Offset int    `json:"offset,omitempty"` // in entries that match
	Limit  int    `json:"limit,omitempty"`  // at most 1000; 0 means 100
	// Quick ends a page in the kernel's order as soon as it is full, so that Matched
	// and Scanned count what was read until then; Page.More tells.
	Quick bool `json:"quick,omitempty"`
	// Columns are fields that each entry's Cells hold, as in ExportRequest.
	Columns []string `json:"columns,omitempty"`
	// Descend reads the maps that a map of maps holds; keys are then both keys,
	// {outer: 1, key: 7}.
	Descend bool `json:"descend,omitempty"`
}

// Page is a part of a map, read now; maps change while they are read, so it is
// no snapshot.
type Page struct {
	Map     Map     `json:"map"`
	Entries []Entry `json:"entries"`
	Matched int     `json:"matched"` // entries that match, of those scanned
	Scanned int     `json:"scanned"` // entries read
	// Incomplete is set when entries may be missing: the map changed so much that
	// the walk was given up.
	Incomplete bool `json:"incomplete,omitempty"`
	More       bool `json:"more,omitempty"` // the walk ended early, as Quick asks
	// Method is how it was read: "mmap", "batch", "next-key" or "index"; "peek" the
	// next entry of a queue or stack alone, "records" what waits in a ring buffer,
	// which stays there, "objects" the storage of those kernel objects that are found.
	Method string `json:"method"`
}

// Entry is one entry of a map.
type Entry struct {
	Key   Datum `json:"key"`
	Value Datum `json:"value"` // the first CPU's when PerCPU is set
	// PerCPU holds one value for each possible CPU, for per-CPU maps.
	PerCPU []Datum `json:"values,omitempty"`
	// Sum adds PerCPU up, number by number; nil when something in it is no count.
	Sum *Datum `json:"sum,omitempty"`
	// Cells holds one datum for each of the request's columns; key and value are
	// then not decoded, only their bytes are there.
	Cells []Datum `json:"cells,omitempty"`
}

// Datum is a key or a value: its bytes, and what BTF makes of them.
type Datum struct {
	Raw  Hex    `json:"raw"`
	Text string `json:"text"` // one line for people: "443", "{pid: 7, comm: \"sh\"}", without BTF a number or a string and its bytes, or bytes alone
	// JSON is the decoded value with fields in the order of the C type; nil
	// when there is no BTF.
	JSON json.RawMessage `json:"json,omitempty"`
}

// ExportRequest asks for all entries of a map. Where, Order and Descend are as in
// QueryRequest. An order without a limit keeps all entries that match in memory.
type ExportRequest struct {
	Map     MapRef `json:"map"`
	Where   string `json:"where,omitempty"`
	Order   string `json:"order,omitempty"`
	Limit   int    `json:"limit,omitempty"` // 0 for all
	Descend bool   `json:"descend,omitempty"`
	// Columns are the fields to send instead of keys and values: "src", "value.bytes",
	// and with ":hex", ":time" (nanoseconds since boot as a date) or ":duration"
	// (nanoseconds) how to write them.
	Columns []string     `json:"columns,omitempty"`
	Format  ExportFormat `json:"format,omitempty"`
}

// ExportFormat is how entries are sent. Text is written next to the data: a million
// entries cost a fraction of what they do as Entries.
type ExportFormat string

// The formats of an export.
const (
	ExportEntries ExportFormat = ""       // Chunk.Entries
	ExportJSON    ExportFormat = "json"   // Chunk.Text: elements of an array, one a line, commas between
	ExportNDJSON  ExportFormat = "ndjson" // Chunk.Text: an Entry a line; with columns an object of these
)

// Chunk is a part of an export.
type Chunk struct {
	Entries []Entry `json:"entries,omitempty"`
	Text    []byte  `json:"text,omitempty"`
	Count   int     `json:"count"` // entries in it
}

// ExportResult tells what an export read.
type ExportResult struct {
	Matched    int    `json:"matched"`
	Scanned    int    `json:"scanned"`
	Incomplete bool   `json:"incomplete,omitempty"` // as in Page
	More       bool   `json:"more,omitempty"`       // Limit ended it before the last entry
	Method     string `json:"method"`               // as in Page
}

// WatchRequest asks for a page again and again.
type WatchRequest struct {
	Query    QueryRequest  `json:"query"`
	Interval time.Duration `json:"interval_ns,omitempty"` // at least 100 ms; 0 means 1 s
}

// EditOp is what an edit does.
type EditOp string

// The operations of an edit.
const (
	EditSet    EditOp = "set"    // insert or overwrite
	EditDelete EditOp = "delete" // remove; ErrNotExist when it is not there
	EditPush   EditOp = "push"   // add a value to a queue, a stack or a bloom filter
	EditPop    EditOp = "pop"    // take the next value out of a queue or a stack; ErrNotExist when it is empty
)

// Edit changes one entry. Key and Value are text in any form that QueryMap
// shows: a number (decimal or 0x…), a quoted string, an IP or MAC address for a
// field of that size, JSON for structs and arrays, or "hex:" and bytes. The key of
// storage is a process's number, a path of a cgroup or a file, or a socket as
// PID/FD.
type Edit struct {
	Op    EditOp `json:"op"`
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
	// Fields change a part of the value, "bytes=0" or "at[1]=7"; the rest stays as it
	// is, or is zero in a new entry. Value is then empty.
	Fields []string `json:"fields,omitempty"`
	Expect *Hex     `json:"expect,omitempty"` // the value's bytes as last seen; nil to not compare
}

// EditRequest changes entries of one map.
type EditRequest struct {
	Map    MapRef `json:"map"`
	Edits  []Edit `json:"edits"`
	DryRun bool   `json:"dry_run,omitempty"` // encode and compare, change nothing
}

// EditResult tells what was changed.
type EditResult struct {
	Applied int      `json:"applied"`
	Changes []Change `json:"changes"` // one for each edit applied, in order
}

// Change is an entry before and after an edit.
type Change struct {
	Key    Datum  `json:"key"`
	Before *Datum `json:"before,omitempty"` // nil: there was none
	After  *Datum `json:"after,omitempty"`  // nil: deleted
}
